"""Key figures of a receivables portfolio, by their standard formulas.

DSO, best possible DSO, ADD and CEI as used by credit managers; every figure names its
denominator. Inputs are plain numbers in one currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from features.engines import ITEM_STAGES, Session


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
