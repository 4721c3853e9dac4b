"""How healthy a ledger is: what was found, what was refused, how late rows come, what is stale."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from features.engines import EngineOptions, open_session
from features.ledger.invariants import check_ledger
from features.ledger.read import Ledger
from features.ledger.tables import TABLES
from features.session import Session

LATE_DAYS = 7
"""From how many days between business date and entry a row counts as late."""

LOOK_BACK_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answer to one question about the ledger; see ``features.ledger.finding``."""

    name: str
    outcome: str
    sentence: str
    currency: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How late the rows of a table were entered, over the last year.

    Parameters
    ----------
    table : str
        Ledger table.
    rows : int
        Rows known within the year.
    newest : date or None
        Newest day on which a row became known.
    behind_days : int or None
        Days between it and the as-of date.
    median_days, most_days : float
        Days between business date and entry: half, and nine of ten rows, come within them.
    late_share : float
        Share of rows that came more than a week late, in [0, 1].
    defaulted : bool
        Whether the source gives no day of entry, so that nothing can be said.
    """

    table: str
    rows: int
    newest: date | None
    behind_days: int | None
    median_days: float
    most_days: float
    late_share: float
    defaulted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Rows in quarantine by table and rule."""

    table: str
    rule: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is known of a ledger's health on a day.

    Parameters
    ----------
    as_of, known_through : date
        The day, and the last day whose postings the ledger holds.
    source : str
        Where the newest batch came from.
    changed : bool
        Whether the ledger is no longer the one that was scored.
    findings : tuple of Found
        Invariants and warnings.
    lags : tuple of Lag
        Tables with a day of entry.
    refused : tuple of Refused
        The quarantine.
    """

    as_of: date
    known_through: date
    source: str
    changed: bool
    findings: tuple[Found, ...]
    lags: tuple[Lag, ...]
    refused: tuple[Refused, ...]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Health":
        """Return the health written as plain values."""
        return cls(
            as_of=date.fromisoformat(content["as_of"]),
            known_through=date.fromisoformat(content["known_through"]),
            source=content["source"],
            changed=content["changed"],
            findings=tuple(
                Found(**{**row, "examples": tuple(row["examples"])}) for row in content["findings"]
            ),
            lags=tuple(
                Lag(
                    **{
                        **row,
                        "newest": date.fromisoformat(row["newest"]) if row["newest"] else None,
                    }
                )
                for row in content["lags"]
            ),
            refused=tuple(Refused(**row) for row in content["refused"]),
        )


def ledger_health(ledger: Ledger, as_of: date, *, folder: Path, changed: bool = False) -> Health:
    """Return the health of a ledger on a day.

    Parameters
    ----------
    ledger : Ledger
        The books.
    as_of : date
        Rows known later are not counted; the invariants are those of the whole ledger.
    folder : Path
        Where the ledger stands; its quarantine is read there.
    changed : bool
        Whether the ledger is no longer the one that was scored.
    """
    options = EngineOptions(threads=1)
    found = [
        Found(
            name=finding.name,
            outcome=finding.outcome,
            sentence=finding.sentence,
            currency=finding.currency,
            count=finding.count,
            examples=finding.examples,
        )
        for finding in check_ledger(ledger, [as_of], options=options)
    ]
    with open_session(ledger, [as_of], options=options) as session:
        lags = tuple(
            _lag(session, ledger, name, as_of)
            for name in TABLES
            if name in ledger.present and TABLES[name].clock is not None
        )
    batches = ledger.manifest.batches
    return Health(
        as_of=as_of,
        known_through=ledger.manifest.known_through,
        source=batches[-1].source if batches else "",
        changed=changed,
        findings=tuple(found),
        lags=lags,
        refused=_refused(folder / "quarantine"),
    )


def _lag(session: Session, ledger: Ledger, name: str, as_of: date) -> Lag:
    clock = TABLES[name].clock
    days = f"greatest(datediff('day', {clock}, known_on), 0)"
    row = session.arrow(
        f"select count(*) as n, max(known_on) as newest, "  # noqa: S608 (contract names, an ISO date)
        f"coalesce(quantile_cont({days}, 0.5), 0) as median_days, "
        f"coalesce(quantile_cont({days}, 0.9), 0) as most_days, "
        f"coalesce(avg(case when {days} > {LATE_DAYS} then 1.0 else 0.0 end), 0) as late "
        f"from stored_{name} where known_on <= date '{as_of.isoformat()}' "
        f"and datediff('day', known_on, date '{as_of.isoformat()}') < {LOOK_BACK_DAYS}"
    ).to_pylist()[0]
    newest = row["newest"]
    return Lag(
        table=name,
        rows=row["n"],
        newest=newest,
        behind_days=None if newest is None else (as_of - newest).days,
        median_days=float(row["median_days"]),
        most_days=float(row["most_days"]),
        late_share=float(row["late"]),
        defaulted=name in ledger.manifest.defaulted_clocks,
    )


def _refused(folder: Path) -> tuple[Refused, ...]:
    """Count the rows in quarantine by table and rule, the most first."""
    files = sorted(folder.glob("batch-*.parquet"))
    if not files:
        return ()
    with duckdb.connect() as connection:
        for position, path in enumerate(files):
            connection.register(f"file_{position}", pq.read_table(path))
        parts = [
            f'select {position} as file, "table", "row", rule from file_{position}'  # noqa: S608 (a number)
            for position in range(len(files))
        ]
        found = connection.execute(
            'select "table", rule, count(distinct (file, "row")) as n '  # noqa: S608 (own names)
            f'from ({" union all ".join(parts)}) group by "table", rule order by n desc, 1, 2'
        ).fetchall()
    return tuple(Refused(table=table, rule=rule, rows=n) for table, rule, n in found)
