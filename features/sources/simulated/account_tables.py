"""Accounts with their first values, their dated history, flags, contacts and exchange rates."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.sources.simulated.accounts import CURRENCIES, REGIONS
from features.sources.simulated.columns import (
    Numbers,
    dates,
    ids,
    ledger_table,
    money,
    rates,
    words,
)
from features.sources.simulated.days import SEGMENTS
from features.sources.simulated.payers import AUTOPAY, INSOLVENT
from features.sources.simulated.world import World

FLAGS = ("bankruptcy", "legal", "agency", "do_not_contact", "suspended")
CHANNELS = ("phone", "email", "letter")
CONTACT_OUTCOMES = ("no_answer", "reached", "promise")
_CHANGED = ("credit_limit", "autopay", "collector")
_FIRST = ("Harbor", "Northfield", "Cedar", "Summit", "Lakeview", "Granite", "Pioneer", "Meridian")
_SECOND = ("Supply", "Foods", "Logistics", "Medical", "Components", "Textiles", "Print", "Energy")
_FORMS = ("Inc", "LLC", "Group", "Partners")
LIMIT_CUT_SHARE, LIMIT_RAISES_A_MONTH, REASSIGNED_A_MONTH = 0.6, 0.01, 0.005
SUSPENDED_SHARE, AGENCY_SHARE, LEGAL_SHARE = 0.5, 0.3, 0.05


def account_tables(world: World) -> dict[str, pa.Table]:
    """Return accounts, account_changes, account_flags, contacts and fx_rates."""
    limit = _first_limits(world)
    autopay = _first_autopay(world)
    return {
        "accounts": _accounts(world, limit, autopay),
        "account_changes": _changes(world, limit),
        "account_flags": _flags(world),
        "contacts": _contacts(world),
        "fx_rates": _fx_rates(world),
    }


def _first_limits(world: World) -> Numbers:
    """Credit limits in cents: about four months of business, in steps of 500."""
    people = world.population
    monthly = people.invoice_cents * (people.invoices_a_month + people.recurring)
    noise = np.exp(0.3 * world.ledger_rng.standard_normal(len(people)))
    return (np.ceil(4.0 * monthly * noise / 50_000) * 50_000).astype(np.int64)


def _first_autopay(world: World) -> npt.NDArray[np.bool_]:
    people = world.population
    others = (people.method == 4) & (world.ledger_rng.random(len(people)) < 0.25)
    first: npt.NDArray[np.bool_] = (people.kind == AUTOPAY) | others
    return first


def _accounts(world: World, limit: Numbers, autopay: npt.NDArray[np.bool_]) -> pa.Table:
    people, rng = world.population, world.ledger_rng
    number = np.arange(len(people))
    names = [
        f"{first} {second} {form}" for first in _FIRST for second in _SECOND for form in _FORMS
    ]
    label = words(rng.integers(len(names), size=len(people)), names)
    without_crm = rng.random(len(people)) < 0.15
    return ledger_table(
        "accounts",
        {
            "account_id": ids("A-", number, 6),
            "name": pa.array(
                [f"{name} {place + 1}" for place, name in enumerate(label.to_pylist())]
            ),
            "parent_account_id": ids("A-", people.parent, 6),
            "segment": words(people.segment, SEGMENTS),
            "region": words(people.region, REGIONS),
            "currency": words(people.currency, CURRENCIES),
            "opened_on": dates(people.opened),
            "autopay": pa.array(autopay),
            "credit_limit": money(limit),
            "collector": ids("C-", people.collector, 2),
            "is_natural_person": pa.array(people.natural),
            "crm_id": ids("CRM-", np.where(without_crm, -1, number), 6),
        },
    )


def _changes(world: World, limit: Numbers) -> pa.Table:
    """Limits cut after trouble or raised, autopay removed and restored, new collectors."""
    rng, last = world.ledger_rng, world.calendar.last
    account, day, origin, target = world.log.table("regime", "account", "day", "origin", "target")
    on = world.calendar.days[day].astype(np.int64)
    cut = (target == 2) & (origin == 1) & (rng.random(len(day)) < LIMIT_CUT_SHARE)
    cut_on = on[cut] + rng.integers(10, 61, size=int(cut.sum()))
    raised, raised_on = _at_random(world, LIMIT_RAISES_A_MONTH)
    limits = _limits(
        limit,
        np.r_[account[cut], raised],
        np.r_[cut_on, raised_on],
        np.r_[np.full(int(cut.sum()), 0.5), np.full(len(raised), 1.25)],
    )
    debit = world.population.kind[account] == AUTOPAY
    removed, restored = debit & (target == 2), debit & (origin == 2) & (target == 0)
    switched = np.flatnonzero(removed | restored)
    moved, moved_on = _at_random(world, REASSIGNED_A_MONTH)
    collector = rng.integers(40, size=len(moved))

    who = np.r_[limits[0], account[switched], moved]
    when = np.r_[limits[1], on[switched], moved_on]
    what = np.repeat([0, 1, 2], [len(limits[0]), len(switched), len(moved)])
    value = pa.concat_arrays(
        [
            money(limits[2]).cast(pa.string()),
            words(restored[switched].astype(int), ("false", "true")),
            ids("C-", collector, 2),
        ]
    )
    keep = np.flatnonzero(when <= last)
    keys = np.stack([when[keep], who[keep], what[keep]])
    _, first = np.unique(keys, axis=1, return_index=True)
    rows = keep[first]
    return ledger_table(
        "account_changes",
        {
            "account_id": ids("A-", who[rows], 6),
            "known_on": dates(when[rows]),
            "column": words(what[rows], _CHANGED),
            "value": value.take(pa.array(rows)),
        },
    )


def _at_random(world: World, a_month: float) -> tuple[Numbers, Numbers]:
    """Accounts and days of changes that have no cause, while the account exists."""
    rng, days = world.ledger_rng, world.calendar.days
    count = int(rng.poisson(a_month * len(world.population) * world.calendar.length / 21.7))
    account = rng.integers(len(world.population), size=count)
    on = days[rng.integers(world.calendar.length, size=count)].astype(np.int64)
    keep = on >= world.population.opened[account]
    return account[keep], on[keep]


def _limits(
    limit: Numbers,
    account: Numbers,
    on: Numbers,
    factor: npt.NDArray[np.float64],
) -> tuple[Numbers, Numbers, Numbers]:
    """Chain the factors of each account in order of time."""
    order = np.lexsort((on, account))
    account, on, logs = account[order], on[order], np.log(factor[order])
    running = np.cumsum(logs)
    _, start, place = np.unique(account, return_index=True, return_inverse=True)
    before = (running - logs)[start] if len(start) else running
    level = limit[account] * np.exp(running - before[place])
    return account, on, (np.ceil(np.round(level / 10_000, 6)) * 10_000).astype(np.int64)


def _flags(world: World) -> pa.Table:
    rng, last = world.ledger_rng, world.calendar.last
    account, day, target = world.log.table("regime", "account", "day", "target")
    on = world.calendar.days[day].astype(np.int64)
    broke = target == INSOLVENT
    halted = (target == 2) & (rng.random(len(day)) < SUSPENDED_SHARE)
    halted_on = on + rng.integers(10, 41, size=len(day))
    resumed = _leaves(account, on)
    item, lost_day = world.log.table("write_off", "item", "day")
    lost = world.items.account[item].astype(np.int64)
    lost_on = world.calendar.days[lost_day].astype(np.int64)
    draw = rng.random(len(lost))
    agency, legal = draw < AGENCY_SHARE, draw > 1.0 - LEGAL_SHARE
    silent = np.flatnonzero(world.population.contact == 0)

    who = np.r_[account[broke], lost[legal], lost[agency], silent, account[halted]]
    begin = np.r_[
        on[broke],
        lost_on[legal],
        lost_on[agency],
        world.population.opened[silent],
        halted_on[halted],
    ]
    sizes = [int(broke.sum()), int(legal.sum()), int(agency.sum()), len(silent), int(halted.sum())]
    flag = np.repeat(np.arange(len(FLAGS)), sizes)
    late = np.where(flag == 0, rng.integers(0, 21, size=len(flag)), 0)
    until = np.r_[np.full(len(flag) - sizes[-1], -1), resumed[halted]]
    until = np.where(until > begin, until, -1)
    ended = np.r_[np.zeros(len(flag) - sizes[-1], bool), (resumed >= 0)[halted]] & (until < 0)
    keep = np.flatnonzero((begin + late <= last) & ~ended)
    _, first = np.unique(np.stack([begin, who, flag])[:, keep], axis=1, return_index=True)
    rows = keep[first]
    return ledger_table(
        "account_flags",
        {
            "account_id": ids("A-", who[rows], 6),
            "flag": words(flag[rows], FLAGS),
            "from_on": dates(begin[rows]),
            "until_on": dates(until[rows]),
            "known_on": dates((begin + late)[rows]),
        },
    )


def _leaves(account: Numbers, on: Numbers) -> Numbers:
    """For each regime change, the day of the account's next change; -1 when there is none."""
    order = np.lexsort((np.arange(len(on)), account))
    following = np.full(len(on), -1, dtype=np.int64)
    same = account[order][1:] == account[order][:-1]
    following[order[:-1][same]] = on[order][1:][same]
    return following


