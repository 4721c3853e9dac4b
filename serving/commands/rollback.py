"""``rollrisk rollback``."""

import getpass
from datetime import UTC, datetime

import click

from serving.commands.shared import console, refusals


@click.command("rollback")
@click.option("--reason", default="", help="Why; recorded with the move.")
@refusals
def command(reason: str) -> None:
    """Make the champion before the present one champion again.

    Nothing is trained and no gate is asked: the version served before. Rolling back again goes
    one further. It serves with its next snapshot.
    """
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from models.registry import roll_back  # noqa: PLC0415

    at = datetime.now(UTC).isoformat(timespec="seconds")
    was, now = roll_back(read_home(), at=at, who=getpass.getuser(), why=reason)
    console().print(
        f"Version {now} is the champion again instead of {was}. Score with "
        "`rollrisk score LEDGER --as-of DATE --out DIR` to serve it."
    )
