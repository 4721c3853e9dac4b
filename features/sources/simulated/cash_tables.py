"""Receipts, returns, credits and applications: every cent and where it went.

Items that one account pays in the same way on the same day share one receipt, and so its fate.
Half of the money that is not applied at once is first put on a wrong invoice, which had been
paid before; the correction takes it off again and puts it on the right one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.tables import CAUSES
from features.sources.simulated import hazards, items, payments
from features.sources.simulated.accounts import CURRENCIES, METHODS
from features.sources.simulated.columns import Numbers, dates, ids, ledger_table, money, words
from features.sources.simulated.engine import CREDIT_ERROR
from features.sources.simulated.world import World

RETURN_CODES = (
    *("R01", "R09", "R02", "R03", "R10", "R16", "R29"),
    *("13.1", "4853", "10.4", "13.2", "4834"),
    *("NSF", "AM04", "AC04", "MD01", "MS03"),
)
RETURN_KINDS = ("ach_return", "chargeback", "bounced")
CREDIT_REASONS = (
    "billing_error",
    "rebill",
    "dispute",
    "dispute_partial",
    "goodwill",
)
_FUNDS_CODES = {0: (0, 0, 0, 1), 1: (9, 10, 7, 8), 2: (12,), 3: (0,), 4: (13, 13, 14)}
_OTHER_CODES = {0: (2, 3, 4, 5, 6, 0), 1: (7, 8, 9, 11), 2: (12,), 3: (0,), 4: (15, 16, 13)}
_GOODWILL = len(CREDIT_REASONS) - 1
_CAUSE = {name: code for code, name in enumerate(CAUSES)}
MISAPPLIED_SHARE, OVERPAID_SHARE, NETTED_SHARE = 0.5, 0.006, 0.1
RESIDUAL_CLEARED_SHARE, GOODWILL_A_MONTH = 0.6, 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Cash:
    """All payments of items, and the receipts they came in; days are business-day indices."""

    item: Numbers
    account: Numbers
    received: Numbers
    known: Numbers
    applied: Numbers
    cents: Numbers
    discount: Numbers
    residual: Numbers
    flavour: Numbers
    fate: Numbers
    returned: Numbers
    receipt: Numbers
    first: Numbers
    total: Numbers
    code: Numbers


def cash_tables(world: World) -> dict[str, pa.Table]:
    """Return receipts, receipt_returns, credits and applications."""
    cash = _cash(world)
    overpaid, refund_day = _overpayments(world, cash)
    credits_table, from_credits = _credits(world)
    applied = [*_from_cash(world, cash), from_credits, _write_offs(world)]
    return {
        "receipts": _receipts(world, cash, overpaid),
        "receipt_returns": _returns(world, cash, overpaid, refund_day),
        "credits": credits_table,
        "applications": _applications(world, applied),
    }


def _cash(world: World) -> Cash:
    names = ("item", "received", "known", "applied", "cents", "discount", "residual", "flavour")
    table = world.log.table("cash", *names, "fate", "returned")
    shown = table[2] < world.calendar.length
    item, received, known, applied, cents, discount, residual, flavour, fate, returned = (
        column[shown] for column in table
    )
    account = world.items.account[item].astype(np.int64)
    key = (received * len(world.population) + account) * 4 + flavour
    _, first, receipt = np.unique(key, return_index=True, return_inverse=True)
    total = np.bincount(receipt, weights=cents, minlength=len(first))
    rng = world.ledger_rng
    kind = world.population.kind[account[first]]
    method = world.population.method[account[first]]
    funds = rng.random(len(first)) < np.where(np.isin(kind, (3, 6, 7, 8)), 0.8, 0.35)
    pick = rng.random(len(first))
    code = np.zeros(len(first), dtype=np.int64)
    for place in range(len(METHODS)):
        for choice, rows in ((_FUNDS_CODES, funds), (_OTHER_CODES, ~funds)):
            codes = np.asarray(choice[place])
            code = np.where(rows & (method == place), codes[(pick * len(codes)).astype(int)], code)
    return Cash(
        item=item,
        account=account,
        received=received,
        known=known,
        applied=applied,
        cents=cents,
        discount=discount,
        residual=residual,
        flavour=flavour,
        fate=fate,
        returned=returned,
        receipt=receipt.astype(np.int64),
        first=first,
        total=np.rint(total).astype(np.int64),
        code=code,
    )


def _overpayments(world: World, cash: Cash) -> tuple[Numbers, Numbers]:
    """Cents that belong to no item, per receipt, and the day of the refund (-1 for none)."""
    rng, count = world.ledger_rng, len(cash.first)
    plain = (cash.fate[cash.first] == hazards.FATE_NORMAL) & (
        cash.flavour[cash.first] == payments.FULL
    )
    over = plain & (rng.random(count) < OVERPAID_SHARE)
    share = rng.uniform(0.05, 0.6, count)
    cents = np.where(over, np.maximum(np.rint(cash.total * share), 100), 0).astype(np.int64)
    day = cash.received[cash.first] + rng.integers(14, 41, size=count)
    refunded = over & (rng.random(count) < 0.5) & (day < world.calendar.length)
    return cents, np.where(refunded, day, -1)


def _receipts(world: World, cash: Cash, overpaid: Numbers) -> pa.Table:
    days, account = world.calendar.days, cash.account[cash.first]
    received = cash.received[cash.first]
    method = world.population.method[account]
    debit = (METHODS[0], METHODS[4])
    provisional = np.isin(method, [METHODS.index(name) for name in debit])
    return ledger_table(
        "receipts",
        {
            "receipt_id": ids("REC-", np.arange(len(account))),
            "account_id": ids("A-", account, 6),
            "received_on": dates(days[received]),
            "known_on": dates(days[cash.known[cash.first]]),
            "amount": money(cash.total + overpaid),
            "currency": words(world.population.currency[account], CURRENCIES),
            "method": words(method, METHODS),
            "provisional_until": dates(np.where(provisional, days[received + 3], -1)),
        },
    )


def _returns(world: World, cash: Cash, overpaid: Numbers, refund_day: Numbers) -> pa.Table:
    returned = cash.returned[cash.first]
    back = np.flatnonzero((returned >= 0) & (returned < world.calendar.length))
    refund = np.flatnonzero(refund_day >= 0)
    receipt = np.r_[back, refund]
    day = np.r_[returned[back], refund_day[refund]]
    cents = np.r_[cash.total[back], overpaid[refund]]
    method = world.population.method[cash.account[cash.first[back]]]
    kind = np.r_[np.array([0, 1, 2, 0, 0])[method], np.full(len(refund), 3)]
    code = np.r_[cash.code[back], np.full(len(refund), -1)]
    order = np.lexsort((receipt, day))
    receipt, day, cents, kind, code = (a[order] for a in (receipt, day, cents, kind, code))
    account = cash.account[cash.first[receipt]]
    return ledger_table(
        "receipt_returns",
        {
            "return_id": ids("RET-", np.arange(len(receipt))),
            "receipt_id": ids("REC-", receipt),
            "account_id": ids("A-", account, 6),
            "returned_on": dates(world.calendar.days[day]),
            "known_on": dates(world.calendar.days[day]),
            "amount": money(cents),
            "currency": words(world.population.currency[account], CURRENCIES),
            "kind": words(kind, (*RETURN_KINDS, "refund")),
            "code": words(code, RETURN_CODES),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Applications of one origin; days are business-day indices."""

    item: Numbers
    cause: Numbers
    source: Numbers
    applied: Numbers
    known: Numbers
    cents: Numbers
    code: Numbers


