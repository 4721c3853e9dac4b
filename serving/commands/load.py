"""``rollrisk import``."""

from datetime import date
from pathlib import Path

import click

from serving.commands.shared import FOLDER, ISO_DATE, console, print_json, print_table, refusals

SOURCES = ("canonical", "highradius")


@click.command("import")
@click.argument("source", type=click.Choice(SOURCES))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=FOLDER, help="Folder of the ledger to make or add to.")
@click.option(
    "--known-through", type=ISO_DATE, help="Last day whose postings the export holds completely."
)
@click.option(
    "--max-quarantined-share",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of broken rows above which nothing is imported.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@refusals
def command(
    source: str,
    path: Path,
    out: Path,
    known_through: date | None,
    max_quarantined_share: float,
    as_json: bool,  # noqa: FBT001 (a flag of the command line)
) -> None:
    """Read the export at PATH into a ledger.

    Importing the same export twice changes nothing. Rows that break the contract go to the
    ledger's quarantine folder, with the rule and the value.
    """
    from dataclasses import asdict  # noqa: PLC0415 (quick --help)

    from features.ledger.write import import_extract  # noqa: PLC0415
    from features.sources.canonical import CanonicalSource  # noqa: PLC0415
    from features.sources.highradius import HighRadiusSource  # noqa: PLC0415

    reader = CanonicalSource() if source == "canonical" else HighRadiusSource()
    extract = reader.read(path)
    reports = import_extract(
        out,
        extract,
        source=source,
        known_through=known_through,
        max_quarantined_share=max_quarantined_share,
    )
    if as_json:
        print_json({"tables": [asdict(report) for report in reports], "warnings": extract.warnings})
        return
    columns = ["read", "new", "changed", "repeated", "quarantined"]
    rows = [
        [report.table, *(f"{getattr(report, name):,}" for name in columns)] for report in reports
    ]
    print_table(f"{source} → {out}", ["table", *columns], rows, right=columns)
    for warning in extract.warnings:
        console().print(f"[yellow]Note:[/yellow] {warning}")
