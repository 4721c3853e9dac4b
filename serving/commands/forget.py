"""``rollrisk forget``."""

import getpass
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from serving.commands.shared import console, print_json, print_table, refusals

if TYPE_CHECKING:
    from serving.forget import Forgotten

_COPIES = (
    "Not looked at: copies made with --out, reports, backtests, logs of other programs, backups "
    "and replicas of the database. Models hold sums over many accounts and no row of one."
)


@click.command("forget")
@click.argument("account_id")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and erase nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@refusals
def command(account_id: str, dry_run: bool, yes: bool, as_json: bool) -> None:  # noqa: FBT001
    """Erase ACCOUNT_ID from snapshots, rows sent, kept answers, notes and the audit store.

    Audit rows stay as proof that an answer was given; whom it was about is taken out. The
    ledger is not touched: what remains in it is counted, with the reason. Ends with 1 when the
    account was nowhere to be found.
    """
    from dataclasses import asdict  # noqa: PLC0415 (quick --help)

    from serving.audit import open_audit  # noqa: PLC0415
    from serving.forget import forget  # noqa: PLC0415
    from serving.settings import read_settings  # noqa: PLC0415

    settings = read_settings(os.environ)
    if not (yes or dry_run):
        click.confirm(f"Erase {account_id!r} for good?", abort=True, err=True)
    with open_audit(settings) as audit:
        found = forget(
            settings.home,
            audit,
            account_id,
            by=getpass.getuser(),
            now=datetime.now(UTC),
            dry_run=dry_run,
        )
    if found.nothing:
        raise click.ClickException(f"The account {account_id!r} is nowhere to be found.")
    if as_json:
        print_json(asdict(found))
    else:
        _print(found, dry_run=dry_run)


def _print(found: "Forgotten", *, dry_run: bool) -> None:
    rows = [
        ["audit rows, now without the account", f"{found.audit_rows:,}"],
        ["bundles of rows that were sent", f"{found.rows_sent:,}"],
        ["answers kept under idempotency keys", f"{found.answers:,}"],
        ["records of collectors", f"{found.feedback:,}"],
        ["notes and sign-offs in the console", f"{found.notes:,}"],
        ["pages kept by the console, to be made anew", f"{found.kept_pages:,}"],
        ["snapshots", f"{len(found.snapshots):,}"],
    ]
    title = "Would be erased" if dry_run else "Erased"
    print_table(title, ["what", "how many"], rows, right=["how many"])
    target = console()
    for place, counts in found.remains.items():
        told = ", ".join(f"{count:,} {table}" for table, count in counts.items())
        target.print(f"Remains in the ledger {place}: {told}.", markup=False)
    if found.remains:
        target.print(
            "The ledger repeats the books, which the law asks to be kept; without these rows its "
            "balances would no longer be proved. While they are in it, the next scoring brings "
            "the account back: remove it from the source and import into a new ledger first.",
            markup=False,
        )
    target.print(_COPIES, markup=False)
