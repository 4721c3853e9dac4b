"""``rollrisk import``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.commands.shared import FOLDER, ISO_DATE, console, print_json, print_table, refusals

if TYPE_CHECKING:
    from features.sources.base import Source

SOURCES = ("canonical", "highradius", "sql")
URL_VARIABLE = "ROLLRISK_DATABASE_URL"


class ExportPath(click.Path):
    """A path that exists, as Path, or the address of an export in a store, as text."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 (click's interface)
        """Return the path or the address; a wrong path ends the command with code 2."""
        return value if "://" in str(value) else super().convert(value, param, ctx)


@click.command("import")
@click.argument("source", type=click.Choice(SOURCES))
@click.argument("path", type=ExportPath(exists=True, path_type=Path))
@click.option("--out", required=True, type=FOLDER, help="Folder of the ledger to make or add to.")
@click.option(
    "--url",
    help=f"Database of the source sql; better given as {URL_VARIABLE}, which no list of "
    "processes shows.",
)
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
    path: Path | str,
    out: Path,
    url: str | None,
    known_through: date | None,
    max_quarantined_share: float,
    as_json: bool,  # noqa: FBT001 (a flag of the command line)
) -> None:
    """Read the export at PATH into a ledger.

    PATH is a folder of tables for canonical, a CSV file for highradius, and for sql the TOML
    file that maps the tables of a database. It may stand in a store: s3://bucket/exports is
    copied, read and deleted.

    Importing the same export twice changes nothing. Rows that break the contract go to the
    ledger's quarantine folder, with the rule and the value.
    """
    from dataclasses import asdict  # noqa: PLC0415 (quick --help)

    from features.ledger.write import import_extract  # noqa: PLC0415

    reader = source_called(source, url)
    with local_export(path) as export:
        extract = reader.read(export)
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


@contextmanager
def local_export(path: Path | str) -> Iterator[Path]:
    """Give the export as a path on disk; one in a store is copied, and the copy deleted."""
    if isinstance(path, Path):
        yield path
        return
    from features.sources.remote import local_copy  # noqa: PLC0415 (quick --help)

    with local_copy(path) as copy:
        yield copy


def source_called(source: str, url: str | None) -> "Source":
    """Return the source called ``source``; its module is imported only when it is used."""
    if source == "sql":
        if not (given := url or os.environ.get(URL_VARIABLE)):
            raise click.UsageError(f"The source sql needs --url or {URL_VARIABLE}.")
        from features.sources.database import DatabaseSource  # noqa: PLC0415 (quick --help)
        from features.sources.database_url import parse_url  # noqa: PLC0415

        return DatabaseSource(url=parse_url(given))
    if url is not None:
        raise click.UsageError(f"--url is for the source sql; {source} reads PATH alone.")
    if source == "canonical":
        from features.sources.canonical import CanonicalSource  # noqa: PLC0415

        return CanonicalSource()
    from features.sources.highradius import HighRadiusSource  # noqa: PLC0415

    return HighRadiusSource()
