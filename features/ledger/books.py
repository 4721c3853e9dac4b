"""Whether the ageing adds up to the books.

On every asked day and in every currency the buckets, undated items and balances within the
tolerance, less over-applied items and unapplied cash and credits, must equal the total balance.
The two sides are computed apart: the parts from the item states that features are made of, the
total from the postings alone.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pyarrow as pa

from features.ageing import BUCKETS, UNDATED, bucket_index, bucket_names
from features.ledger.finding import Finding, money, worded
from features.session import Session
from features.stages import DEBT_STAGES, query_text

PARTS: tuple[str, ...] = (
    *BUCKETS,
    UNDATED,
    "within tolerance",
    "over-applied items",
    "unapplied cash",
    "unapplied credits",
    "applied before its item was shown",
    "applied before its source was shown",
)
"""The parts of the balance, in the order they are shown."""

Totals = dict[tuple[date, str], dict[str, int]]
"""Cents by kind, for each as-of date and currency."""


def books_balance(session: Session, present: Iterable[str]) -> list[Finding]:
    """Compare both sides on every as-of date of ``session``, per currency.

    Parameters
    ----------
    session : Session
        Opened for the dates to check.
    present : iterable of str
        Tables that the ledger has; without receipts or credits an application is its own
        source.
    """
    posted = posted_totals(session, present)
    shown = shown_parts(session)
    return [
        _compare(as_of, currency, posted.get(key, {}), shown.get(key, {}))
        for key in sorted(posted.keys() | shown.keys())
        for as_of, currency in [key]
    ]


def posted_totals(session: Session, present: Iterable[str]) -> Totals:
    """Return the total balance by kind of posting, from the raw tables alone."""
    tables = frozenset(present)
    session.register(
        "funding",
        pa.table(
            {
                "receipts_absent": ["receipts" not in tables],
                "credits_absent": ["credits" not in tables],
            }
        ),
    )
    return _collect(session.arrow(query_text("checks/posted_totals")))


def shown_parts(session: Session) -> Totals:
    """Return the parts of the balance as features, scores and reports see them."""
    session.run(DEBT_STAGES)
    parts = _collect(session.arrow(query_text("checks/shown_balances")))
    # Aggregated by day past due, so that the bucket edges stay in one place.
    rows = session.arrow(
        f"with open_items as ({query_text('open_items')}) "  # noqa: S608 (our own SQL file)
        "select as_of, currency, cast(days_past_due as double) as days_past_due, "
        "cast(sum(balance_cents) as bigint) as cents "
        "from open_items group by as_of, currency, days_past_due"
    )
    buckets = bucket_names(bucket_index(rows["days_past_due"].to_pandas()))
    sums = rows.drop_columns("days_past_due").add_column(2, "bucket", pa.array(buckets))
    return _collect(sums, parts)


def _collect(rows: pa.Table, totals: Totals | None = None) -> Totals:
    """Add up rows of as-of date, currency, kind and cents."""
    totals = {} if totals is None else totals
    for as_of, currency, kind, cents in zip(*rows.to_pydict().values(), strict=True):
        kinds = totals.setdefault((as_of, currency), {})
        kinds[kind] = kinds.get(kind, 0) + cents
    return totals


def _compare(as_of: date, currency: str, posted: dict[str, int], shown: dict[str, int]) -> Finding:
    expected, found = money(sum(posted.values())), money(sum(shown.values()))
    difference = found - expected
    name = currency or "No currency"
    if difference:
        sentence = (
            f"{name} on {as_of}: the postings sum to {expected:,.2f}, the ageing and unapplied "
            f"amounts to {found:,.2f}: {worded(difference)}. Rows without a known invoice or "
            "source, or in two currencies, are listed below; mend them and import again."
        )
    else:
        sentence = f"{name} on {as_of}: {found:,.2f} on both sides."
    return Finding(
        name="books_balance",
        outcome="failed" if difference else "passed",
        sentence=sentence,
        currency=currency,
        as_of=as_of,
        expected=expected,
        found=found,
        difference=difference,
        parts=tuple((part, money(shown.get(part, 0))) for part in PARTS),
    )


def posted_sum(totals: Totals) -> dict[tuple[date, str], Decimal]:
    """Return the total balance per as-of date and currency."""
    return {key: money(sum(kinds.values())) for key, kinds in totals.items()}
