"""``rollrisk features``."""

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from serving.commands.shared import (
    ISO_DATE,
    LEDGER,
    console,
    progress,
    refusals,
    require_known,
    write_atomically,
)

if TYPE_CHECKING:
    from features.engines import EngineOptions
    from features.ledger.read import Ledger


@click.command("features")
@click.argument("ledger", type=LEDGER)
@click.option("--as-of", "as_of", type=ISO_DATE, multiple=True, help="Day; repeat for several.")
@click.option(
    "--since",
    type=ISO_DATE,
    help="First of many days, up to the last the ledger knows: --out is a folder with one file a "
    "day, and days that stand there unchanged are kept.",
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=7,
    show_default=True,
    help="Days between the dates that --since asks for.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Parquet file to write; with --since, a folder.",
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="What runs the queries; spark needs rollrisk[spark] and Java. The values are the same.",
)
@click.option("--memory-limit", help="The engine's memory, for example 2GB.")
@click.option("--spill", type=click.Path(path_type=Path), help="Folder for work beyond memory.")
@click.option(
    "--dates-at-once",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Days computed together: more are quicker and need more memory.",
)
@refusals
def command(
    ledger: Path,
    as_of: tuple[date, ...],
    since: date | None,
    every: int,
    out: Path,
    engine: Literal["duckdb", "spark"],
    memory_limit: str | None,
    spill: Path | None,
    dates_at_once: int,
) -> None:
    """Write one row per open item and date, with every feature of the catalogue.

    Either name the days with --as-of, or ask for all days --since one and get a folder that
    grows with the ledger: run it again after an import and only new days, and days of which the
    import says something new, are computed.
    """
    from features.engines import EngineOptions  # noqa: PLC0415 (quick --help)
    from features.ledger.read import open_ledger  # noqa: PLC0415

    if bool(as_of) == bool(since):
        raise click.UsageError("Give either --as-of (once or more) or --since.")
    options = EngineOptions(
        engine=engine,
        memory_limit=memory_limit,
        spill_folder=str(spill) if spill is not None else None,
        dates_at_once=dates_at_once,
    )
    opened = open_ledger(ledger)
    if since is None:
        require_known(opened, *as_of)
        _write_file(opened, as_of, out, options)
    else:
        _write_folder(opened, since, every, out, options)


def _write_file(
    ledger: "Ledger", as_of: tuple[date, ...], out: Path, options: "EngineOptions"
) -> None:
    from features.build import feature_frame  # noqa: PLC0415 (quick --help)

    with progress("Features") as tell:
        frame = feature_frame(ledger, as_of, options=options, progress=tell)
        table = frame.to_frame()
        write_atomically(out, lambda path: table.to_parquet(path, index=False))
    console().print(
        f"{out}: {len(table):,} open items on {len(set(as_of))} dates, "
        f"{len(frame.names)} features, digest {frame.digest}."
    )


def _write_folder(
    ledger: "Ledger", since: date, every: int, out: Path, options: "EngineOptions"
) -> None:
    from features.partitions import write_partitions  # noqa: PLC0415 (quick --help)

    last = ledger.manifest.known_through
    if since > last:
        raise ValueError(
            f"--since {since} lies after {last}, the last day the ledger knows. "
            "Import a newer export or name an earlier day."
        )
    count = (last - since).days // every + 1
    days = [since + timedelta(days=every * ahead) for ahead in range(count)]
    with progress("Features") as tell:
        done = write_partitions(ledger, days, out, options=options, progress=tell)
    console().print(f"{out}: {len(done.computed)} days computed, {len(done.kept)} kept.")
