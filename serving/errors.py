"""What the service answers when it cannot answer: one shape for every error.

``ApiError`` is raised where the reason is known; the service and the middleware turn it into
``{"error": {"code", "message", "details": [{"where", "rule", "value"}]}}``. Text that came
from a caller is redacted when the error is made, so that no card number or IBAN is echoed.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from features.ledger.sensitive import redact

VALUE_LENGTH = 80
"""Longer values are cut in details: an error is no echo of the request."""

CODES: dict[int, str] = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "unknown_route",
    405: "method_not_allowed",
    408: "slow_body",
    409: "conflict",
    413: "too_large",
    415: "malformed",
    422: "ledger_contract",
    429: "busy",
    500: "internal",
    503: "not_ready",
    504: "timeout",
}
"""Code of an error that says nothing more precise, by status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One thing that is wrong.

    Parameters
    ----------
    where : str
        Path into the request, positions from 0: ``ledger.invoices.0.amount``.
    rule : str
        What must hold.
    value : str or None
        What was found; card numbers and IBANs are replaced, long values cut.

    Examples
    --------
    >>> Detail(where="account_ids.0", rule="known account", value="4111 1111 1111 1111").value
    '[redacted: card number]'
    """

    where: str
    rule: str
    value: str | None = None

    def __post_init__(self) -> None:
        """Redact what came from the caller."""
        object.__setattr__(self, "where", redact(self.where)[:VALUE_LENGTH])
        if self.value is not None:
            shown = redact(self.value)
            cut = shown if len(shown) <= VALUE_LENGTH else shown[: VALUE_LENGTH - 1] + "…"
            object.__setattr__(self, "value", cut)


class ApiError(Exception):
    """A request that is answered with an error.

    Parameters
    ----------
    status : int
        HTTP status.
    code : str
        Slug for programs.
    message : str
        A sentence for people, with the next step.
    details : tuple of Detail
        Everything that is wrong, at once.
    retry_after : float or None
        Seconds after which the same request may succeed; sent as the header Retry-After.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: tuple[Detail, ...] = (),
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry_after = retry_after


def error_body(code: str, message: str, details: Iterable[Detail] = ()) -> bytes:
    """Return the JSON of an error.

    Examples
    --------
    >>> error_body("malformed", "The body is no JSON.")
    b'{"error": {"code": "malformed", "message": "The body is no JSON.", "details": []}}'
    """
    shown: list[dict[str, Any]] = [
        {"where": detail.where, "rule": detail.rule, "value": detail.value} for detail in details
    ]
    content = {"error": {"code": code, "message": message, "details": shown}}
    return json.dumps(content, ensure_ascii=False).encode()


def is_error_body(body: bytes) -> bool:
    """Tell whether ``body`` has the one error shape already.

    Examples
    --------
    >>> is_error_body(error_body("internal", "Sorry.")), is_error_body(b'{"error": "no"}')
    (True, False)
    """
    try:
        content = json.loads(body)
    except ValueError:
        return False
    if not isinstance(content, dict) or set(content) != {"error"}:
        return False
    error = content["error"]
    return isinstance(error, dict) and set(error) == {"code", "message", "details"}
