"""``rollrisk prune``."""

import os
from datetime import UTC, datetime

import click

from serving.commands.shared import console, print_json, print_table, refusals

_DAYS = click.IntRange(min=1)


@click.command("prune")
@click.option(
    "--snapshot-days", default=400, show_default=True, type=_DAYS, help="By the day scored."
)
@click.option(
    "--row-days", default=90, show_default=True, type=_DAYS, help="Ledger rows sent, since used."
)
@click.option(
    "--audit-days", default=2557, show_default=True, type=_DAYS, help="Audit rows and feedback."
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was deleted as JSON.")
@refusals
def command(
    snapshot_days: int,
    row_days: int,
    audit_days: int,
    dry_run: bool,  # noqa: FBT001 (a flag of the command line)
    as_json: bool,  # noqa: FBT001
) -> None:
    """Delete what is beyond its time: snapshots, ledger rows that were sent, audit rows.

    The published snapshot stays, however old. Answers whose snapshot or rows are gone cannot be
    replayed any more; `rollrisk replay` says so.
    """
    from dataclasses import asdict  # noqa: PLC0415 (quick --help)

    from serving.audit import open_audit  # noqa: PLC0415
    from serving.prune import Retention, prune  # noqa: PLC0415
    from serving.settings import read_settings  # noqa: PLC0415

    settings = read_settings(os.environ)
    keep = Retention(
        snapshots=snapshot_days,
        rows=row_days,
        audit=audit_days,
        answers=settings.idempotency_hours / 24,
    )
    with open_audit(settings) as audit:
        found = prune(settings.home, audit, keep, now=datetime.now(UTC), dry_run=dry_run)
    if as_json:
        print_json(asdict(found))
        return
    title = "Would be deleted" if dry_run else "Deleted"
    rows = [[name.replace("_", " "), f"{count:,}"] for name, count in found.counts.items()]
    print_table(title, ["what", "how many"], rows, right=["how many"])
    for name in found.snapshots:
        console().print(f"snapshot {name}", markup=False)
