"""``rollrisk score``."""

import os
from datetime import date
from pathlib import Path

import click

from serving.commands.shared import (
    FILE,
    FOLDER,
    ISO_DATE,
    LEDGER,
    console,
    print_json,
    progress,
    refusals,
    require_known,
)


@click.command("score")
@click.argument("ledger", type=LEDGER)
@click.option("--as-of", "as_of", type=ISO_DATE, required=True)
@click.option("--model", help="Bundle folder, version or models:/ URI. Default: the champion.")
@click.option("--policy", type=FILE, help="Collections policy. Default: the shipped one.")
@click.option("--out", required=True, type=FOLDER, help="Folder for a copy of the scores.")
@click.option("--json", "as_json", is_flag=True, help="Print portfolio.json instead of a table.")
@refusals
def command(
    ledger: Path,
    as_of: date,
    model: str | None,
    policy: Path | None,
    out: Path,
    as_json: bool,  # noqa: FBT001 (a flag of the command line)
) -> None:
    """Score every open item, rank the accounts, and publish the snapshot that is served.

    Without a trained model the roll-rate matrix of the ledger's own past answers, and every
    row says so in `fallback`. What collectors told by that day (snoozes, overrides, contacts)
    holds and ranks as it does in the service.
    """
    from features.ledger.read import open_ledger  # noqa: PLC0415 (quick --help)
    from serving.batch import score_batch  # noqa: PLC0415
    from serving.feedback_notes import told_so_far  # noqa: PLC0415
    from serving.policy import read_policy  # noqa: PLC0415
    from serving.settings import read_settings  # noqa: PLC0415
    from serving.tables import print_worklist  # noqa: PLC0415
    from training.choice import choose_model  # noqa: PLC0415

    settings, opened = read_settings(os.environ), open_ledger(ledger)
    require_known(opened, as_of)
    home, feedback = settings.home, told_so_far(settings)
    with progress("Scoring") as tell:
        bundle, reference = choose_model(home, opened, as_of, model)
        scored = score_batch(
            opened,
            as_of,
            bundle,
            read_policy(policy),
            home,
            ledger_path=ledger,
            model_reference=reference,
            out=out,
            feedback=feedback,
            progress=tell,
        )
    if as_json:
        print_json(scored.portfolio)
        return
    print_worklist(scored.accounts, count=10)
    console().print(f"Scores are in {out}; the snapshot {scored.snapshot.name} is published.")
