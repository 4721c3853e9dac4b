"""``rollrisk simulate-policy``."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.commands.shared import (
    FILE,
    ISO_DATE,
    LEDGER,
    console,
    print_json,
    print_table,
    progress,
    refusals,
    require_known,
)

if TYPE_CHECKING:
    from serving.policy_simulation import Replay

SHIPPED = "shipped"


@click.command("simulate-policy")
@click.argument("ledger", type=LEDGER)
@click.option(
    "--policy",
    "policies",
    type=FILE,
    multiple=True,
    required=True,
    help="A policy file, or `shipped`. Give several: the first is compared with.",
)
@click.option("--as-of", "as_of", type=ISO_DATE, multiple=True, required=True, help="Past days.")
@click.option("--capacity", type=click.IntRange(min=1), default=50, show_default=True)
@click.option(
    "--model", help="Bundle folder, version or URI. Default: each day's roll-rate matrix."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@refusals
def command(
    ledger: Path,
    policies: tuple[Path, ...],
    as_of: tuple[date, ...],
    capacity: int,
    model: str | None,
    as_json: bool,  # noqa: FBT001 (a flag of the command line)
) -> None:
    """Replay past days under several policies: whom each lists and what that reaches.

    Each day is as the books showed it then. Without --model the roll-rate matrix known on the
    day scores; a model must have been trained until the first day at the latest, since a model
    that saw the outcomes would flatter every policy.

    The dollars are no incremental effect: nothing here shows what working an account changes.
    """
    from features.ledger.read import open_ledger  # noqa: PLC0415 (quick --help)
    from models.bundle import Bundle  # noqa: PLC0415
    from models.home import read_home  # noqa: PLC0415
    from serving.policy import read_policy  # noqa: PLC0415
    from serving.policy_simulation import NO_EFFECT, mature_until, replay  # noqa: PLC0415
    from training.choice import choose_model, matrix_model  # noqa: PLC0415

    opened = open_ledger(ledger)
    names = [path.stem if str(path) != SHIPPED else SHIPPED for path in policies]
    if len(set(names)) < len(names):
        raise click.UsageError(f"Policies must have names of their own, got {', '.join(names)}.")
    chosen = {
        name: read_policy(None if str(path) == SHIPPED else path)
        for name, path in zip(names, policies, strict=True)
    }
    require_known(opened, *as_of)
    given = None if model is None else choose_model(read_home(), opened, min(as_of), model)[0]
    if given is not None:
        _refuse_hindsight(given.facts.get("trained_until"), min(as_of))

    def bundle_of(day: date) -> Bundle:
        return matrix_model(opened, day) if given is None else given

    with progress("Replaying") as tell:
        replays = replay(opened, as_of, bundle_of, chosen, capacity, progress=tell)
    if as_json:
        print_json({"note": NO_EFFECT, "replays": [asdict(row) for row in replays]})
        return
    _print(replays)
    console().print(NO_EFFECT, style="bold")
    if max(as_of) > mature_until(opened):
        console().print(f"Outcomes are known for days until {mature_until(opened)}.")


def _refuse_hindsight(trained_until: object, first: date) -> None:
    if trained_until is None or date.fromisoformat(str(trained_until)) > first:
        raise click.ClickException(
            f"The model was trained until {trained_until}; to replay {first} it would look back "
            f"with hindsight. Train one with `rollrisk train LEDGER --until {first}`, or leave "
            "--model out."
        )


def _print(replays: Sequence["Replay"]) -> None:
    columns = ["as of", "policy", "", "listed", "held", "hours", "expected to roll"]
    columns += ["of all", "did roll", "of all", "overlap"]
    rows = [
        [
            str(row.as_of),
            row.policy,
            row.currency,
            f"{row.listed:,}",
            f"{row.held:,}",
            f"{row.hours:,.1f}",
            f"{row.expected:,.0f}",
            _share(row.expected, row.expected_all),
            "not yet known" if row.rolled is None else f"{row.rolled:,.0f}",
            _share(row.rolled, row.rolled_all),
            "–" if row.overlap != row.overlap else f"{row.overlap:.0%}",
        ]
        for row in replays
    ]
    title = "Whom each policy lists, and what that reaches"
    print_table(title, columns, rows, right=columns[3:])


def _share(part: float | None, whole: float | None) -> str:
    return "–" if part is None or not whole else f"{part / whole:.0%}"