def _contacts(world: World) -> pa.Table:
    account, day, outcome = world.log.table("contact", "account", "day", "outcome")
    channel = np.searchsorted([0.55, 0.93], world.ledger_rng.random(len(account)), side="right")
    return ledger_table(
        "contacts",
        {
            "contact_id": ids("CON-", np.arange(len(account))),
            "account_id": ids("A-", account, 6),
            "contacted_on": dates(world.calendar.days[day]),
            "channel": words(channel, CHANNELS),
            "outcome": words(outcome, CONTACT_OUTCOMES),
        },
    )


def _fx_rates(world: World) -> pa.Table:
    """One rate to USD a business day and currency: 1, and two slow random walks."""
    days = world.calendar.days[: world.calendar.length]
    steps = 0.003 * world.ledger_rng.standard_normal((2, len(days)))
    steps[:, 0] = 0.0
    walks = np.array([[1.08], [1.25]]) * np.exp(np.cumsum(steps, axis=1))
    table = np.vstack([np.ones(len(days)), walks])
    return ledger_table(
        "fx_rates",
        {
            "currency": words(np.repeat(np.arange(3), len(days)), CURRENCIES),
            "rate_on": dates(np.tile(days, 3)),
            "rate": rates(np.rint(table.ravel() * 1e8)),
        },
    )