def _rows(
    item: Numbers,
    cause: str | Numbers,
    source: Numbers | int,
    applied: Numbers,
    known: Numbers,
    cents: Numbers,
    code: Numbers | int = -1,
) -> _Rows:
    codes = _CAUSE[cause] if isinstance(cause, str) else cause
    size = len(item)
    return _Rows(
        item=item,
        cause=np.broadcast_to(codes, size),
        source=np.broadcast_to(source, size),
        applied=applied,
        known=known,
        cents=cents,
        code=np.broadcast_to(code, size),
    )


def _from_cash(world: World, cash: Cash) -> list[_Rows]:
    source, delayed = cash.receipt, cash.fate == hazards.FATE_DELAYED
    known = np.where(delayed, cash.applied, cash.known)
    back, cut, short = cash.returned >= 0, cash.discount > 0, cash.residual > 0
    clear = cash.received + world.ledger_rng.integers(20, 61, size=len(source))
    short &= world.ledger_rng.random(len(source)) < RESIDUAL_CLEARED_SHARE
    return [
        _rows(cash.item, "cash", source, cash.applied, known, cash.cents),
        _rows(
            cash.item[back],
            "cash_return",
            source[back],
            cash.returned[back],
            cash.returned[back],
            -cash.cents[back],
            cash.code[source[back]],
        ),
        _rows(cash.item[cut], "discount", -1, cash.applied[cut], known[cut], cash.discount[cut]),
        _rows(cash.item[short], "adjustment", -1, clear[short], clear[short], cash.residual[short]),
        *_misapplied(world, cash),
    ]


