"""A simulated business-to-business ledger, and the true probabilities behind it."""

from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.simulation import Simulation, simulate
from features.sources.simulated.truth import true_probabilities

__all__ = ["Simulation", "SimulationConfig", "simulate", "true_probabilities"]
