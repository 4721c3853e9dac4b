"""Whether a ledger holds enough to train a model on, and what is missing.

A ledger that is too small is no faulty ledger: scoring then answers from the roll-rate matrix.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from features.ageing import BUCKETS, EDGES, STEP_DAYS, UNDATED, bucket_index, bucket_names
from features.engines import EngineOptions, open_session
from features.inputs import Rules
from features.ledger.read import Ledger
from features.ledger.tables import TABLES
from features.outcomes import RESOLVED
from features.stages import ITEM_STAGES, query_text

UNPROVEN = "point-in-time unproven"

OUTER = BUCKETS[EDGES.index(60) + 1 :]
"""Buckets beyond 60 days past due."""

_MAX_ITEMS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What training asks of a ledger; the defaults are those of the training recipe.

    Parameters
    ----------
    warm_up_days : int
        History before the first as-of date.
    window_days : int
        Length of each window after the fit.
    windows : int
        Number of them: stop early, test.
    every_days, reach_days : int
        Distance between as-of dates, and how far they go back.
    rows_of_each_class : int
        Resolved and unresolved rows.
    outer_rows : int
        Rows more than 60 days past due with a known outcome.
    """

    warm_up_days: int = 180
    window_days: int = 56
    windows: int = 2
    every_days: int = 14
    reach_days: int = 730
    rows_of_each_class: int = 200
    outer_rows: int = 30

    def history_days(self, maturity_lag_days: int) -> int:
        """Return the days between the first posting and the last known day that it takes.

        Examples
        --------
        >>> Needs().history_days(7)
        402
        """
        gap = STEP_DAYS + maturity_lag_days
        return self.warm_up_days + self.windows * (self.window_days - 1 + gap) + gap + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOutcomes:
    """Outcomes after one step of the items seen in one bucket, over all as-of dates."""

    bucket: str
    resolved: int
    unresolved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sufficiency:
    """What a ledger offers to training.

    Parameters
    ----------
    first_posting : date or None
        Day on which the books showed their first invoice; None without invoices.
    known_through : date
        Last known day.
    history_days, needed_days : int
        Days between the two, and how many training takes.
    as_of_dates : int
        Dates with known outcomes that were counted; fewer than training uses where the ledger
        is large.
    outcomes : tuple of BucketOutcomes
        Known outcomes by bucket, youngest first, undated items last. Balances below 5 % of
        their amount are left out.
    defaulted_share : float
        Share of rows, in [0, 1], whose ``known_on`` was copied from the business date.
    clocks : {"proven", "point-in-time unproven"}
        Unproven when any clock was copied.
    missing : tuple of str
        What training lacks; empty when it can train.
    """

    first_posting: date | None
    known_through: date
    history_days: int
    needed_days: int
    as_of_dates: int
    outcomes: tuple[BucketOutcomes, ...]
    defaulted_share: float
    clocks: str
    missing: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether a model can be trained."""
        return not self.missing


def judge_sufficiency(
    ledger: Ledger,
    needs: Needs | None = None,
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> Sufficiency:
    """Count what a ledger offers to training.

    Parameters
    ----------
    ledger : Ledger
        From ``open_ledger`` or ``ledger_from_rows``.
    needs : Needs
        What training asks; defaults apply when None.
    rules, options : Rules, EngineOptions
        Defaults apply when None.
    progress : callable
        Told what is being done.
    """
    needs = needs or Needs()
    if progress is not None:
        progress("known outcomes")
    through, lag = ledger.manifest.known_through, ledger.manifest.maturity_lag_days
    first, items, share = _survey(ledger, through, options)
    history = (through - first).days if first else 0
    dates = _grid(first, through, lag, needs, items)
    outcomes = _outcomes(ledger, dates, rules, options) if dates else ()
    return Sufficiency(
        first_posting=first,
        known_through=through,
        history_days=history,
        needed_days=needs.history_days(lag),
        as_of_dates=len(dates),
        outcomes=outcomes,
        defaulted_share=share,
        clocks=UNPROVEN if ledger.manifest.defaulted_clocks else "proven",
        missing=tuple(missing_for(outcomes, history, needs, lag)),
    )


def missing_for(
    outcomes: tuple[BucketOutcomes, ...], history_days: int, needs: Needs, maturity_lag_days: int
) -> list[str]:
    """Return what is missing, one sentence each; empty when nothing is.

    Examples
    --------
    >>> some = BucketOutcomes(bucket="91+", resolved=500, unresolved=12)
    >>> missing_for((some,), 900, Needs(), 7)
    ['Unresolved rows: 12, needed 200.']
    """
    found = {
        "Days of history": (history_days, needs.history_days(maturity_lag_days)),
        "Unresolved rows": (sum(row.unresolved for row in outcomes), needs.rows_of_each_class),
        "Resolved rows": (sum(row.resolved for row in outcomes), needs.rows_of_each_class),
        "Rows more than 60 days past due": (
            sum(row.resolved + row.unresolved for row in outcomes if row.bucket in OUTER),
            needs.outer_rows,
        ),
    }
    return [
        f"{name}: {have:,}, needed {need:,}." for name, (have, need) in found.items() if have < need
    ]


def _survey(
    ledger: Ledger, through: date, options: EngineOptions | None
) -> tuple[date | None, int, float]:
    """Return the first posting, the number of invoices and the share of defaulted clocks."""
    clocked = [name for name in ledger.present if "known_on" in TABLES[name].column_names]
    counts = " union all ".join(
        f"select '{name}' as name, count(*) as n from stored_{name}"  # noqa: S608 (contract names)
        for name in clocked
    )
    with open_session(ledger, [through], options=options) as session:
        rows = {row["name"]: row["n"] for row in session.arrow(counts).to_pylist()}
        first = session.arrow("select min(visible_on) as day from invoices")["day"][0].as_py()
    defaulted = sum(rows.get(name, 0) for name in ledger.manifest.defaulted_clocks)
    return first, rows.get("invoices", 0), defaulted / max(sum(rows.values()), 1)


def _grid(first: date | None, through: date, lag: int, needs: Needs, invoices: int) -> list[date]:
    """Return the as-of dates with known outcomes, thinned out where the ledger is large."""
    if first is None:
        return []
    newest = through - timedelta(days=STEP_DAYS + lag)
    oldest = max(
        first + timedelta(days=needs.warm_up_days), newest - timedelta(days=needs.reach_days)
    )
    count = (newest - oldest).days // needs.every_days + 1
    # An item is open for some two months: that many of all invoices stand open on one date.
    months = max((through - first).days / STEP_DAYS, 1)
    open_items = 2 * invoices / months
    thin = max(1, round(count * open_items / _MAX_ITEMS))
    step = timedelta(days=needs.every_days)
    return [newest - back * step for back in range(0, count, thin)]


def _outcomes(
    ledger: Ledger, dates: list[date], rules: Rules | None, options: EngineOptions | None
) -> tuple[BucketOutcomes, ...]:
    manifest = ledger.manifest
    with open_session(ledger, dates, rules, options) as session:
        session.run(ITEM_STAGES)
        session.register("horizons", pa.table({"horizon_days": pa.array([STEP_DAYS], pa.int32())}))
        session.register(
            "maturity",
            pa.table(
                {
                    "maturity_lag_days": pa.array([manifest.maturity_lag_days], pa.int32()),
                    "known_through": pa.array([manifest.known_through], pa.date32()),
                }
            ),
        )
        resolved = ", ".join(f"'{name}'" for name in RESOLVED)
        rows = session.arrow(
            f"with outcomes as ({query_text('outcomes')}) "  # noqa: S608 (our own SQL file)
            "select cast(items.days_past_due as double) as days_past_due, "
            f"count(*) filter (outcomes.outcome in ({resolved})) as resolved, count(*) as n "
            "from outcomes inner join open_items as items "
            "on outcomes.as_of = items.as_of and outcomes.invoice_id = items.invoice_id "
            "where outcomes.outcome <> 'unknown' and items.residual = 0 "
            "group by items.days_past_due"
        )
    frame = rows.to_pandas()
    frame["bucket"] = bucket_names(bucket_index(frame["days_past_due"]))
    sums = frame.groupby("bucket")[["resolved", "n"]].sum()
    sums = sums.reindex([*BUCKETS, UNDATED], fill_value=0)
    return tuple(
        BucketOutcomes(bucket=str(bucket), resolved=int(resolved), unresolved=int(n - resolved))
        for bucket, resolved, n in sums.itertuples()
    )
