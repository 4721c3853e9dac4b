"""The true probabilities of every open item, summed exactly over the hazards.

Each item's future is a Markov chain over the account's regime, the number of parts left and
the item's phase, with waiting times for promises, plans, postings and returns. The chain is
carried forward one business day at a time as probability mass; nothing is drawn. The same
functions of :mod:`hazards` give the probabilities here and in the engine.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.sources.simulated import hazards
from features.sources.simulated.accounts import Population
from features.sources.simulated.columns import dates, ids, words
from features.sources.simulated.engine import run
from features.sources.simulated.items import Snapshot
from features.sources.simulated.mass import STEPS, Chain
from features.sources.simulated.payers import NAMES
from features.sources.simulated.simulation import Simulation
from features.sources.simulated.world import World

_CHUNK = 4000


def true_probabilities(
    simulation: Simulation, as_of: Sequence[date], *, sample: int | None = None
) -> pa.Table:
    """Return the true P(unresolved at t + 30k) of every item open in the books at t.

    The simulation is replayed from its configuration up to the last date; the hidden state at
    the end of each date is the starting point of the sums.

    Parameters
    ----------
    simulation : Simulation
        The ledger.
    as_of : sequence of datetime.date
        The dates t, within the ledger. The look-ahead may pass the ledger's end.
    sample : int, optional
        Take at most this many items a date, drawn with the simulation's seed.

    Returns
    -------
    truth : pyarrow.Table
        One row per date and open item: ``as_of``, ``invoice_id``, ``account_id``,
        ``payer_type``, ``paid_invoices`` (of the account, known at t), ``p_open_30`` to
        ``p_open_120`` under the contacts that would happen, and the same four with the suffix
        ``_no_contact`` for a world in which collectors stop calling after t. Probabilities
        lie in [0, 1] and never rise with the horizon.

    Raises
    ------
    ValueError
        When a date lies outside the ledger, or no date is given.

    Examples
    --------
    >>> from datetime import date
    >>> from features.sources.simulated import SimulationConfig, simulate
    >>> simulation = simulate(SimulationConfig(accounts=30, months=6, seed=3))
    >>> truth = true_probabilities(simulation, [date(2023, 5, 31)])
    >>> truth.column_names[:6]
    ['as_of', 'invoice_id', 'account_id', 'payer_type', 'paid_invoices', 'p_open_30']
    """
    if not as_of:
        raise ValueError("as_of must hold at least one date, got none.")
    days = sorted(set(as_of))
    world, snapshots = run(simulation.config, watch=days, last=days[-1])
    rng = np.random.default_rng([simulation.config.seed, 1])
    return pa.concat_tables(
        _of_snapshot(world, _sampled(snapshots[day], sample, rng)) for day in days
    )


def _sampled(snapshot: Snapshot, sample: int | None, rng: np.random.Generator) -> Snapshot:
    if sample is None or len(snapshot.item) <= sample:
        return snapshot
    rows = np.sort(rng.choice(len(snapshot.item), size=sample, replace=False))
    return snapshot.pick(rows)


def _of_snapshot(world: World, snapshot: Snapshot) -> pa.Table:
    kind = world.population.kind[snapshot.account]
    chances = {
        suffix: _probabilities(world, snapshot, kind, contacts=contacts)
        for suffix, contacts in (("", True), ("_no_contact", False))
    }
    return pa.table(
        {
            "as_of": dates(np.full(len(kind), snapshot.as_of)),
            "invoice_id": ids("INV-", snapshot.item),
            "account_id": ids("A-", snapshot.account, 6),
            "payer_type": words(kind, NAMES),
            "paid_invoices": pa.array(snapshot.paid[snapshot.account]),
        }
        | {
            f"p_open_{30 * (step + 1)}{suffix}": pa.array(chance[step])
            for suffix, chance in chances.items()
            for step in range(STEPS)
        }
    )


def _probabilities(
    world: World, snapshot: Snapshot, kind: npt.NDArray[np.int8], *, contacts: bool
) -> npt.NDArray[np.float64]:
    """Return the (4, n) probabilities of being unresolved."""
    result = np.zeros((STEPS, len(kind)))
    for code in np.unique(kind):
        rows = np.flatnonzero(kind == code)
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            result[:, chunk] = _chunk(world, snapshot.pick(chunk), int(code), contacts=contacts)
    return result


def _chunk(
    world: World, snapshot: Snapshot, code: int, *, contacts: bool
) -> npt.NDArray[np.float64]:
    population: Population = world.population
    chain = Chain(
        payers=hazards.payers_of(population, snapshot.account, snapshot.pull),
        kind=code,
        calendar=world.calendar,
        snapshot=snapshot,
        contacts=contacts,
    )
    return chain.unresolved()
