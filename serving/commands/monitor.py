"""``rollrisk monitor``."""

from datetime import date
from pathlib import Path

import click

from serving.commands.shared import (
    FOLDER,
    ISO_DATE,
    LEDGER,
    console,
    print_json,
    print_table,
    progress,
    refusals,
    require_known,
)


@click.command("monitor")
@click.argument("ledger", type=LEDGER)
@click.option("--as-of", "as_of", type=ISO_DATE, help="Pretend that the books end on this day.")
@click.option("--out", type=FOLDER, help="Folder for the files. Default: monitor/ in the home.")
@click.option("--json", "as_json", is_flag=True, help="Print monitor.json instead of a table.")
@refusals
def command(ledger: Path, as_of: date | None, out: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Compare past scores with what became of them, and today's with the model's test window.

    LEDGER is the ledger that was scored, with what has happened since. Writes monitor.html,
    monitor.json and monitor.prom (gauges for Prometheus). Exit code 1 with the reasons when a
    retrain is due; only accounts that no collector worked may ask for one.
    """
    from features.ledger.read import open_ledger  # noqa: PLC0415 (quick --help)
    from models.home import read_home  # noqa: PLC0415
    from training.monitor import run_monitor  # noqa: PLC0415
    from training.monitor_page import write_monitoring  # noqa: PLC0415

    home, opened = read_home(), open_ledger(ledger)
    if as_of is not None:
        require_known(opened, as_of)
    with progress("Monitoring") as tell:
        found = run_monitor(home, opened, as_of=as_of, progress=tell)
        folder = out or home.path / "monitor"
        write_monitoring(found, folder)
    if as_json:
        print_json(found.to_json())
    else:
        rows = [
            [check.name, check.group, f"{check.value:.3f}", check.bound, check.state]
            for check in found.checks
            if check.state != "not judged"
        ]
        print_table(
            f"Model {found.model_version}, scored on {found.scored_on}, known on {found.known_on}",
            ["rule", "accounts", "value", "bound", ""],
            rows,
            right=("value",),
        )
        unjudged = sum(check.state == "not judged" for check in found.checks)
        if unjudged:
            console().print(f"{unjudged} rules had too few outcomes to be judged.")
        for warning in found.warnings:
            console().print(f"Early warning: {warning}")
        for reason in found.reasons:
            console().print(f"Retrain: {reason}")
        console().print(f"Figures and pictures are in {folder}; open {folder}/monitor.html.")
    if found.retrain_due:
        raise SystemExit(1)
