"""Holds: why an account is left in peace for now, each with its reason and until when.

Money that explains what is asked for (unapplied cash, a dispute, a plan, a promise) holds an
account when nothing of its overdue lane is left to collect. Flags, a payment that can still
come back, too many contacts and a snooze hold it whatever it owes.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from features.collectible import PARTS
from serving.account_state import AccountState
from serving.feedback import Standing

FLAGS: dict[str, str] = {
    "bankruptcy": "Insolvency proceedings are on record: claims go to the administrator.",
    "legal": "The account is with counsel.",
    "agency": "The account is with a collection agency.",
    "do_not_contact": "The account asked not to be contacted.",
    "suspended": "The account's service is suspended.",
}
"""Flags of the ledger, from what binds most, and what each says."""

PROVISIONAL, SNOOZE, CADENCE = "provisional", "snooze", "cadence"
HOLDS: tuple[str, ...] = (*FLAGS, *PARTS, PROVISIONAL, SNOOZE, CADENCE)
"""Every kind of hold; where several hold an account, the first leads."""

_OPEN_END = date(9999, 12, 31)

_COVERED: dict[str, str] = {
    "unapplied": "Unapplied cash or credits of {amount} cover what is asked for: apply cash first.",
    "disputed": "Open disputes of {amount} cover what is asked for.",
    "planned": "A payment plan in good standing covers what is asked for.",
    "promised": "A promise within its grace covers what is asked for.",
}
_ENDS: dict[str, str] = {
    "unapplied": "when the cash is applied",
    "disputed": "when the dispute closes",
    "planned": "the next instalment",
    "promised": "the promised day and its grace",
    PROVISIONAL: "when the payment is final",
    SNOOZE: "the end of the snooze",
    CADENCE: "when another contact is allowed",
    **dict.fromkeys(FLAGS, "when the flag is lifted"),
}
"""What ends each kind of hold; its day is ``until`` where the books know one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why an account is not to be worked now.

    Parameters
    ----------
    kind : str
        One of ``HOLDS``.
    reason : str
        A sentence.
    ends : str
        What ends it.
    until : datetime.date or None
        Last day it stands, where that is known.
    """

    kind: str
    reason: str
    ends: str
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """At most ``contacts`` within any ``days`` days."""

    contacts: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRules:
    """What a manager decides about holds.

    Parameters
    ----------
    flags : tuple of str
        Flags that hold an account.
    provisional_share : float
        A payment that can still come back holds the account when it is at least this share of
        what can be collected; 0 for any such payment.
    cadence : mapping of str to Cadence
        By segment; ``default`` for all others.
    """

    flags: tuple[str, ...]
    provisional_share: float
    cadence: Mapping[str, Cadence]

    @property
    def longest_cadence(self) -> int:
        """The most days that any cadence looks back."""
        return max(cadence.days for cadence in self.cadence.values())

    def cadence_of(self, segment: str | None) -> Cadence:
        """Return the cadence of a segment."""
        return self.cadence.get(segment or "", self.cadence["default"])


def find_holds(
    accounts: pd.DataFrame,
    state: AccountState,
    rules: HoldRules,
    on: date,
    standing: Mapping[str, Standing] | None = None,
) -> list[tuple[Hold, ...]]:
    """Return the holds of each account, the leading one first.

    Parameters
    ----------
    accounts : pandas.DataFrame
        One row per account and currency: ``account_id``, ``segment``, ``collectible``,
        ``covered_by`` (the part that covers its lane, or empty) and ``covered_amount``,
        ``promised_until`` and ``planned_until``, and the columns of
        ``AccountState.by_currency``.
    state : AccountState
        Flags and contacts.
    rules : HoldRules
        The policy's.
    on : datetime.date
        The day.
    standing : mapping of str to Standing
        What collectors told, by account.
    """
    flags: dict[str, list[tuple[str, object]]] = {}
    for account_id, flag, until in state.flags.itertuples(index=False):
        flags.setdefault(account_id, []).append((flag, until))
    contacts = recent_contacts(state, rules.longest_cadence, on)
    told = standing or {}
    found = []
    for row in accounts.to_dict("records"):
        account_id = row["account_id"]
        heard = told.get(account_id, Standing())
        holds = [
            *_flag_holds(flags.get(account_id, ()), rules),
            *_money_holds(row, rules),
            *feedback_holds(
                heard, contacts.get(account_id, ()), rules.cadence_of(row["segment"]), on
            ),
        ]
        found.append(tuple(sorted(holds, key=lambda hold: HOLDS.index(hold.kind))))
    return found


def recent_contacts(state: AccountState, days: int, on: date) -> dict[str, list[date]]:
    """Return the day of each contact within ``days`` days, newest first, by account."""
    found: dict[str, list[date]] = {}
    for account_id, day, count in state.contacts.itertuples(index=False):
        if (on - day).days < days:
            found.setdefault(account_id, []).extend([day] * count)
    return found


def _flag_holds(flags: Iterable[tuple[str, object]], rules: HoldRules) -> Iterable[Hold]:
    for flag, until in flags:
        if flag in rules.flags:
            kind, last = str(flag), _day(until)
            ends = None if last == _OPEN_END else last
            yield Hold(kind=kind, reason=FLAGS[kind], ends=_ENDS[kind], until=ends)


def _money_holds(row: Mapping[Hashable, Any], rules: HoldRules) -> Iterable[Hold]:
    kind = str(row["covered_by"])
    covered, unsure = _number(row["covered_amount"]), _number(row["provisional_unapplied"])
    firm = _number(row["unapplied_total"]) - unsure
    waits = kind == "unapplied" and unsure > 0 and firm < covered
    in_flight, asked = _number(row["provisional"]), _number(row["collectible"])
    if waits or (in_flight > 0 and not kind and in_flight >= rules.provisional_share * asked):
        yield Hold(
            kind=PROVISIONAL,
            reason=f"A payment of {unsure if waits else in_flight:,.2f} came in and can still "
            "come back.",
            ends=_ENDS[PROVISIONAL],
            until=_before(row["provisional_until"]),
        )
    elif kind:
        until = {"promised": row["promised_until"], "planned": row["planned_until"]}.get(kind)
        reason = _COVERED[kind].format(amount=f"{covered:,.2f}")
        yield Hold(kind=kind, reason=reason, ends=_ENDS[kind], until=_day(until))


def feedback_holds(
    heard: Standing, contacts: Sequence[date], cadence: Cadence, on: date
) -> Iterator[Hold]:
    """Yield the holds that follow from what collectors did and told.

    Parameters
    ----------
    heard : Standing
        What was told to this service.
    contacts : sequence of datetime.date
        Days of the contacts in the books. A contact that was told here counts only where the
        books show none on that day: the same call reaches both.
    cadence : Cadence
        How many contacts are allowed.
    on : datetime.date
        The day.

    Examples
    --------
    >>> days = [date(2025, 1, 30), date(2025, 1, 28)]
    >>> [hold] = feedback_holds(Standing(), days, Cadence(contacts=2, days=7), date(2025, 1, 31))
    >>> hold.reason, str(hold.until)
    ('Contacted 2 times within 7 days; 2 are allowed.', '2025-02-03')
    """
    if (snooze := heard.snooze) is not None:
        yield Hold(
            kind=SNOOZE,
            reason=f"Put off by {snooze.by}: {snooze.reason}",
            ends=_ENDS[SNOOZE],
            until=snooze.until,
        )
    every = [*contacts, *(day for day in heard.contacted_on if day not in contacts)]
    recent = sorted(
        (day for day in every if timedelta(0) <= on - day < timedelta(cadence.days)), reverse=True
    )
    if len(recent) >= cadence.contacts:
        yield Hold(
            kind=CADENCE,
            reason=f"Contacted {len(recent)} times within {cadence.days} days; "
            f"{cadence.contacts} are allowed.",
            ends=_ENDS[CADENCE],
            until=recent[cadence.contacts - 1] + timedelta(cadence.days - 1),
        )


def as_plain(hold: Hold) -> dict[str, str | None]:
    """Return a hold as plain JSON values."""
    until = None if hold.until is None else hold.until.isoformat()
    return {"kind": hold.kind, "reason": hold.reason, "ends": hold.ends, "until": until}


def _number(value: Any) -> float:  # noqa: ANN401 (a cell)
    return 0.0 if pd.isna(value) else float(value)


def _before(value: Any) -> date | None:  # noqa: ANN401 (a cell)
    day = _day(value)
    return None if day is None else day - timedelta(1)


def _day(value: Any) -> date | None:  # noqa: ANN401 (a cell)
    if value is None or value is pd.NaT:
        return None
    day: date = value.date() if isinstance(value, pd.Timestamp) else value
    return day
