"""``rollrisk promote``."""

import getpass
from pathlib import Path

import click

from serving.commands.shared import LEDGER, console, print_table, progress, refusals


@click.command("promote")
@click.argument("ledger", type=LEDGER, required=False)
@click.option("--version", help="Version to promote. Default: the challenger.")
@click.option("--force", is_flag=True, help="Promote although the gate says no; needs --reason.")
@click.option("--reason", help="Why the gate is overruled; recorded with the version.")
@refusals
def command(ledger: Path | None, version: str | None, force: bool, reason: str | None) -> None:  # noqa: FBT001
    """Run the gate and make a version the champion, or say why not.

    The model must beat every baseline on its test window, in Brier score and in log-loss, and
    expect its rolled dollars within bounds. With a LEDGER it is compared with the champion and
    the baselines on rows that neither has learnt from: overall, in dollars, by bucket and by
    segment; its reasons and the range of its features are looked at, and whether any feature
    knows the future. Without one, and where another version serves, the ledger that the version
    was trained on is opened; where it is not to be had, the version is not promoted. Where no
    other version serves, the verdict says what was not judged.
    """
    from features.ledger.read import open_ledger  # noqa: PLC0415 (quick --help)
    from models.home import read_home  # noqa: PLC0415
    from training.gate import promote  # noqa: PLC0415

    if force and not reason:
        raise click.UsageError("--force needs --reason TEXT, which is recorded with the version.")
    with progress("Judging") as tell:
        verdict = promote(
            read_home(),
            version,
            ledger=None if ledger is None else open_ledger(ledger),
            force_reason=reason if force else None,
            who=getpass.getuser(),
            progress=tell,
        )
    rows = [
        [rule.name, f"{rule.value:.4f}", rule.bound, "holds" if rule.holds else "BROKEN"]
        for rule in verdict.rules
    ]
    print_table(f"Gate of version {verdict.version}", ["rule", "value", "bound", ""], rows)
    if verdict.compared:
        other = f"version {verdict.champion}" if verdict.champion else "the baselines, no champion"
        console().print(f"Compared with {other}: {verdict.compared}.")
    if verdict.unjudged:
        console().print(f"Not judged: {'; '.join(verdict.unjudged)}.")
    if verdict.unproven:
        console().print(
            f"Point-in-time unproven: {', '.join(verdict.unproven)} do not say when the books "
            "first showed their rows."
            + (
                f" {count:,} accounts have rows in them."
                if (count := verdict.unproven_accounts) is not None
                else ""
            )
        )
    console().print(verdict.sentence)
    if not verdict.promoted:
        raise SystemExit(1)
