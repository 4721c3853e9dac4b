"""``rollrisk simulate``."""

from datetime import date
from pathlib import Path

import click

from serving.commands.shared import (
    FILE,
    FOLDER,
    ISO_DATE,
    console,
    progress,
    refusals,
    write_atomically,
)


@click.command("simulate")
@click.option("--accounts", default=2000, show_default=True, type=click.IntRange(1))
@click.option("--months", default=36, show_default=True, type=click.IntRange(1, 120))
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0))
@click.option("--out", required=True, type=FOLDER, help="Folder of the new ledger.")
@click.option("--truth", type=FILE, help="Also write the true probabilities to this Parquet file.")
@click.option(
    "--truth-as-of",
    type=ISO_DATE,
    multiple=True,
    help="Dates for --truth; repeat for several. Default: five months before the end.",
)
@refusals
def command(
    accounts: int, months: int, seed: int, out: Path, truth: Path | None, truth_as_of: tuple[date]
) -> None:
    """Write a synthetic business-to-business ledger with known behaviour behind it.

    The same seed gives the same bytes. The true probabilities go to --truth only, never into
    the ledger.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 (quick --help)

    from serving.simulate import default_truth_dates, simulate_ledger  # noqa: PLC0415

    with progress("Simulating") as tell:
        simulation, reports = simulate_ledger(
            out, accounts=accounts, months=months, seed=seed, progress=tell
        )
        if truth is not None:
            from features.sources.simulated import true_probabilities  # noqa: PLC0415

            tell("true probabilities")
            dates = truth_as_of or default_truth_dates(simulation.known_through)
            rows = true_probabilities(simulation, list(dates))
            write_atomically(truth, lambda path: pq.write_table(rows, path))
    counts = ", ".join(f"{report.new:,} {report.table}" for report in reports if report.new)
    console().print(f"{out}: {counts}; known through {simulation.known_through}.")
