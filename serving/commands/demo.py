"""``rollrisk demo``."""

import os
import shutil
import sys

import click

from serving.commands.shared import console, progress, refusals


@click.command("demo")
@click.option("--accounts", default=2000, show_default=True, type=click.IntRange(100))
@click.option("--months", default=36, show_default=True, type=click.IntRange(18, 120))
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0))
@refusals
def command(accounts: int, months: int, seed: int) -> None:
    """Simulate a ledger, train, score and report, in one go.

    Everything is written to the folder named by ROLLRISK_HOME; a second run replaces what the
    first wrote.
    """
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from serving.commands.demo_run import run_demo  # noqa: PLC0415
    from serving.tables import print_worklist  # noqa: PLC0415

    with progress("Demo") as tell:
        result = run_demo(read_home(), accounts=accounts, months=months, seed=seed, progress=tell)
    target = console()
    print_worklist(result.scored.accounts, count=10)
    target.print(result.registration.sentence)
    target.print(f"Report:    {result.report}")
    target.print(f"Scores:    {result.scored.folder}")
    target.print(f"Serve it:  {program()} serve")
    target.print(
        "Then ask:  curl -s -X POST http://127.0.0.1:3000/v1/worklist "
        "-H 'Authorization: Bearer KEY' -H 'Content-Type: application/json' "
        "-d '{\"capacity\": 10}'",
        soft_wrap=True,
    )


def program() -> str:
    """Return how this shell calls the program: by name where it is on the path."""
    return "rollrisk" if shutil.which("rollrisk") else os.path.relpath(sys.argv[0])
