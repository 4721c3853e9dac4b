"""``rollrisk train``."""

from datetime import date
from pathlib import Path

import click

from serving.commands.shared import (
    ISO_DATE,
    LEDGER,
    RECIPE,
    console,
    print_json,
    print_metrics,
    progress,
    refusals,
)


@click.command("train")
@click.argument("ledger", type=LEDGER)
@click.option("--config", help=RECIPE)
@click.option("--until", type=ISO_DATE, help="Pretend that the books end on this day.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@refusals
def command(ledger: Path, config: str | None, until: date | None, as_json: bool) -> None:  # noqa: FBT001
    """Train a model, judge it beside the baselines, and register it as challenger.

    The first model that beats all baselines becomes champion by itself.
    """
    from features.ledger.read import open_ledger  # noqa: PLC0415 (quick --help)
    from models.home import read_home  # noqa: PLC0415
    from training.config import read_config  # noqa: PLC0415
    from training.register import train_and_register  # noqa: PLC0415

    with progress("Training") as tell:
        result = train_and_register(
            open_ledger(ledger),
            read_config(config),
            read_home(),
            ledger_folder=ledger,
            until=until,
            progress=tell,
        )
    if as_json:
        print_json(
            {
                "version": result.version,
                "champion": result.became_champion,
                "metrics": result.trained.metrics,
            }
        )
        return
    print_metrics(result.trained.metrics)
    console().print(result.sentence)
