"""``rollrisk search``."""

from datetime import date
from pathlib import Path

import click

from serving.commands.shared import (
    FILE,
    ISO_DATE,
    LEDGER,
    RECIPE,
    console,
    print_json,
    print_table,
    progress,
    refusals,
    write_atomically,
)

SHOWN = 5


@click.command("search")
@click.argument("ledger", type=LEDGER)
@click.option("--config", help=f"Where to start. {RECIPE}")
@click.option("--until", type=ISO_DATE, help="Pretend that the books end on this day.")
@click.option("--trials", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--out", type=FILE, required=True, help="TOML file to write; `train` reads it.")
@click.option("--json", "as_json", is_flag=True, help="Print all trials as JSON.")
@refusals
def command(
    ledger: Path,
    config: str | None,
    until: date | None,
    trials: int,
    out: Path,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Search the recipe's parameters on folds before the window that models are judged on.

    The configuration given is the first trial; what wins is written as a configuration.
    """
    from features.ledger.read import open_ledger  # noqa: PLC0415 (quick --help)
    from training.config import read_config  # noqa: PLC0415
    from training.config_text import config_toml  # noqa: PLC0415

    try:
        from training.search import search_ledger  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"`search` needs {error.name}. Install it with: pip install 'rollrisk[search]'"
        ) from error

    with progress("Searching") as tell:
        found = search_ledger(
            open_ledger(ledger), read_config(config), trials=trials, until=until, progress=tell
        )
    write_atomically(out, lambda path: path.write_text(config_toml(found.best), "utf-8"))
    if as_json:
        print_json([{"changed": one.changed, "loss": one.loss} for one in found.trials])
        return
    best = sorted(found.trials, key=lambda one: one.loss)[:SHOWN]
    print_table(
        f"The best of {len(found.trials)} trials; 1 is the loss of a constant rate",
        ["loss", "changed"],
        [
            [
                f"{one.loss:.4f}",
                ", ".join(f"{key} {value:.4g}" for key, value in one.changed.items())
                or "nothing: the configuration given",
            ]
            for one in best
        ],
        right=("loss",),
    )
    console().print(f"Written to {out}. Train with `rollrisk train LEDGER --config {out}`.")
