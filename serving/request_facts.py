"""What the gate knows about a request, for everything behind it."""

from contextvars import ContextVar
from dataclasses import dataclass

from serving.auth import Role
from serving.budget import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What the gate knows about the request being answered.

    Parameters
    ----------
    request_id, caller : str
        Its id and who asks.
    role : str or None
        As what; None on open routes.
    idempotency_key : str
        Empty when none was sent.
    body : bytes
        The whole body.
    budget : Budget
        The time that the answer may take.
    """

    request_id: str
    caller: str
    role: Role | None
    idempotency_key: str
    body: bytes
    budget: Budget


REQUEST: ContextVar[RequestFacts] = ContextVar("rollrisk_request")
"""The request being answered; set by the gate for everything behind it."""
