"""What collectors tell back: what they did, what they decide otherwise, what they put off.

Feedback steers the worklist (snoozes, overrides, cadence) and is kept for later measurement.
It is never a risk feature: a model that is told of contacts learns that calling causes lateness.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from features.ledger.sensitive import redact
from serving.actions import ACTIONS

Kind = Literal["outcome", "override", "snooze"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Giver = Literal["analyst", "manager"]
GIVERS: tuple[Giver, ...] = get_args(Giver)

OUTCOMES: dict[str, str] = {
    "reached": "Spoke with whoever pays.",
    "not_reached": "Nobody answered, or a message was left.",
    "sent": "A letter or an e-mail went out.",
    "wrong_contact": "Number, address or person were wrong.",
    "promised": "They promised to pay; the promise belongs in the books.",
    "disputed": "They contest it; the dispute belongs in the books.",
    "says_paid": "They say that it is paid.",
    "refused": "They refuse to pay.",
    "not_worked": "Listed, but not worked.",
}
"""What came of an action; all but the last are contacts."""

TEXT_LENGTH = 500


class FeedbackError(ValueError):
    """Feedback that breaks a rule; ``faults`` has every (field, rule, value)."""

    def __init__(self, faults: list[tuple[str, str, str | None]]) -> None:
        told = "; ".join(
            f"{name} must be {rule}" + ("" if value is None else f", got {redact(value)!r}")
            for name, rule, value in faults
        )
        super().__init__(f"The feedback cannot be taken: {told}. Nothing was stored.")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One thing that a person told about an account.

    Parameters
    ----------
    kind : {"outcome", "override", "snooze"}
        ``outcome``: what was done and what came of it. ``override``: another action than the
        suggested one. ``snooze``: leave the account off the list for a while.
    account_id : str
        Which account, in all its currencies.
    by : str
        Who told it.
    role : {"analyst", "manager"}
        What that person may decide; only a manager's override signs a proposal.
    at : datetime.datetime
        When, with a time zone.
    reason : str
        Why, in words; required for overrides and snoozes. Card numbers and IBANs are refused.
    until : datetime.date or None
        Last day a snooze or an override stands. Required for a snooze; one that ends before
        the day it was told takes an earlier snooze back. An override without it stands on the
        day it was told alone.
    outcome : str or None
        Key of ``OUTCOMES``; required for outcomes.
    action : str or None
        Key of ``ACTIONS``: what was done, or is to be done instead; required for overrides.
    request_id : str or None
        The worklist that it answers, if any.

    Raises
    ------
    FeedbackError
        With everything that is wrong.

    Examples
    --------
    >>> from datetime import UTC
    >>> told = datetime(2025, 1, 31, 9, tzinfo=UTC)
    >>> Feedback(kind="snooze", account_id="A1", by="kim", at=told, reason="moving offices")
    Traceback (most recent call last):
    serving.feedback.FeedbackError: The feedback cannot be taken: until must be the last day ...
    """

    kind: Kind
    account_id: str
    by: str
    at: datetime
    role: Giver = "analyst"
    reason: str = ""
    until: date | None = None
    outcome: str | None = None
    action: str | None = None
    request_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what breaks a rule, all of it at once."""
        if faults := _faults(self):
            raise FeedbackError(faults)

    @property
    def day(self) -> date:
        """The day it was told."""
        return self.at.date()


def _faults(told: Feedback) -> list[tuple[str, str, str | None]]:
    faults: list[tuple[str, str, str | None]] = []

    def check(name: str, rule: str, value: str | None, *, holds: bool) -> None:
        if not holds:
            faults.append((name, rule, value))

    check("kind", f"one of {', '.join(KINDS)}", told.kind, holds=told.kind in KINDS)
    check("role", f"one of {', '.join(GIVERS)}", told.role, holds=told.role in GIVERS)
    check("account_id", "given", None, holds=bool(told.account_id))
    check("by", "given", None, holds=bool(told.by))
    check("at", "a time with its zone", str(told.at), holds=told.at.tzinfo is not None)
    for name, text in (("reason", told.reason), ("by", told.by)):
        check(name, "free of card numbers and IBANs", None, holds=redact(text) == text)
        check(name, f"at most {TEXT_LENGTH} characters", None, holds=len(text) <= TEXT_LENGTH)
    choices = (("outcome", told.outcome, OUTCOMES), ("action", told.action, ACTIONS))
    for name, value, known in choices:
        check(name, f"one of {', '.join(known)}", value, holds=value is None or value in known)
    if told.kind in ("override", "snooze"):
        check("reason", "given for an override or a snooze", None, holds=bool(told.reason.strip()))
    if told.kind == "outcome":
        check("outcome", "given for an outcome", None, holds=told.outcome is not None)
    if told.kind == "override":
        check("action", "given for an override", None, holds=told.action is not None)
    if told.kind == "snooze":
        check("until", "the last day of the snooze", None, holds=told.until is not None)
    return faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the feedback on an account comes to on a day.

    Parameters
    ----------
    snooze, override : Feedback or None
        The newest that still stands.
    contacted_on : tuple of datetime.date
        Days on which somebody was contacted, or tried to be, newest first.
    """

    snooze: Feedback | None = None
    override: Feedback | None = None
    contacted_on: tuple[date, ...] = ()


def standing(feedback: Iterable[Feedback], on: date) -> dict[str, Standing]:
    """Return what stands of the feedback at the end of day ``on``, by account.

    What was told later than ``on`` does not count. Of several snoozes or overrides the one
    told last stands; of those told at the same moment the last in the order given.

    Examples
    --------
    >>> from datetime import UTC
    >>> told = datetime(2025, 1, 31, 9, tzinfo=UTC)
    >>> snooze = Feedback(kind="snooze", account_id="A1", by="kim", at=told,
    ...                   reason="moving offices", until=date(2025, 2, 7))
    >>> standing([snooze], date(2025, 2, 7))["A1"].snooze == snooze
    True
    >>> standing([snooze], date(2025, 2, 8))["A1"].snooze is None
    True
    """
    by_account: dict[str, list[Feedback]] = {}
    for told in sorted(feedback, key=lambda told: told.at):
        if told.day <= on:
            by_account.setdefault(told.account_id, []).append(told)
    return {account_id: _standing(told, on) for account_id, told in by_account.items()}


def _standing(told: list[Feedback], on: date) -> Standing:
    newest: dict[str, Feedback] = {entry.kind: entry for entry in told}
    contacted = {
        entry.day for entry in told if entry.kind == "outcome" and entry.outcome != "not_worked"
    }
    stands = {
        kind: entry
        for kind, entry in newest.items()
        if kind != "outcome" and on <= (entry.until or entry.day)
    }
    return Standing(
        snooze=stands.get("snooze"),
        override=stands.get("override"),
        contacted_on=tuple(sorted(contacted, reverse=True)),
    )
