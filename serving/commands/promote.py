"""``rollrisk promote``."""

import getpass

import click

from serving.commands.shared import console, print_table, refusals


@click.command("promote")
@click.option("--version", help="Version to promote. Default: the challenger.")
@click.option("--force", is_flag=True, help="Promote although the gate says no; needs --reason.")
@click.option("--reason", help="Why the gate is overruled; recorded with the version.")
@refusals
def command(version: str | None, force: bool, reason: str | None) -> None:  # noqa: FBT001
    """Run the gate and make a version the champion, or say why not.

    The model must beat every baseline on its test window, in Brier score and in log-loss, and
    expect its rolled dollars within bounds.
    """
    from models.home import read_home  # noqa: PLC0415 (quick --help)
    from training.gate import promote  # noqa: PLC0415

    if force and not reason:
        raise click.UsageError("--force needs --reason TEXT, which is recorded with the version.")
    verdict = promote(
        read_home(), version, force_reason=reason if force else None, who=getpass.getuser()
    )
    rows = [
        [rule.name, f"{rule.value:.4f}", rule.bound, "holds" if rule.holds else "BROKEN"]
        for rule in verdict.rules
    ]
    print_table(f"Gate of version {verdict.version}", ["rule", "value", "bound", ""], rows)
    console().print(verdict.sentence)
    if not verdict.promoted:
        raise SystemExit(1)
