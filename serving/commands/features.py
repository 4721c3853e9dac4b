"""``rollrisk features``."""

from datetime import date
from pathlib import Path
from typing import Literal

import click

from serving.commands.shared import (
    FILE,
    ISO_DATE,
    LEDGER,
    console,
    progress,
    refusals,
    write_atomically,
)


@click.command("features")
@click.argument("ledger", type=LEDGER)
@click.option("--as-of", "as_of", type=ISO_DATE, multiple=True, required=True)
@click.option("--out", required=True, type=FILE, help="Parquet file to write.")
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="What runs the queries; spark needs rollrisk[spark] and Java. The values are the same.",
)
@click.option("--memory-limit", help="The engine's memory, for example 2GB.")
@click.option("--spill", type=click.Path(path_type=Path), help="Folder for work beyond memory.")
@refusals
def command(
    ledger: Path,
    as_of: tuple[date, ...],
    out: Path,
    engine: Literal["duckdb", "spark"],
    memory_limit: str | None,
    spill: Path | None,
) -> None:
    """Write one row per open item and date, with every feature of the catalogue."""
    from features.build import feature_frame  # noqa: PLC0415 (quick --help)
    from features.engines import EngineOptions  # noqa: PLC0415
    from features.ledger.read import open_ledger  # noqa: PLC0415

    options = EngineOptions(
        engine=engine,
        memory_limit=memory_limit,
        spill_folder=str(spill) if spill is not None else None,
    )
    with progress("Features") as tell:
        frame = feature_frame(open_ledger(ledger), as_of, options=options, progress=tell)
        table = frame.to_frame()
        write_atomically(out, lambda path: table.to_parquet(path, index=False))
    console().print(
        f"{out}: {len(table):,} open items on {len(set(as_of))} dates, "
        f"{len(frame.names)} features, digest {frame.digest}."
    )
