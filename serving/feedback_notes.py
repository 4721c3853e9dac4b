"""What collectors tell back, between the request, the store and the worklist."""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from features.ledger.sensitive import redact
from serving.audit import Audit, open_audit
from serving.audit_rows import Noted
from serving.audit_schema import AuditError
from serving.auth import Role
from serving.errors import ApiError, Detail
from serving.feedback import GIVERS, Feedback, FeedbackError
from serving.schemas import OutcomeRecord
from serving.settings import Settings

_COLUMNS = ("kind", "account_id", "at")
"""Fields of a ``Feedback`` that are columns of the store."""


def parse_records(
    records: Sequence[OutcomeRecord], *, caller: str, role: Role | None, at: datetime
) -> list[Feedback]:
    """Return the records as feedback of ``caller``.

    Raises
    ------
    ApiError
        422 with everything that is wrong with all of them; nothing is stored then.
    """
    told: list[Feedback] = []
    details: list[Detail] = []
    giver = next((name for name in GIVERS if name == role), GIVERS[0])
    for position, record in enumerate(records):
        fields = record.model_dump()
        fields["by"] = fields["by"] or caller
        faults = _text_faults(fields)
        try:
            told.append(Feedback(**fields, role=giver, at=at))
        except FeedbackError as error:
            faults += error.faults
        details += [
            Detail(where=f"records.{position}.{name}", rule=rule, value=value)
            for name, rule, value in faults
        ]
    if details:
        raise ApiError(
            422,
            "feedback",
            f"{len(details)} place(s) in the records break a rule. Nothing was stored.",
            tuple(details),
        )
    return told


def _text_faults(fields: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Return what no text may hold; ids are looked at too, since they are stored as they are."""
    faults: list[tuple[str, str, str | None]] = []
    for name, value in fields.items():
        if isinstance(value, str) and "\x00" in value:
            faults.append((name, "free of NUL characters", None))
    for name in ("account_id", "request_id"):
        value = fields[name]
        if value is not None and redact(value) != value:
            faults.append((name, "free of card numbers and IBANs", None))
    return faults


def note_of(told: Feedback, *, request_id: str, caller: str) -> Noted:
    """Return feedback as the store keeps it, with the request that brought it."""
    record = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asdict(told).items()
        if name not in _COLUMNS
    }
    return Noted(
        request_id=request_id,
        at=told.at,
        caller=caller,
        kind=told.kind,
        account_id=told.account_id,
        record=record,
    )


def feedback_of(note: Noted) -> Feedback:
    """Return what the store keeps as feedback."""
    record = dict(note.record)
    until = record.pop("until", None)
    return Feedback(
        **record,
        kind=note.kind,  # type: ignore[arg-type]  # checked by Feedback itself
        account_id=note.account_id,
        at=note.at,
        until=None if until is None else date.fromisoformat(until),
    )


def told_so_far(settings: Settings) -> tuple[Feedback, ...]:
    """Return all feedback of the audit store that the settings name, oldest first.

    Raises
    ------
    FeedbackAwayError
        When the store does not answer: a list without its snoozes would be a wrong one.
    """
    if settings.audit_url is None and not settings.home.audit.is_file():
        return ()  # nobody was ever answered here
    try:
        with open_audit(settings) as audit:
            return tuple(feedback_of(note) for note in audit.feedback())
    except (SQLAlchemyError, AuditError) as error:
        raise FeedbackAwayError(
            f"The audit store does not answer ({type(error).__name__}), so nobody knows what "
            "collectors put off or decided. Nothing was scored. Score again when it is back."
        ) from error


class FeedbackAwayError(LookupError):
    """A store of feedback that does not answer; the message names the next step."""


class FeedbackView:
    """All feedback of a store, read again only when there is more or less of it.

    Parameters
    ----------
    audit : Audit
        The store.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._lock = threading.Lock()
        self._state: tuple[int, str] | None = None
        self._told: tuple[Feedback, ...] = ()

    def now(self) -> tuple[tuple[Feedback, ...], int]:
        """Return the feedback, oldest first, and the id of the newest."""
        state = self._audit.feedback_state()
        with self._lock:
            if state != self._state:
                notes = self._audit.feedback(through=state[0])
                self._told = tuple(feedback_of(note) for note in notes)
                self._state = state
            return self._told, state[0]