def _misapplied(world: World, cash: Cash) -> list[_Rows]:
    """Put delayed receipts on an item that was paid before, and take them off again."""
    store = world.items
    final = (store.paid_known < items.NEVER) & ~store.returned & (store.phase == items.CLOSED)
    paid = np.flatnonzero(final)
    paid = paid[np.lexsort((paid, store.paid_known[paid], store.account[paid]))]
    owner, start = np.unique(store.account[paid], return_index=True)
    earliest = np.full(len(world.population), -1, dtype=np.int64)
    earliest[owner] = paid[start]

    draw = world.ledger_rng.random(len(cash.first)) < MISAPPLIED_SHARE
    receipt = np.flatnonzero(draw & (cash.fate[cash.first] == hazards.FATE_DELAYED))
    wrong = earliest[cash.account[cash.first[receipt]]]
    received = cash.received[cash.first[receipt]]
    usable = (wrong >= 0) & (store.paid_known[wrong] < received)
    receipt, wrong, received = receipt[usable], wrong[usable], received[usable]
    corrected, cents = cash.applied[cash.first[receipt]], cash.total[receipt]
    return [
        _rows(wrong, "cash", receipt, received, received, cents),
        _rows(wrong, "unapply", receipt, corrected, corrected, -cents),
    ]


def _credits(world: World) -> tuple[pa.Table, _Rows]:
    """Credit memos and their applications; goodwill credits stay unapplied."""
    rng, length = world.ledger_rng, world.calendar.length
    item, day, cents, reason = world.log.table("credit", "item", "day", "cents", "reason")
    count = int(rng.poisson(GOODWILL_A_MONTH * len(world.population) * length / 21.7))
    account = np.r_[
        world.items.account[item].astype(np.int64), rng.integers(len(world.population), size=count)
    ]
    when = np.r_[day, rng.integers(length, size=count)]
    typical = world.population.invoice_cents[account[len(item) :]]
    amount = np.r_[cents, np.maximum(np.rint(typical * rng.uniform(0.05, 0.3, count)), 100)]
    reasons = np.r_[reason, np.full(count, _GOODWILL)]
    of = np.r_[item, np.full(count, -1)]
    keep = world.calendar.days[when] >= world.population.opened[account]
    order = np.flatnonzero(keep)[np.argsort(when[keep], kind="stable")]
    account, when, reasons, of = account[order], when[order], reasons[order], of[order]
    amount = amount[order].astype(np.int64)
    table = ledger_table(
        "credits",
        {
            "credit_id": ids("CRE-", np.arange(len(order))),
            "account_id": ids("A-", account, 6),
            "issued_on": dates(world.calendar.days[when]),
            "known_on": dates(world.calendar.days[when]),
            "amount": money(amount),
            "currency": words(world.population.currency[account], CURRENCIES),
            "reason": words(reasons, CREDIT_REASONS),
        },
    )
    used = np.flatnonzero(of >= 0)
    netted = (reasons[used] == CREDIT_ERROR) & (rng.random(len(used)) < NETTED_SHARE)
    cause = np.where(netted, _CAUSE["netting"], _CAUSE["credit"])
    source = used + len(world.log.table("cash", "item")[0])
    return table, _rows(of[used], cause, source, when[used], when[used], amount[used])


def _write_offs(world: World) -> _Rows:
    item, day, cents = world.log.table("write_off", "item", "day", "cents")
    return _rows(item, "write_off", -1, day, day, cents)


def _applications(world: World, parts: list[_Rows]) -> pa.Table:
    """All applications in the order the books showed them."""
    known = np.concatenate([part.known for part in parts])
    order = np.argsort(known, kind="stable")
    order = order[known[order] < world.calendar.length]

    def column(name: str) -> Numbers:
        return np.concatenate([getattr(part, name) for part in parts])[order]

    item, cause, source = column("item"), column("cause"), column("source")
    offset = len(world.log.table("cash", "item")[0])
    from_credit = source >= offset
    source_id = _sources(source, from_credit, offset)
    days = world.calendar.days
    return ledger_table(
        "applications",
        {
            "application_id": ids("APP-", np.arange(len(item))),
            "invoice_id": ids("INV-", item),
            "account_id": ids("A-", world.items.account[item], 6),
            "cause": words(cause, CAUSES),
            "source_id": source_id,
            "applied_on": dates(days[column("applied")]),
            "known_on": dates(days[known[order]]),
            "amount": money(column("cents")),
            "return_code": words(column("code"), RETURN_CODES),
        },
    )


def _sources(source: Numbers, from_credit: npt.NDArray[np.bool_], offset: int) -> pa.Array:
    receipt = ids("REC-", np.where(from_credit, -1, source))
    credit = ids("CRE-", np.where(from_credit, source - offset, -1))
    return pc.coalesce(receipt, credit)
