"""The whole path on a simulated ledger: simulate → train → score → report."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from features.ledger.read import open_ledger
from models.home import Home
from models.registry import load_model
from serving.batch import Scored, score_batch
from serving.policy import read_policy
from serving.reports.render import write_report
from serving.simulate import simulate_ledger
from training.config import read_config
from training.register import Registration, train_and_register


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a demonstration made."""

    registration: Registration
    scored: Scored
    report: Path


def run_demo(
    home: Home, *, accounts: int, months: int, seed: int, progress: Callable[[str], None]
) -> Demo:
    """Run every stage and return what was made.

    The ledger stands in ``demo/ledger`` of the home folder, the scores in ``demo/scores``.
    """
    ledger_path = home.path / "demo" / "ledger"
    shutil.rmtree(ledger_path, ignore_errors=True)
    progress("simulate")
    simulation, _ = simulate_ledger(
        ledger_path, accounts=accounts, months=months, seed=seed, progress=progress
    )
    ledger = open_ledger(ledger_path)
    registration = train_and_register(
        ledger, read_config("quick"), home, ledger_folder=ledger_path, progress=progress
    )
    bundle = load_model(home, registration.version)
    scored = score_batch(
        ledger,
        simulation.known_through,
        bundle,
        read_policy(),
        home,
        ledger_path=ledger_path,
        model_reference=registration.version,
        out=home.path / "demo" / "scores",
        progress=progress,
    )
    progress("report")
    report = write_report(scored.folder, home.path / "demo" / "report.html")
    return Demo(registration=registration, scored=scored, report=report)
