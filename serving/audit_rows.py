"""The records of the audit store, and how they stand in its tables."""

import hashlib
import json
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

ROWS, POLICY = "rows", "policy"
"""Kinds of kept content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One answer that gave scores out.

    Parameters
    ----------
    request_id : str
        Names the answer; it is also in the answer.
    at : datetime
        When, with its zone.
    caller : str
        Name of the key.
    route : str
        Path that was asked.
    model_version, feature_digest : str
        What scored.
    as_of : date
        Observation date.
    snapshot : str
        Name of the snapshot; for rows sent, ``rows-`` and the digest of the rows.
    account_ids : tuple of str
        Accounts in the answer, in its order.
    response_sha256 : str
        Digest of the body, hexadecimal.
    request : str or None
        The request as JSON without its ledger rows; None where it is not known any more.
    served : str or None
        Name of the snapshot whose model scored.
    policy_digest, rows_digest : str or None
        Kept contents that the answer was made from.
    software : str or None
        Release that answered.
    feedback_seen : int or None
        Id of the newest feedback that the answer could see.
    """

    request_id: str
    at: datetime
    caller: str
    route: str
    model_version: str
    feature_digest: str
    as_of: date
    snapshot: str
    account_ids: tuple[str, ...]
    response_sha256: str
    request: str | None = None
    served: str | None = None
    policy_digest: str | None = None
    rows_digest: str | None = None
    software: str | None = None
    feedback_seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Content that answers are made again from.

    Parameters
    ----------
    kind : {"rows", "policy"}
        What it is.
    text : str
        The content.
    account_ids : tuple of str
        Whom it speaks of; an erasure looks here.

    Attributes
    ----------
    digest : str
        SHA-256 of the text, hexadecimal.
    """

    kind: str
    text: str
    account_ids: tuple[str, ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Digest the text, once."""
        object.__setattr__(self, "digest", digest_of(self.text.encode()))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedAnswer:
    """An answer under the idempotency key that its caller gave.

    Parameters
    ----------
    caller, idempotency_key : str
        Whose key it is.
    route, request_sha256 : str
        What was asked, so that a key is not used for two things.
    account_ids : tuple of str
        Whom the answer speaks of.
    body : bytes
        The answer.
    """

    caller: str
    idempotency_key: str
    route: str
    request_sha256: str
    account_ids: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One record of what a collector did or decided.

    Parameters
    ----------
    id : int
        Counts up; 0 before it is stored.
    request_id, caller : str
        Which request brought it, and whose.
    at : datetime
        When it was stored, with its zone.
    kind, account_id : str
        What it is and of whom.
    record : dict
        Its fields, as JSON knows them.
    """

    id: int = 0
    request_id: str
    at: datetime
    caller: str
    kind: str
    account_id: str
    record: dict[str, Any]


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of bytes in hexadecimal.

    Examples
    --------
    >>> digest_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()


def given_row(given: Given) -> dict[str, Any]:
    """Return a row of ``scores``."""
    row = {entry.name: getattr(given, entry.name) for entry in fields(given)}
    return row | {
        "at": instant(given.at),
        "as_of": given.as_of.isoformat(),
        "account_ids": json.dumps(given.account_ids),
    }


def note_row(note: Noted) -> dict[str, Any]:
    """Return a row of ``feedback``; its id is the store's to give."""
    return {
        "request_id": note.request_id,
        "at": instant(note.at),
        "caller": note.caller,
        "kind": note.kind,
        "account_id": note.account_id,
        "record": json.dumps(note.record),
    }


def noted(row: sa.RowMapping) -> Noted:
    """Return what a row of ``feedback`` holds."""
    return Noted(
        id=row["id"],
        request_id=row["request_id"],
        at=datetime.fromisoformat(row["at"]),
        caller=row["caller"],
        kind=row["kind"],
        account_id=row["account_id"],
        record=json.loads(row["record"]),
    )


def instant(at: datetime) -> str:
    """Return an instant as the store writes it: in UTC, as text that sorts by time."""
    return at.astimezone(UTC).isoformat()
