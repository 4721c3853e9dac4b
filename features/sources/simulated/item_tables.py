"""Invoices and what people agreed or argued about them."""

import numpy as np
import pyarrow as pa

from features.sources.simulated.accounts import CURRENCIES
from features.sources.simulated.billing import ONE_OFF
from features.sources.simulated.columns import Numbers, dates, ids, ledger_table, money, words
from features.sources.simulated.hazards import PLAN_FIRST_DAY, PLAN_STEP_DAYS
from features.sources.simulated.items import balance_with_parts
from features.sources.simulated.world import World

INVOICE_KINDS = ("invoice", "debit_memo", "finance_charge")
BILLING_KINDS = ("recurring", "one_off", "usage")
DISPUTE_REASONS = ("pricing", "quantity", "quality", "not_received", "duplicate", "missing_po")
DISPUTE_OUTCOMES = ("credited", "partly_credited", "rejected", "withdrawn")
PLAN_CANCELLED_AFTER_DAYS = 5
DEBIT_MEMO_SHARE, FINANCE_CHARGE_SHARE = 0.02, 0.01
LATE_NEWS_SHARE = 0.1


def item_tables(world: World) -> dict[str, pa.Table]:
    """Return invoices, due_date_changes, disputes, promises and installments."""
    return {
        "invoices": _invoices(world),
        "due_date_changes": _due_date_changes(world),
        "disputes": _disputes(world),
        "promises": _promises(world),
        "installments": _installments(world),
    }


def _whose(world: World, item: Numbers) -> dict[str, pa.Array]:
    account = world.items.account[item]
    return {
        "account_id": ids("A-", account, 6),
        "invoice_id": ids("INV-", item),
        "currency": words(world.population.currency[account], CURRENCIES),
    }


def _invoices(world: World) -> pa.Table:
    store = world.items
    item = np.arange(store.count)
    draw = world.ledger_rng.random(store.count)
    odd = store.billing == ONE_OFF
    kind = np.select(
        [
            odd & (draw < FINANCE_CHARGE_SHARE),
            odd & (draw < FINANCE_CHARGE_SHARE + DEBIT_MEMO_SHARE),
        ],
        [2, 1],
        0,
    )
    return ledger_table(
        "invoices",
        _whose(world, item)
        | {
            "kind": words(kind, INVOICE_KINDS),
            "billing_kind": words(store.billing, BILLING_KINDS),
            "replaces_invoice_id": ids("INV-", store.replaces),
            "po_number_missing": pa.array(store.po_missing),
            "issued_on": dates(store.issued),
            "due_on": dates(store.issued + store.terms),
            "amount": money(store.amount),
            "known_on": dates(world.calendar.days[store.shown]),
            "terms_days": pa.array(store.terms.astype(np.int64)),
        },
    )


def _due_date_changes(world: World) -> pa.Table:
    item, day, due = world.log.table("extend", "item", "day", "due")
    return ledger_table(
        "due_date_changes",
        {
            "invoice_id": ids("INV-", item),
            "known_on": dates(world.calendar.days[day]),
            "due_on": dates(due),
        },
    )


def _late_news(world: World, count: int) -> Numbers:
    """Days until the books show a fact: mostly none."""
    late = world.ledger_rng.random(count) < LATE_NEWS_SHARE
    return np.where(late, world.ledger_rng.integers(1, 4, size=count), 0)


def _disputes(world: World) -> pa.Table:
    days, last = world.calendar.days, world.calendar.last
    item, day, cents = world.log.table("dispute", "item", "day", "cents")
    ended, end_day, end_outcome = world.log.table("dispute_end", "dispute", "day", "outcome")
    closed = np.full(len(item), -1, dtype=np.int64)
    outcome = np.full(len(item), -1, dtype=np.int64)
    closed[ended], outcome[ended] = days[end_day], end_outcome
    known = days[day] + _late_news(world, len(item))
    closed_known = np.maximum(closed + _late_news(world, len(item)), known)
    open_still = (closed < 0) | (closed_known > last)
    reason = world.ledger_rng.integers(5, size=len(item))
    without_po = world.items.po_missing[item] & (world.ledger_rng.random(len(item)) < 0.7)
    shown = known <= last
    columns = _whose(world, item) | {
        "dispute_id": ids("DIS-", np.arange(len(item))),
        "opened_on": dates(days[day]),
        "known_on": dates(known),
        "closed_on": dates(np.where(open_still, -1, closed)),
        "closed_known_on": dates(np.where(open_still, -1, closed_known)),
        "amount": money(cents),
        "reason": words(np.where(without_po, 5, reason), DISPUTE_REASONS),
        "outcome": words(np.where(open_still, -1, outcome), DISPUTE_OUTCOMES),
    }
    return ledger_table("disputes", columns).filter(pa.array(shown))


def _promises(world: World) -> pa.Table:
    days = world.calendar.days
    item, day, promised, cents = world.log.table("promise", "item", "day", "promised", "cents")
    dropped, dropped_day = world.log.table("promise_withdrawn", "promise", "day")
    old, new = world.log.table("promise_moved", "old", "new")
    withdrawn = np.full(len(item), -1, dtype=np.int64)
    withdrawn[dropped] = days[dropped_day]
    later = np.full(len(item), -1, dtype=np.int64)
    later[old] = new
    return ledger_table(
        "promises",
        _whose(world, item)
        | {
            "promise_id": ids("PRO-", np.arange(len(item))),
            "made_on": dates(days[day]),
            "promised_on": dates(days[promised]),
            "amount": money(cents),
            "known_on": dates(days[day]),
            "withdrawn_on": dates(withdrawn),
            "superseded_by": ids("PRO-", later),
        },
    )


def _installments(world: World) -> pa.Table:
    days, last = world.calendar.days, world.calendar.last
    item, day, parts = world.log.table("plan", "item", "day", "parts")
    broken, broken_day = world.log.table("plan_broken", "plan", "day")
    broken_on = np.full(len(item), np.iinfo(np.int32).max, dtype=np.int64)
    broken_on[broken] = broken_day
    plan = np.repeat(np.arange(len(item)), parts)
    number = np.arange(len(plan)) - np.repeat(np.cumsum(parts) - parts, parts)
    due = day[plan] + PLAN_FIRST_DAY + PLAN_STEP_DAYS * number
    left = (parts[plan] - number).astype(np.int32)
    amount = world.items.amount[item[plan]]
    cents = balance_with_parts(amount, left) - balance_with_parts(amount, left - 1)
    missed = due >= broken_on[plan]
    end = days[np.where(missed, broken_on[plan], 0)] + PLAN_CANCELLED_AFTER_DAYS
    cancelled = dates(np.where(missed & (end <= last), end, -1))
    return ledger_table(
        "installments",
        _whose(world, item[plan])
        | {
            "plan_id": ids("PLAN-", plan),
            "n": pa.array(number + 1),
            "agreed_on": dates(days[day[plan]]),
            "due_on": dates(days[due]),
            "amount": money(cents),
            "known_on": dates(days[day[plan]]),
            "cancelled_on": cancelled,
            "cancelled_known_on": cancelled,
        },
    )
