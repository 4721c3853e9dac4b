"""The ledger-health page: whether the books can be believed, and what each fault does."""

from dataclasses import dataclass

from features.ageing import BUCKETS, UNDATED
from serving.console.health import LATE_DAYS, Found, Health, Lag, Refused
from serving.console.past import Past
from serving.console.served import Served
from serving.reports.scores import cents_of
from serving.reports.wording import Amount

STALE_DAYS = 35
"""A table whose newest row is older than a month and some days may have stopped coming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a fault or a delay does to the ageing, in one currency."""

    name: str
    sentence: str
    amount: Amount
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unapplied:
    """Cash and credits not yet booked, against a bucket: what applying them would take off."""

    bucket: str
    balance: Amount
    covered: Amount
    left: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHealth:
    """A table's delays, and whether it looks stale."""

    lag: Lag
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """The page of one currency.

    Parameters
    ----------
    failed, warned, passed : tuple of Found
        Answers about the whole ledger.
    tables : tuple of TableHealth
        Tables with a day of entry.
    refused : tuple of Refused
        Rows in quarantine.
    effects : tuple of Effect
        What is wrong with the ageing that people see.
    unapplied : tuple of Unapplied
        By bucket.
    """

    currency: str
    currencies: tuple[str, ...]
    health: Health | None
    failed: tuple[Found, ...]
    warned: tuple[Found, ...]
    passed: tuple[Found, ...]
    tables: tuple[TableHealth, ...]
    refused: tuple[Refused, ...]
    refused_rows: int
    effects: tuple[Effect, ...]
    unapplied: tuple[Unapplied, ...]
    late_days: int
    waiting: bool
    trouble: str


def ledger_view(served: Served, past: Past | None, currency: str) -> LedgerView:
    """Return the page of ``currency``."""
    health = past.health if past is not None else None
    findings = health.findings if health else ()
    by_outcome = {
        outcome: tuple(found for found in findings if found.outcome == outcome)
        for outcome in ("failed", "warning", "passed")
    }
    refused = health.refused if health else ()
    return LedgerView(
        currency=currency,
        currencies=served.currencies,
        health=health,
        failed=by_outcome["failed"],
        warned=by_outcome["warning"],
        passed=by_outcome["passed"],
        tables=tuple(
            TableHealth(lag=lag, stale=lag.behind_days is not None and lag.behind_days > STALE_DAYS)
            for lag in (health.lags if health else ())
        ),
        refused=refused,
        refused_rows=sum(row.rows for row in refused),
        effects=_effects(served, currency),
        unapplied=_unapplied(served, currency),
        late_days=LATE_DAYS,
        waiting=past is None,
        trouble="" if past is None else past.trouble,
    )


def _effects(served: Served, currency: str) -> tuple[Effect, ...]:
    columns = ("bucket", "days_past_due", "open_balance", "unapplied", "disputed")
    items = served.items_of(currency, columns)
    whole = cents_of(items["open_balance"])
    late = items["days_past_due"].to_numpy(dtype=float) > 0
    parts = (
        (
            "Unapplied cash on past-due items",
            "Customers have paid this already: the ageing shows it as late until it is applied.",
            cents_of(items["unapplied"][late]),
        ),
        (
            "Unapplied cash on items not yet due",
            "Paid early and not yet applied: the current bucket is too large by it.",
            cents_of(items["unapplied"][~late]),
        ),
        (
            "Items without a due date",
            "They stand in no bucket, can never be late, and are never scored as exposed.",
            cents_of(items.loc[items["bucket"] == UNDATED, "open_balance"]),
        ),
        (
            "In open dispute",
            "Aged like the rest, but calling does not bring it in: the dispute must be settled.",
            cents_of(items["disputed"]),
        ),
    )
    return tuple(
        Effect(
            name=name,
            sentence=sentence,
            amount=Amount(cents=cents),
            share=cents / whole if whole else float("nan"),
        )
        for name, sentence, cents in parts
    )


def _unapplied(served: Served, currency: str) -> tuple[Unapplied, ...]:
    items = served.items_of(currency, ("bucket", "open_balance", "unapplied"))
    rows = []
    for bucket in (*BUCKETS, UNDATED):
        own = items[items["bucket"] == bucket]
        balance, covered = cents_of(own["open_balance"]), cents_of(own["unapplied"])
        rows.append(
            Unapplied(
                bucket=bucket,
                balance=Amount(cents=balance),
                covered=Amount(cents=covered),
                left=Amount(cents=balance - covered),
            )
        )
    return tuple(rows)
