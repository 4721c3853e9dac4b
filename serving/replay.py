"""Make an answer again from what the audit store says that it was made from.

A replay goes through the same code as the service. It either reproduces the answer to the bit,
told by the digest of its body, or says what is gone or has changed since.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import ValidationError

from features.ledger.manifest import LedgerError
from features.ledger.read import open_ledger
from models.home import Home
from serving.answering import REQUESTS, Ground, answer, encode
from serving.audit import Audit
from serving.audit_rows import digest_of
from serving.errors import ApiError
from serving.feedback_notes import feedback_of
from serving.policy_text import KnownPolicy, parse_policy
from serving.record import software
from serving.settings import Settings
from serving.store import ServedPair, SnapshotError, load_snapshot

Verdict = Literal["reproduced", "differs", "gone"]


class UnknownRequestError(LookupError):
    """No answer has that request id; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What became of making an answer again.

    Parameters
    ----------
    request_id, caller, route, at : str
        Which answer.
    verdict : {"reproduced", "differs", "gone"}
        ``reproduced``: the same bytes. ``gone``: something it was made from is not there any
        more. ``differs``: all of it is there, yet the bytes are others.
    reasons : tuple of str
        What is gone or has changed, a sentence each; empty when reproduced.
    body : bytes or None
        The answer as it is made now; None when it cannot be made.
    """

    request_id: str
    caller: str
    route: str
    at: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    body: bytes | None = None


class _GoneError(Exception):
    """Something that an answer was made from is not there any more."""


def replay(audit: Audit, home: Home, request_id: str) -> list[Replay]:
    """Make every answer called ``request_id`` again; a caller may have used an id twice.

    Raises
    ------
    UnknownRequestError
        When the store has no row of it.
    """
    rows = audit.rows_of_request(request_id)
    if not rows:
        raise UnknownRequestError(
            f"No answer is called {request_id!r}. The id is in the answer, in its header "
            "X-Request-ID and in the log; rows beyond the retention are gone."
        )
    return [_replay(audit, home, row) for row in rows]


def _replay(audit: Audit, home: Home, row: sa.RowMapping) -> Replay:
    facts = {name: row[name] for name in ("request_id", "caller", "route", "at")}
    try:
        body = _made_again(audit, home, row)
    except _GoneError as gone:
        return Replay(**facts, verdict="gone", reasons=(str(gone),))
    except (ApiError, ValidationError) as error:
        told = error.message if isinstance(error, ApiError) else "The request is refused today."
        return Replay(**facts, verdict="gone", reasons=(told, *_changed(home, row)))
    if digest_of(body) == row["response_sha256"]:
        return Replay(**facts, verdict="reproduced", body=body)
    return Replay(**facts, verdict="differs", reasons=_changed(home, row), body=body)


def _made_again(audit: Audit, home: Home, row: sa.RowMapping) -> bytes:
    if row["erased_at"] is not None:
        raise _GoneError(f"What was asked was erased on {row['erased_at'][:10]}.")
    if row["route"] not in REQUESTS:
        raise _GoneError("It was a page for people; pages are not made again.")
    if row["request"] is None:
        raise _GoneError("The release that answered did not keep what was asked.")
    asked: dict[str, Any] = json.loads(row["request"])
    if row["rows_digest"] is not None:
        asked["ledger"] = json.loads(_kept(audit, row["rows_digest"], "The ledger rows sent"))
    policy = _kept(audit, row["policy_digest"], "The policy")
    seen = int(row["feedback_seen"])
    ground = Ground(
        pair=_pair(home, row["served"]),
        policy=KnownPolicy(policy=parse_policy(policy), text=policy),
        settings=_without_limits(home),
        feedback=tuple(feedback_of(note) for note in audit.feedback(through=seen)),
        feedback_seen=seen,
        on=datetime.fromisoformat(row["at"]).date(),
    )
    request = REQUESTS[row["route"]].model_validate_json(json.dumps(asked))
    return encode(row["request_id"], answer(request, ground).body)


def _kept(audit: Audit, digest: str, what: str) -> str:
    text = audit.kept_text(digest)
    if text is None:
        raise _GoneError(f"{what} (digest {digest[:12]}) was deleted by retention or erasure.")
    return text


def _pair(home: Home, name: str) -> ServedPair:
    folder = home.snapshots / name
    if not folder.is_dir():
        raise _GoneError(f"The snapshot {name} and its model were deleted by retention.")
    try:
        return load_snapshot(folder)
    except SnapshotError as error:
        raise _GoneError(str(error)) from error


def _without_limits(home: Home) -> Settings:
    """Return settings under which whatever was answered is answered: limits change."""
    most = 2**63
    return Settings(home=home, max_accounts=most, max_rows=most)


def _changed(home: Home, row: sa.RowMapping) -> tuple[str, ...]:
    """Return what is known to be other than it was."""
    changed = []
    if row["software"] != software():
        changed.append(f"Release {row['software']} answered, this is {software()}.")
    if row["route"] == "/v1/explain":
        changed += _changed_ledger(home, row["served"])
    erased = home.snapshots / row["served"] / "erased.json"
    if erased.is_file():
        changed.append(f"Accounts were erased from the snapshot {row['served']} since.")
    return tuple(changed) or ("Nothing that is recorded has changed; feedback may be erased.",)


def _changed_ledger(home: Home, name: str) -> list[str]:
    manifest = load_snapshot(home.snapshots / name).manifest
    try:
        same = open_ledger(Path(manifest.ledger)).digest == manifest.ledger_digest
    except LedgerError:
        return [f"The ledger {manifest.ledger} cannot be read any more."]
    return [] if same else [f"The ledger {manifest.ledger} has changed since."]
