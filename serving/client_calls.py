"""What the sync and the async client share: calls, answers, errors, and when to ask again.

The errors::

    RollriskError
    ├── UnreachableError      no answer, however often it was asked for
    └── RefusedError          the service said no: status, code, message, details
        ├── NotAllowedError   401, 403
        ├── NotFoundError     404
        ├── TooOftenError     429; retry_after says when
        └── NotReadyError     503, however often it was asked for
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from serving.schemas import ErrorDetail, ErrorResponse, ScoreRequest, ScoreResponse

T = TypeVar("T", bound=BaseModel)

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class RollriskError(Exception):
    """A call without an answer."""


class UnreachableError(RollriskError):
    """The service could not be reached, or the connection ended before its answer."""


class RefusedError(RollriskError):
    """The service said no.

    Parameters
    ----------
    status : int
        HTTP status.
    code, message : str
        For programs and for people.
    details : list of ErrorDetail
        What is wrong, place by place.
    request_id : str
        Names the refusal in the service's log.
    retry_after : float or None
        Seconds after which it may go on.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        message: str,
        details: list[ErrorDetail],
        request_id: str,
        retry_after: float | None,
    ) -> None:
        super().__init__(f"{status} {code}: {message} (request {request_id or 'unknown'})")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.request_id = request_id
        self.retry_after = retry_after


class NotAllowedError(RefusedError):
    """No key, one that is not known, or one whose role does not open the route."""


class NotFoundError(RefusedError):
    """An account, an invoice or a day that is not at hand."""


class TooOftenError(RefusedError):
    """The caller asks more often than it may."""


class NotReadyError(RefusedError):
    """No model or snapshot yet, or the service has too much to do."""


_KINDS: dict[int, type[RefusedError]] = {
    401: NotAllowedError,
    403: NotAllowedError,
    404: NotFoundError,
    429: TooOftenError,
    503: NotReadyError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and when a call is made again.

    Parameters
    ----------
    times : int
        Calls after the first.
    first_wait, longest_wait : float
        Seconds; the wait doubles each time. A part of it is random, so that callers that
        failed together do not come back together.

    Examples
    --------
    >>> [round(Retries().wait(n, part=1.0), 1) for n in range(5)]
    [0.2, 0.4, 0.8, 1.6, 3.2]
    """

    times: int = 4
    first_wait: float = 0.2
    longest_wait: float = 5.0

    def wait(self, failed: int, *, part: float) -> float:
        """Return the seconds before the next call, after ``failed`` + 1 that failed."""
        longest = min(self.longest_wait, self.first_wait * 2.0**failed)
        return longest * (0.5 + part / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One call: where it goes, what it says, what comes back."""

    route: str
    request: BaseModel
    response: type[T]
    idempotency_key: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers of this call alone."""
        return {"Content-Type": "application/json", "Idempotency-Key": self.idempotency_key}

    @property
    def content(self) -> bytes:
        """The body that is sent."""
        return self.request.model_dump_json(exclude_none=True).encode()

    def read(self, response: httpx.Response) -> T:
        """Return the answer; RefusedError when the service said no."""
        if response.status_code == httpx.codes.OK:
            return self.response.model_validate_json(response.content)
        raise _refusal(response)


def _refusal(response: httpx.Response) -> RefusedError:
    try:
        error = ErrorResponse.model_validate_json(response.content).error
        code, message, details = error.code, error.message, error.details
    except ValidationError:  # something between here and there answered
        code, message, details = "unknown", response.reason_phrase, []
    after = response.headers.get("Retry-After", "")
    return _KINDS.get(response.status_code, RefusedError)(
        status=response.status_code,
        code=code,
        message=message,
        details=details,
        request_id=response.headers.get("X-Request-ID", ""),
        retry_after=float(after) if after.isdigit() else None,
    )


def score_call(
    account_ids: Sequence[str], as_of: dt.date | None, top_reasons: int, ledger: Rows | None
) -> Call[ScoreResponse]:
    """Return the call for scores."""
    rows = None if ledger is None else {name: [dict(r) for r in t] for name, t in ledger.items()}
    request = ScoreRequest(
        account_ids=list(account_ids), as_of=as_of, top_reasons=top_reasons, ledger=rows
    )
    return call("/v1/score", request, ScoreResponse)


def call(route: str, request: BaseModel, response: type[T]) -> Call[T]:
    """Return a call under a new idempotency key."""
    key = str(uuid.uuid4())
    return Call(route=route, request=request, response=response, idempotency_key=key)


def reached(error: httpx.TransportError, url: httpx.URL) -> UnreachableError:
    """Return the error of a call that found nobody."""
    return UnreachableError(f"{url} could not be reached: {type(error).__name__} {error}".strip())
