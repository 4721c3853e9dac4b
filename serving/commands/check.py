"""``rollrisk check``."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.commands.shared import (
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
    from features.ledger.finding import Finding
    from features.ledger.sufficiency import Sufficiency

_ANSWERS = {
    "passed": "[green]passed[/green]",
    "warning": "[yellow]look[/yellow]",
    "failed": "[red]failed[/red]",
}
_CURRENCIES_A_TABLE = 5
_FEATURES_SHOWN = 10
_COLUMNS = ["question", "answer", "rows", "what was found"]


@click.command("check")
@click.argument("ledger", type=LEDGER)
@click.option(
    "--as-of",
    "as_of",
    type=ISO_DATE,
    multiple=True,
    help="Day on which the books must balance; repeat for several. "
    "Default: the last 24 month ends and the last known day.",
)
@click.option(
    "--against",
    type=LEDGER,
    help="An older ledger of the same system. On its last known day both must show the same "
    "rows and features, and no id of it may be gone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all findings as JSON.")
@refusals
def command(
    ledger: Path,
    as_of: tuple[date, ...],
    against: Path | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Prove a ledger's invariants and say whether it can be trained on.

    Exit code 1 when an invariant fails, or when the ledger does not agree with the older one it
    is compared with. A ledger that is sound but too small for a model is reported and ends
    with 0: it can be scored from its roll-rate matrix.
    """
    from dataclasses import asdict  # noqa: PLC0415 (quick --help)

    from features.ledger.against import check_against  # noqa: PLC0415
    from features.ledger.finding import all_passed  # noqa: PLC0415
    from features.ledger.invariants import check_ledger  # noqa: PLC0415
    from features.ledger.read import open_ledger  # noqa: PLC0415
    from features.ledger.sufficiency import judge_sufficiency  # noqa: PLC0415

    opened = open_ledger(ledger)
    require_known(opened, *as_of)
    older = open_ledger(against) if against else None
    with progress("Check") as tell:
        compared = check_against(opened, older, progress=tell) if older else []
        findings = check_ledger(opened, as_of or None, progress=tell)
        sound = all_passed(findings)
        sufficiency = judge_sufficiency(opened, progress=tell) if sound else None
    if as_json:
        print_json(
            {
                "ledger_digest": opened.digest,
                "known_through": opened.manifest.known_through,
                "passed": sound and all_passed(compared),
                "findings": [asdict(finding) for finding in findings],
                "against": {
                    "ledger_digest": older.digest,
                    "known_through": older.manifest.known_through,
                    "findings": [asdict(finding) for finding in compared],
                }
                if older
                else None,
                "sufficiency": asdict(sufficiency) | {"enough": sufficiency.enough}
                if sufficiency
                else None,
            }
        )
    else:
        _print_balances(findings)
        _print_findings(str(ledger), findings)
        if older:
            _print_compared(f"{ledger} against {against}", compared)
        if sufficiency:
            _print_sufficiency(sufficiency)
    if not (sound and all_passed(compared)):
        click.get_current_context().exit(1)


def _print_balances(findings: Sequence["Finding"]) -> None:
    """Print the parts of the balance per currency: on the first day that fails, or the last."""
    shown: dict[str, Finding] = {}
    for finding in findings:
        if finding.name == "books_balance":
            before = shown.get(finding.currency)
            if before is None or before.passed:
                shown[finding.currency] = finding
    columns = [f"{finding.currency} {finding.as_of}".strip() for finding in shown.values()]
    parts = [dict(finding.parts) for finding in shown.values()]
    names = parts[0] if parts else ()
    rows = [[name, *(f"{part[name]:,.2f}" for part in parts)] for name in names]
    rows += [
        [f"= {name}", *(f"{getattr(finding, name):,.2f}" for finding in shown.values())]
        for name in ("found", "expected", "difference")
    ]
    for start in range(0, len(columns), _CURRENCIES_A_TABLE):
        end = start + _CURRENCIES_A_TABLE
        block = [[row[0], *row[1:][start:end]] for row in rows]
        print_table("Balance", ["part", *columns[start:end]], block, right=columns)


def _print_findings(ledger: str, findings: Sequence["Finding"]) -> None:
    days = Counter(finding.outcome for finding in findings if finding.name == "books_balance")
    words = f"{days['passed']} of {days.total()} days and currencies balance to the cent."
    rows = [["books balance", _ANSWERS["failed" if days["failed"] else "passed"], "", words]]
    told = set()
    for finding in findings:
        if finding.name == "books_balance":
            # The first day says where to look; the later ones repeat its difference.
            if finding.passed or finding.currency in told:
                continue
            told.add(finding.currency)
        rows.append(_row(finding))
    print_table(ledger, _COLUMNS, rows, right=["rows"])


def _print_compared(title: str, findings: Sequence["Finding"]) -> None:
    """Print what the comparison found; of many features that differ, the most common ones."""
    features = [finding for finding in findings if finding.name == "features_agree"]
    rows = [_row(finding) for finding in findings if finding not in features[_FEATURES_SHOWN:]]
    if (hidden := len(features) - _FEATURES_SHOWN) > 0:
        words = f"{hidden} more features differ; --json lists them."
        rows.append(["features agree", _ANSWERS["failed"], "", words])
    print_table(title, _COLUMNS, rows, right=["rows"])


def _row(finding: "Finding") -> list[str]:
    shown = ", ".join(finding.examples)
    more = ", …" if finding.count > len(finding.examples) else ""
    return [
        finding.name.replace("_", " "),
        _ANSWERS[finding.outcome],
        f"{finding.count:,}" if finding.count else "",
        finding.sentence + (f" ({shown}{more})" if shown else ""),
    ]


def _print_sufficiency(sufficiency: "Sufficiency") -> None:
    columns = ["unresolved", "resolved"]
    rows = [
        [row.bucket, *(f"{getattr(row, name):,}" for name in columns)]
        for row in sufficiency.outcomes
    ]
    print_table("Known outcomes", ["bucket", *columns], rows, right=columns)
    target = console()
    target.print(f"Open items on {sufficiency.as_of_dates} dates, 30 days later.")
    target.print(
        f"History: {sufficiency.history_days:,} days from {sufficiency.first_posting} to "
        f"{sufficiency.known_through}; a model needs {sufficiency.needed_days:,}."
    )
    if sufficiency.clocks != "proven":
        target.print(
            f"[yellow]Clocks: {sufficiency.clocks}.[/yellow] known_on was copied from the "
            f"business date in {sufficiency.defaulted_share:.0%} of rows."
        )
    if sufficiency.enough:
        target.print("[green]Enough to train on.[/green]")
    else:
        target.print("[yellow]Too little to train on:[/yellow] " + " ".join(sufficiency.missing))
