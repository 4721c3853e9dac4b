"""Charts of single views: which values go where."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from serving.console.charts import age_bars, strip
from serving.reports.tables import bucket_label
from serving.reports.wording import Amount, probability_text

if TYPE_CHECKING:
    from serving.console.history import History
    from serving.console.portfolio import PortfolioView


def ageing_bars(view: "PortfolioView") -> Markup:
    """Return today's balance by bucket, now and as it is expected in 30, 60 and 90 days."""
    whole = view.ageing[0].open.cents
    rows = []
    for column in view.ageing:
        name = "Now" if not column.days else f"In {column.days} days"
        parts = [
            (
                str(at),
                float(cell.balance.cents),
                f"{name}, {bucket_label(cell.bucket)}: {cell.balance.whole}",
            )
            for at, cell in enumerate(column.cells)
        ]
        rest = column.resolved
        parts.append(("resolved", float(rest.cents), f"{name}, paid or credited: {rest.whole}"))
        rows.append((name, parts))
    words = ". ".join(
        f"{name}: " + ", ".join(text.partition(", ")[2] for _, amount, text in parts if amount)
        for name, parts in rows
    )
    return age_bars(rows, float(whole), title=f"Balance by age. {words}")


def account_strips(history: "History") -> Markup:
    """Return score, balance and payments of an account's year, one below the other."""
    span = max((history.last - history.first).days, 1)

    def place(day: date) -> float:
        return min(max((day - history.first).days / span, 0.0), 1.0)

    places = [(history.first + timedelta(days=round(span * at / 4))).isoformat() for at in range(5)]
    scores = [
        (place(one.on), one.p_roll, f"{one.on}: P roll {probability_text(one.p_roll)}")
        for one in history.scores
    ]
    largest = max((one.open for one in history.balances), default=0.0) or 1.0
    balances = [
        (place(one.on), one.open / largest, f"{one.on}: {_money(one.open)}")
        for one in history.balances
    ]
    late = [
        (place(one.on), one.past_due / largest, f"{one.on}: {_money(one.past_due)} past due")
        for one in history.balances
    ]
    biggest = max((abs(one.amount) for one in history.payments), default=0.0) or 1.0
    payments = [
        (place(one.on), abs(one.amount) / biggest, f"{one.on}: {_money(one.amount)} {one.words}")
        for one in history.payments
    ]
    newest = f", {probability_text(scores[-1][1])} now" if scores else ", none to show"
    return Markup().join(
        [
            _titled("P roll", strip(scores, kind="line", title=f"P roll{newest}", top="100 %")),
            _titled(
                "Open balance",
                strip(
                    balances,
                    kind="area",
                    title=f"Open balance, at most {_money(largest)}",
                    top=_money(largest),
                ),
            ),
            _titled(
                "Past due",
                strip(late, kind="area", title="Balance past due", top=_money(largest)),
            ),
            _titled(
                "Payments",
                strip(
                    payments,
                    kind="bars",
                    title=f"{len(payments)} payments",
                    top=_money(biggest),
                    places=places,
                ),
            ),
        ]
    )


def _titled(name: str, chart: Markup) -> Markup:
    return Markup('<div class="strip"><h3>{}</h3>{}</div>').format(name, chart)


def _money(value: float) -> str:
    return Amount(cents=round(value * 100)).whole
