"""What the books showed of each account on a day, beside its items, that is no risk feature.

Flags, contacts, payments that can still come back, why payments came back, what is disputed.
Holds and suggested actions are made from it. Contacts are read here and nowhere else: they follow
lateness and never reach the model.
"""

from dataclasses import dataclass

import pandas as pd

from features.collectible import STAGES
from features.session import Session

CONTACT_DAYS = 366
"""How far back contacts are read; no cadence looks back farther."""

_SEEN = (
    "{table}.visible_on <= dates.as_of "
    "and ({table}.superseded_on is null or {table}.superseded_on > dates.as_of)"
)

_FLAGS = f"""
    select account_flags.account_id, account_flags.flag,
        max(coalesce(account_flags.until_on, date '9999-12-31')) as until_on
    from as_of_dates as dates
    inner join account_flags on {_SEEN.format(table="account_flags")}
    where account_flags.until_on is null or account_flags.until_on >= dates.as_of
    group by account_flags.account_id, account_flags.flag
    order by account_flags.account_id, account_flags.flag
"""  # noqa: S608 (all of it stands here)

_CONTACTS = f"""
    select contacts.account_id, contacts.contacted_on, cast(count(*) as bigint) as contacts
    from as_of_dates as dates
    inner join contacts
        on contacts.contacted_on <= dates.as_of
        and datediff('day', contacts.contacted_on, dates.as_of) < {CONTACT_DAYS}
    group by contacts.account_id, contacts.contacted_on
    order by contacts.account_id, contacts.contacted_on desc
"""  # noqa: S608

_PROVISIONAL = f"""
    with returned as (
        select receipt_returns.receipt_id, sum(receipt_returns.amount) as amount
        from as_of_dates as dates
        inner join receipt_returns on {_SEEN.format(table="receipt_returns")}
        group by receipt_returns.receipt_id
    )
    select receipts.account_id, receipts.currency,
        cast(sum(receipts.amount - coalesce(returned.amount, 0)) as double) as provisional,
        cast(coalesce(sum(unapplied.unapplied_cents), 0) as double) / 100
            as provisional_unapplied,
        max(receipts.provisional_until) as provisional_until
    from as_of_dates as dates
    inner join receipts on {_SEEN.format(table="receipts")}
    left join returned on receipts.receipt_id = returned.receipt_id
    left join unapplied
        on receipts.receipt_id = unapplied.source_id and unapplied.source_kind = 'receipt'
    where receipts.provisional_until > dates.as_of
        and receipts.amount > coalesce(returned.amount, 0)
    group by receipts.account_id, receipts.currency
"""  # noqa: S608

_UNAPPLIED = """
    select account_id, currency, cast(sum(unapplied_cents) as double) / 100 as unapplied_total
    from unapplied
    group by account_id, currency
"""

_DISPUTES = f"""
    select disputes.account_id, disputes.currency,
        max_by(
            coalesce(disputes.reason, ''), (disputes.amount, disputes.dispute_id)
        ) as dispute_reason,
        max(datediff('day', disputes.opened_on, dates.as_of)) as dispute_days
    from as_of_dates as dates
    inner join disputes on {_SEEN.format(table="disputes")}
    where disputes.closed_on is null
        or greatest(disputes.closed_on, disputes.closed_known_on) > dates.as_of
    group by disputes.account_id, disputes.currency
"""  # noqa: S608

_RETURNS = f"""
    with came_back as (
        select open_items.account_id, open_items.currency, applications.applied_on,
            applications.application_id,
            coalesce(applications.return_code, receipt_returns.code) as code
        from as_of_dates as dates
        inner join applications
            on applications.cause = 'cash_return' and {_SEEN.format(table="applications")}
        inner join open_items on applications.invoice_id = open_items.invoice_id
        left join receipt_returns
            on applications.source_id = receipt_returns.receipt_id
            and {_SEEN.format(table="receipt_returns")}
    )
    select account_id, currency,
        datediff('day', max(applied_on), max(dates.as_of)) as days_since_return,
        coalesce(
            max_by(
                coalesce(return_classes.class, 'unknown'),
                (applied_on, application_id, coalesce(return_classes.class, ''))
            ),
            'unknown'
        ) as return_class
    from came_back
    cross join as_of_dates as dates
    left join return_classes on upper(trim(came_back.code)) = return_classes.code
    group by account_id, currency
"""  # noqa: S608

_KEYS = ["account_id", "currency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What holds and actions are made from, as the books showed it on one day.

    Parameters
    ----------
    flags : pandas.DataFrame
        ``account_id``, ``flag``, ``until_on`` (last day, year 9999 where it is open): flags
        that stand on the day.
    contacts : pandas.DataFrame
        ``account_id``, ``contacted_on``, ``contacts`` on that day, newest day first.
    by_currency : pandas.DataFrame
        Indexed by account and currency. ``provisional`` and ``provisional_unapplied``:
        payments that can still come back, all of them and what is not applied of them, in
        document currency; ``provisional_until``. ``unapplied_total``: all cash and credits that
        are not applied. ``dispute_reason`` of the largest open
        dispute and ``dispute_days`` since the oldest was opened. ``days_since_return`` and
        ``return_class`` of the newest payment that came back from an open item.
    """

    flags: pd.DataFrame
    contacts: pd.DataFrame
    by_currency: pd.DataFrame


_QUERIES: dict[str, str] = {
    "flags": _FLAGS,
    "contacts": _CONTACTS,
    "provisional": _PROVISIONAL,
    "unapplied": _UNAPPLIED,
    "disputes": _DISPUTES,
    "returns": _RETURNS,
}
_ROWS = """
    select
        exists(select 1 from account_flags) as flags,
        exists(select 1 from contacts) as contacts,
        exists(select 1 from receipts) as provisional,
        exists(select 1 from unapplied) as unapplied,
        exists(select 1 from disputes) as disputes,
        exists(select 1 from applications) as returns
"""
"""Whether there is anything to find: planning a query costs more than running it on one account."""

_EMPTY: dict[str, tuple[str, ...]] = {
    "flags": ("account_id", "flag", "until_on"),
    "contacts": ("account_id", "contacted_on", "contacts"),
    "provisional": (*_KEYS, "provisional", "provisional_unapplied", "provisional_until"),
    "unapplied": (*_KEYS, "unapplied_total"),
    "disputes": (*_KEYS, "dispute_reason", "dispute_days"),
    "returns": (*_KEYS, "days_since_return", "return_class"),
}


_NUMBERS: tuple[str, ...] = (
    "provisional",
    "provisional_unapplied",
    "unapplied_total",
    "dispute_days",
    "days_since_return",
)


def account_state(session: Session) -> AccountState:
    """Return the state of every account of a session with one as-of date."""
    session.run(STAGES)
    [filled] = session.arrow(_ROWS).to_pylist()
    found = {
        name: session.arrow(sql).to_pandas() if filled[name] else pd.DataFrame(columns=columns)
        for (name, sql), columns in zip(_QUERIES.items(), _EMPTY.values(), strict=True)
    }
    by_currency = pd.concat(
        [
            found[name].set_index(_KEYS)
            for name in ("provisional", "unapplied", "disputes", "returns")
        ],
        axis=1,
    )
    by_currency = by_currency.astype(dict.fromkeys(_NUMBERS, float))
    by_currency = by_currency.astype({"dispute_reason": object, "return_class": object})
    by_currency["provisional_until"] = pd.to_datetime(by_currency["provisional_until"])
    return AccountState(flags=found["flags"], contacts=found["contacts"], by_currency=by_currency)
