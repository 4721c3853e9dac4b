"""Key figures of a receivables portfolio, by their standard formulas.

DSO, best possible DSO, ADD and CEI as used by credit managers; every figure names its
denominator. Inputs are plain numbers in one currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from features.ageing import BUCKETS, EDGES, UNDATED
from features.session import Session
from features.stages import DEBT_STAGES, ITEM_STAGES, query_text


def days_sales_outstanding(receivables: float, sales: float, days: int) -> float:
    """Return DSO = receivables ÷ credit sales × days of those sales; NaN without sales.

    Examples
    --------
    >>> days_sales_outstanding(500.0, 1000.0, 90)
    45.0
    """
    return receivables / sales * days if sales else float("nan")


def countback_dso(receivables: float, sales_by_month: Sequence[tuple[float, int]]) -> float:
    """Return count-back DSO.

    Each month's sales, newest first, are taken off the receivables and the month's days
    added; the month that covers the rest counts in proportion. NaN when all months together
    do not cover it.

    Parameters
    ----------
    receivables : float
        Ending receivables.
    sales_by_month : sequence of (float, int)
        Sales and days of each month, newest first.

    Examples
    --------
    >>> countback_dso(250.0, [(200.0, 30), (100.0, 31)])
    45.5
    """
    total = 0.0
    for sales, days in sales_by_month:
        if receivables <= 0:
            return total
        if sales > 0 and receivables <= sales:
            return total + days * receivables / sales
        receivables -= sales
        total += days
    return float("nan") if receivables > 0 else total


def collection_effectiveness(
    opening: float, sales: float, ending: float, ending_current: float, months: int
) -> float:
    """Return CEI in per cent.

    (opening + sales/N − ending total) ÷ (opening + sales/N − ending current) × 100, with the
    sales of N months.

    Examples
    --------
    >>> round(collection_effectiveness(6200, 10890, 6340, 3590, 3), 1)
    55.9
    """
    monthly = sales / months
    collectable = opening + monthly - ending_current
    return (opening + monthly - ending) / collectable * 100 if collectable else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigures:
    """Key figures of one currency on one date.

    Parameters
    ----------
    receivables, current, past_due : float
        Open balance: all, not yet due, past due. Undated items are in the first alone.
    sales_90 : float
        Billed in the 90 days to the date.
    dso_days, best_possible_dso_days, average_days_delinquent : float
        DSO over these 90 days, its part that is not late, and the difference.
    """

    receivables: float
    current: float
    past_due: float
    sales_90: float
    dso_days: float
    best_possible_dso_days: float
    average_days_delinquent: float


def key_figures(session: Session, as_of: date) -> dict[str, KeyFigures]:
    """Return the key figures per currency for one date of an open session."""
    session.run(ITEM_STAGES)
    rows = session.arrow(f"""
        select
            balances.currency,
            balances.receivables,
            balances.not_yet_due,
            balances.past_due,
            coalesce(sales.cents, 0) / 100.0 as sales_90
        from (
            select currency, sum(balance_cents) / 100.0 as receivables,
                sum(case when days_past_due <= 0 then balance_cents else 0 end) / 100.0
                    as not_yet_due,
                sum(case when days_past_due > 0 then balance_cents else 0 end) / 100.0 as past_due
            from open_items where as_of = date '{as_of.isoformat()}' group by currency
        ) as balances
        left join (
            select currency, sum(cast(amount * 100 as bigint)) as cents
            from invoices
            where visible_on <= date '{as_of.isoformat()}'
                and (superseded_on is null or superseded_on > date '{as_of.isoformat()}')
                and datediff('day', issued_on, date '{as_of.isoformat()}') < 90
            group by currency
        ) as sales on balances.currency = sales.currency
        order by balances.currency
    """).to_pylist()  # noqa: S608 (an ISO date)
    return {row["currency"]: _figures(row) for row in rows}


def _figures(row: Mapping[str, float]) -> KeyFigures:
    receivables, current, sales = row["receivables"], row["not_yet_due"], row["sales_90"]
    dso = days_sales_outstanding(receivables, sales, 90)
    best = days_sales_outstanding(current, sales, 90)
    return KeyFigures(
        receivables=receivables,
        current=current,
        past_due=row["past_due"],
        sales_90=sales,
        dso_days=dso,
        best_possible_dso_days=best,
        average_days_delinquent=dso - best,
    )


SALES_DAYS = 90
CEI_MONTHS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFigures:
    """Key figures of one currency on one past date, as the books showed it then.

    Parameters
    ----------
    as_of : date
        The date.
    currency : str
        Its document currency.
    buckets : dict of str to float
        Open balance by bucket, undated items last.
    sales_90 : float
        Billed in the 90 days to the date.
    unapplied : float
        Cash and credits that were not yet booked to invoices.
    dso_days, best_possible_dso_days, average_days_delinquent : float
        As in ``KeyFigures``; NaN without sales.
    effectiveness : float
        CEI over the 90 days, in per cent; NaN where the opening balance is not known.
    promises_due, promises_kept : int
        Promises whose date and grace passed within the 90 days, and those of them kept in full.
    promised, promised_kept : float
        Their amounts, and what came in on time.
    """

    as_of: date
    currency: str
    buckets: dict[str, float]
    sales_90: float
    unapplied: float
    dso_days: float
    best_possible_dso_days: float
    average_days_delinquent: float
    effectiveness: float
    promises_due: int
    promises_kept: int
    promised: float
    promised_kept: float

    @property
    def receivables(self) -> float:
        """Open balance of all buckets."""
        return sum(self.buckets.values())


def past_figures(session: Session) -> list[PastFigures]:
    """Return the key figures of every date and currency of a session, oldest first.

    The collection effectiveness of a date needs a date of the session 90 days before it.
    """
    session.run(DEBT_STAGES)
    session.run(("open_items",))
    frame = _balances(session).join(_sales(session)).join(_unapplied(session), how="outer")
    frame = frame.join(_promises(session)).fillna(0.0).sort_index()
    receivables = frame[list(_BUCKET_COLUMNS)].sum(axis=1)
    return [
        _past(
            key[0].date(),
            key[1],
            row,
            receivables.get((key[0] - timedelta(days=SALES_DAYS), key[1]), float("nan")),
        )
        for key, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]


_BUCKET_COLUMNS = (*BUCKETS, UNDATED)


def _past(as_of: date, currency: str, row: Mapping[Any, Any], opening: float) -> PastFigures:
    buckets = {name: row[name] / 100 for name in _BUCKET_COLUMNS}
    receivables, current = sum(buckets.values()), buckets[BUCKETS[0]]
    sales = row["sales"] / 100
    dso = days_sales_outstanding(receivables, sales, SALES_DAYS)
    best = days_sales_outstanding(current, sales, SALES_DAYS)
    return PastFigures(
        as_of=as_of,
        currency=currency,
        buckets=buckets,
        sales_90=sales,
        unapplied=row["unapplied"] / 100,
        dso_days=dso,
        best_possible_dso_days=best,
        average_days_delinquent=dso - best,
        effectiveness=collection_effectiveness(
            opening / 100, sales, receivables, current, CEI_MONTHS
        ),
        promises_due=int(row["due"]),
        promises_kept=int(row["kept"]),
        promised=row["due_cents"] / 100,
        promised_kept=row["kept_cents"] / 100,
    )


def _indexed(session: Session, sql: str) -> pd.DataFrame:
    frame: pd.DataFrame = session.arrow(sql).to_pandas()
    return frame.assign(as_of=pd.to_datetime(frame["as_of"])).set_index(["as_of", "currency"])


def _balances(session: Session) -> pd.DataFrame:
    """Return the open balance by bucket, in cents."""
    ends = [f"when days_past_due <= {edge} then '{name}'" for edge, name in zip(EDGES, BUCKETS)]  # noqa: B905 (the last bucket has no end)
    bucket = (
        f"case when days_past_due is null then '{UNDATED}' {' '.join(ends)} "
        f"else '{BUCKETS[-1]}' end"
    )
    rows = _indexed(
        session,
        f"select as_of, currency, {bucket} as bucket, "  # noqa: S608 (names and edges of buckets)
        "cast(sum(balance_cents) as bigint) as cents "
        f"from open_items group by as_of, currency, {bucket}",
    )
    wide = rows.pivot_table(index=["as_of", "currency"], columns="bucket", values="cents")
    return wide.reindex(columns=list(_BUCKET_COLUMNS)).fillna(0.0)


def _sales(session: Session) -> pd.DataFrame:
    return _indexed(
        session,
        "select as_of_dates.as_of, invoices.currency, "  # noqa: S608 (a number)
        "cast(sum(cast(invoices.amount * 100 as bigint)) as bigint) as sales "
        "from as_of_dates inner join invoices on invoices.visible_on <= as_of_dates.as_of "
        "and (invoices.superseded_on is null or invoices.superseded_on > as_of_dates.as_of) "
        f"and datediff('day', invoices.issued_on, as_of_dates.as_of) < {SALES_DAYS} "
        "group by as_of_dates.as_of, invoices.currency",
    )


def _unapplied(session: Session) -> pd.DataFrame:
    """Return cash and credits without an invoice, in cents, of all accounts."""
    return _indexed(
        session,
        f"with parts as ({query_text('checks/shown_balances')}) "  # noqa: S608 (our own SQL file)
        "select as_of, currency, cast(-sum(cents) as bigint) as unapplied from parts "
        "where part in ('unapplied cash', 'unapplied credits') group by as_of, currency",
    )


def _promises(session: Session) -> pd.DataFrame:
    """Return promises fallen due within the 90 days, of all accounts."""
    return _indexed(
        session,
        "with asked_accounts as (select as_of_dates.as_of, cast(0 as bigint) as account_no, "  # noqa: S608 (our own SQL file)
        "promisers.account_id from as_of_dates cross join "
        "(select distinct account_id from promises) as promisers), "
        f"judged as ({query_text('promise_states')}) "
        "select judged.as_of, judged.currency, count(*) as due, "
        "count(*) filter (judged.state = 'kept') as kept, "
        "cast(sum(judged.amount_cents) as bigint) as due_cents, "
        "cast(sum(least(judged.received_cents, judged.amount_cents)) as bigint) as kept_cents "
        "from judged cross join settings "
        "where judged.state in ('kept', 'broken') "
        "and datediff('day', judged.promised_on, judged.as_of) > settings.promise_grace_days "
        "and datediff('day', judged.promised_on, judged.as_of) "
        f"<= settings.promise_grace_days + {SALES_DAYS} "
        "group by judged.as_of, judged.currency",
    )


def amounts_by_class(
    balances: Sequence[float], probabilities: Sequence[Sequence[float]]
) -> list[float]:
    """Return a customer's expected amount in each class: Σ balance × probability over its items.

    Parameters
    ----------
    balances : sequence of float
        Open balance of each item.
    probabilities : sequence of sequence of float
        Per item the probability of each class; a row sums to 1.

    Examples
    --------
    >>> amounts_by_class([100.0, 300.0], [[0.5, 0.5], [0.0, 1.0]])
    [50.0, 350.0]
    """
    weighted = [
        [balance * p for p in row] for balance, row in zip(balances, probabilities, strict=True)
    ]
    return [sum(column) for column in zip(*weighted, strict=True)]
