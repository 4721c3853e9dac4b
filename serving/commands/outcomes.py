"""``rollrisk outcomes``."""

from datetime import date
from pathlib import Path

import click

from serving.commands.shared import (
    FILE,
    ISO_DATE,
    LEDGER,
    console,
    progress,
    refusals,
    require_known,
    write_atomically,
)


@click.command("outcomes")
@click.argument("ledger", type=LEDGER)
@click.option("--as-of", "as_of", type=ISO_DATE, multiple=True, required=True)
@click.option("--out", required=True, type=FILE, help="Parquet file to write.")
@refusals
def command(ledger: Path, as_of: tuple[date, ...], out: Path) -> None:
    """Write what became of each open item after 30, 60, 90 and 120 days."""
    from features.engines import open_session  # noqa: PLC0415 (quick --help)
    from features.ledger.read import open_ledger  # noqa: PLC0415
    from features.outcomes import long_outcomes, outcome_frame  # noqa: PLC0415
    from features.stages import ITEM_STAGES  # noqa: PLC0415 (quick --help)

    opened = open_ledger(ledger)
    require_known(opened, *as_of)
    with progress("Outcomes") as tell, open_session(opened, as_of) as session:
        session.run(ITEM_STAGES, tell)
        wide = outcome_frame(opened, as_of, session=session)
        days = session.arrow(
            "select days_past_due from open_items order by as_of, account_id, invoice_id"
        ).to_pandas()["days_past_due"]
    long = long_outcomes(wide, days.astype(float))
    write_atomically(out, lambda path: long.to_parquet(path, index=False))
    counts = long["outcome"].value_counts()
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    console().print(f"{out}: {len(long):,} rows: {shown}.")
