"""``rollrisk backtest``."""

from pathlib import Path

import click

from serving.commands.shared import (
    FOLDER,
    LEDGER,
    RECIPE,
    console,
    print_metrics,
    progress,
    refusals,
)


@click.command("backtest")
@click.argument("ledger", type=LEDGER)
@click.option("--out", required=True, type=FOLDER, help="Folder for the figures and the report.")
@click.option("--config", help=RECIPE)
@click.option("--draws", default=400, show_default=True, type=click.IntRange(20))
@click.option(
    "--ablate", is_flag=True, help="Refit without each family of features: what it is worth."
)
@refusals
def command(ledger: Path, out: Path, config: str | None, draws: int, *, ablate: bool) -> None:
    """Judge the recipe on past dates, beside the baselines, as it would have run then.

    Writes metrics.json, predictions.parquet and report.html. The configuration's [backtest]
    section sets rolling origins or one fixed split.
    """
    from features.ledger.read import open_ledger  # noqa: PLC0415 (quick --help)
    from training.backtest import run_backtest, write_backtest  # noqa: PLC0415
    from training.config import read_config  # noqa: PLC0415

    with progress("Backtest") as tell:
        result = run_backtest(
            open_ledger(ledger), read_config(config), draws=draws, ablation=ablate, progress=tell
        )
        write_backtest(result, out)
    print_metrics(result.metrics["overall"])
    console().print(f"Figures, predictions and pictures are in {out}; open {out}/report.html.")
