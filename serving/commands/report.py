"""``rollrisk report``."""

from pathlib import Path

import click

from serving.commands.shared import FILE, LEDGER, console, progress, refusals


@click.command("report")
@click.argument("scores", type=LEDGER, required=False)
@click.option("--out", required=True, type=FILE, help="The HTML file to write.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Accounts shown per currency.",
)
@refusals
def command(scores: Path | None, out: Path, top: int) -> None:
    """Write a scoring as one HTML page that needs nothing else.

    SCORES is a folder written by `rollrisk score --out`; without it the published snapshot
    is taken.
    """
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from models.snapshot import current_snapshot  # noqa: PLC0415
    from serving.reports.render import write_report  # noqa: PLC0415

    with progress("Writing the report"):
        folder = current_snapshot(read_home()) if scores is None else scores
        write_report(folder, out, top=top)
    console().print(f"The report of {folder} is in {out}.")
