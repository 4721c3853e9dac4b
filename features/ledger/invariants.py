"""Everything that must hold of a ledger, asked in one go.

Pure questions over an open session stand in ``books``, ``row_rules``, ``sources_used``,
``notices`` and ``files_check``; this module asks them all and reads the ledger a second time.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from features.engines import EngineOptions, open_session
from features.inputs import Rules
from features.ledger.books import books_balance, posted_sum, posted_totals
from features.ledger.files_check import check_files, file_digests
from features.ledger.finding import Finding
from features.ledger.notices import notice_rows
from features.ledger.read import Ledger
from features.ledger.row_rules import check_rows
from features.ledger.sources_used import check_sources
from features.session import Session

MONTHS = 24
"""How many month ends are checked by default, besides the last known day."""

Progress = Callable[[str], None]


def check_days(known_through: date, months: int = MONTHS) -> list[date]:
    """Return the month ends of the last ``months`` months and the last known day, rising.

    Examples
    --------
    >>> [str(day) for day in check_days(date(2024, 3, 15), 2)]
    ['2024-01-31', '2024-02-29', '2024-03-15']
    """
    days = [known_through]
    for _ in range(months):
        # The first of the month of the newest day, less one day; a month end leads to the one
        # before it.
        days.append(days[-1].replace(day=1) - timedelta(days=1))
    return days[::-1]


def check_ledger(
    ledger: Ledger,
    as_of: Sequence[date] | None = None,
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Ask every question about a ledger.

    Parameters
    ----------
    ledger : Ledger
        From ``open_ledger`` or ``ledger_from_rows``.
    as_of : sequence of date
        Days on which the books must balance; default :func:`check_days`. All other questions
        are about the whole ledger or its last known day.
    rules, options : Rules, EngineOptions
        Defaults apply when None.
    progress : callable
        Told what is being done.

    Returns
    -------
    list of Finding
        Failures, warnings and passed questions, in the order they were asked. A ledger whose
        files cannot be read gives the failure ``readable``.
    """
    tell = progress or (lambda _: None)
    days = list(as_of or check_days(ledger.manifest.known_through))
    tell("files")
    digests = file_digests(ledger)
    findings = check_files(ledger, digests)
    try:
        through = ledger.manifest.known_through
        with open_session(ledger, days, rules, options, watched=[through]) as session:
            _set_last_day(session, ledger)
            tell("balances")
            balances = books_balance(session, ledger.present)
            tell("rows")
            findings += [
                *balances,
                *check_rows(session, ledger.present),
                *check_sources(session),
                *notice_rows(session, ledger.present),
            ]
        tell("second reading")
        with open_session(ledger, days, rules, options) as session:
            second = posted_sum(posted_totals(session, ledger.present))
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        findings.append(
            Finding(
                name="readable",
                outcome="failed",
                sentence=f"The ledger cannot be read: {first_line}. Restore the file or import "
                "again.",
            )
        )
        return findings
    first = {
        (finding.as_of, finding.currency): finding.expected
        for finding in balances
        if finding.as_of is not None
    }
    same = file_digests(ledger) == digests and all(
        first.get(key, 0) == total for key, total in second.items()
    )
    findings.append(_second_reading(same=same))
    return findings


def _set_last_day(session: Session, ledger: Ledger) -> None:
    through = ledger.manifest.known_through
    settled = through - timedelta(days=ledger.manifest.maturity_lag_days)
    session.register(
        "last_day",
        pa.table(
            {
                "through": pa.array([through], pa.date32()),
                "settled": pa.array([settled], pa.date32()),
            }
        ),
    )


def _second_reading(*, same: bool) -> Finding:
    if same:
        return Finding(
            name="reads_the_same",
            outcome="passed",
            sentence="A second reading gave the same files and totals.",
        )
    return Finding(
        name="reads_the_same",
        outcome="failed",
        sentence="A second reading gave other files or totals: something writes to the ledger. "
        "Wait for it to end and check again.",
    )
