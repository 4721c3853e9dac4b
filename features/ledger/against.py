"""Compare a ledger with an older one of the same system: what both show on a day must agree.

Two exports, taken on day t and later, hold the same past. When the later one has lost rows,
overwritten values or given late rows an early known day, past days are no longer what people
saw, and features computed for them use what nobody knew. Three questions are asked of every
table that both ledgers have, on the last known day of the older one, and one of the features:

* Is every id still there?
* Does every row that both show on the day hold the same values? Columns that are filled in
  later count from their own day (see ``features.ledger.late``).
* Do both show the same rows on the day? A row that only the newer one shows became known
  later than it says.
* Are the features of the day the same bytes (see ``features.ledger.against_features``)?

Tables that only one ledger has are left out of both, with a warning. Tables of dated changes are
not: an import makes them when the first value changes, so a ledger without one has no changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import duckdb

from features.build import feature_frame
from features.engines import EngineOptions, open_session
from features.inputs import Rules
from features.ledger.against_features import compare_features
from features.ledger.against_rows import OLDER, changed_rows, moved_rows, vanished_ids
from features.ledger.arrow import arrow_schema
from features.ledger.finding import MAX_EXAMPLES, Finding
from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger
from features.ledger.tables import ACCOUNT_CHANGES, DUE_DATE_CHANGES, TABLES, Table
from features.session import Session

_HISTORIES = {table.name: table for table in (ACCOUNT_CHANGES, DUE_DATE_CHANGES)}


def check_against(
    newer: Ledger,
    older: Ledger,
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Finding]:
    """Ask whether two ledgers of one system agree on the last known day of the older one.

    Parameters
    ----------
    newer, older : Ledger
        From ``open_ledger`` or ``ledger_from_rows``.
    rules, options : Rules, EngineOptions
        Defaults apply when None.
    progress : callable
        Told what is being done.

    Returns
    -------
    list of Finding
        Per question its failures and warnings, or one passed finding. Examples are ids, where
        values differ with the older and the newer value. Ledgers that cannot be read give the
        failure ``comparable``.

    Raises
    ------
    LedgerError
        When ``newer`` ends before ``older``.
    """
    tell = progress or (lambda _: None)
    day = older.manifest.known_through
    if newer.manifest.known_through < day:
        raise LedgerError(
            f"The ledger to compare with must be the older one: it is known through {day}, this "
            f"one through {newer.manifest.known_through}. Name them the other way round."
        )
    findings = list(_alone(newer, older, day))
    kept = (newer.present & older.present) | _HISTORIES.keys() & (newer.present | older.present)
    newer, older = _only(newer, kept), _only(older, kept)
    try:
        tell("rows of both ledgers")
        with open_session(newer, [day], rules, options, beside={OLDER: older}) as session:
            findings += _check_tables(session, newer, day)
            tell("features of both ledgers")
            mine = feature_frame(newer, [day], session=session)
        theirs = feature_frame(older, [day], rules=rules, options=options)
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        return [
            Finding(
                name="comparable",
                outcome="failed",
                as_of=day,
                sentence=f"The ledgers cannot be compared: {first_line}. Check each of them "
                "alone first.",
            )
        ]
    return [*findings, *compare_features(mine, theirs, day)]


def _only(ledger: Ledger, kept: frozenset[str]) -> Ledger:
    """Return the ledger with the tables ``kept`` alone, missing tables of changes as empty ones."""
    missing = _HISTORIES.keys() & (kept - ledger.present)
    empty = {name: arrow_schema(_HISTORIES[name]).empty_table() for name in missing}
    return replace(
        ledger,
        files={name: files for name, files in ledger.files.items() if name in kept},
        rows={name: rows for name, rows in ledger.rows.items() if name in kept} | empty,
    )


def _check_tables(session: Session, newer: Ledger, day: date) -> list[Finding]:
    both = [table for name, table in TABLES.items() if name in newer.present]
    findings: list[Finding] = []
    questions: tuple[tuple[str, str, Callable[[Table], Iterator[Finding]]], ...] = (
        (
            "ids_kept",
            "Every id of the older ledger is in this one.",
            lambda table: vanished_ids(session, table, day),
        ),
        (
            "values_kept",
            f"Rows that both ledgers show on {day} hold the same values.",
            lambda table: changed_rows(session, table, day),
        ),
        (
            "days_kept",
            f"Both ledgers show the same rows on {day}.",
            lambda table: moved_rows(
                session, table, day, defaulted=table.name in newer.manifest.defaulted_clocks
            ),
        ),
    )
    for name, kept, ask in questions:
        found = [finding for table in both for finding in ask(table)]
        findings += found or [Finding(name=name, outcome="passed", as_of=day, sentence=kept)]
    return findings


def _alone(newer: Ledger, older: Ledger, day: date) -> Iterator[Finding]:
    for names, words in (
        (older.present - newer.present, "only the older ledger has"),
        (newer.present - older.present, "only this ledger has"),
    ):
        if names := names - _HISTORIES.keys():
            yield Finding(
                name="same_tables",
                outcome="warning",
                as_of=day,
                count=len(names),
                examples=tuple(sorted(names))[:MAX_EXAMPLES],
                sentence=f"Tables that {words} are not compared. Export the same tables each time.",
            )
