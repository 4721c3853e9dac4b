"""What goes out: security headers, one error shape, the API description made whole.

Whatever answers with an error in another shape, BentoML included, is put into the one shape.
"""

import json
import math
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from serving.errors import CODES, ApiError, Detail, error_body, is_error_body
from serving.openapi import complete_spec

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

DOCS = "/docs.json"
SHOWN = 100
"""Places of a malformed request, and characters of a value, that a refusal tells."""

_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    # BentoML's own index page would load a tracker from elsewhere.
    (
        b"content-security-policy",
        (
            b"default-src 'self'; script-src 'self' 'unsafe-inline'; "
            b"style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
            b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
    ),
]
_MESSAGES: dict[int, str] = {
    400: "The request is malformed.",
    404: "There is no such route. The API is described in /docs.json.",
    405: "The route does not answer this method. The API is described in /docs.json.",
    415: "The body must be JSON: send Content-Type: application/json.",
    500: "Something failed here. The request id names the entry in the server's log.",
    503: "The service is not ready yet. Try again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """JSON that leaves: a status, a body, and headers of its own."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class Reply:
    """``send`` with the gate's headers, errors in the one shape and the API description whole.

    Parameters
    ----------
    send : callable
        The server's.
    path : str
        What was asked.
    request_id : str
        Goes into the header ``X-Request-ID``.
    """

    def __init__(self, send: Send, path: str, request_id: str) -> None:
        self._send = send
        self._path = path
        self._request_id = request_id
        self._held: Message | None = None
        self._chunks: list[bytes] = []
        self._closed = False
        self.request_body = b""
        self.status = 0

    def close(self) -> None:
        """Take no more messages: somebody else has answered."""
        self._closed = True

    async def __call__(self, message: Message) -> None:
        """Pass a message on; errors and the API description wait until they are whole."""
        if self._closed:
            return
        if message["type"] == "http.response.start":
            if self._rewrites(message):
                self._held = message
                return
            self.status = message["status"]
            await self._send({**message, "headers": self._headers(message["headers"])})
        elif message["type"] == "http.response.body" and self._held is not None:
            self._chunks.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                await self._finish(self._held, b"".join(self._chunks))
        else:
            await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        """Answer with an error of the gate itself."""
        self._held = None
        extra = [(b"www-authenticate", b"Bearer")] if error.status == 401 else []
        if error.retry_after is not None:
            extra.append((b"retry-after", str(math.ceil(error.retry_after)).encode()))
        start = {"type": "http.response.start", "status": error.status, "headers": extra}
        body = error_body(error.code, error.message, error.details)
        await self._whole(start, body)

    async def answer(self, sent: Sent) -> None:
        """Send an answer that was made without the framework."""
        headers = [(name.lower().encode(), value.encode()) for name, value in sent.headers]
        start = {"type": "http.response.start", "status": sent.status, "headers": headers}
        await self._whole(start, sent.body)

    def _rewrites(self, message: Message) -> bool:
        kind = dict(message["headers"]).get(b"content-type", b"")
        return (message["status"] >= 400 and not kind.startswith(b"text/html")) or (
            self._path == DOCS and message["status"] == 200
        )

    async def _finish(self, start: Message, body: bytes) -> None:
        if start["status"] == 200:
            body = json.dumps(complete_spec(json.loads(body))).encode()
        elif not is_error_body(body):
            body = self._reshaped(start["status"], body)
        await self._whole(start, body)

    async def _whole(self, start: Message, body: bytes) -> None:
        self.status = start["status"]
        kept = [
            (name, value)
            for name, value in start["headers"]
            if name.lower() not in (b"content-length", b"content-type")
        ]
        headers = [
            *kept,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self._send({**start, "headers": self._headers(headers)})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _headers(self, headers: Headers) -> Headers:
        kept = [(name, value) for name, value in headers if name.lower() != b"server"]
        given = {name.lower() for name, _ in kept}
        ours = [*_HEADERS, (b"x-request-id", self._request_id.encode())]
        return [*kept, *((name, value) for name, value in ours if name not in given)]

    def _reshaped(self, status: int, body: bytes) -> bytes:
        code = CODES.get(status, "malformed" if status < 500 else "internal")
        message = _MESSAGES.get(status, "The request could not be answered.")
        if status != 400:
            return error_body(code, message)
        details = invalid_places(body, self.request_body)
        return error_body(code, "The request is malformed; nothing was done.", details)


def invalid_places(body: bytes, request_body: bytes) -> list[Detail]:
    """Return what BentoML's validation found wrong with a request, at most ``SHOWN`` places.

    Parameters
    ----------
    body : bytes
        BentoML's answer: ``detail`` is pydantic's list of errors, without what was sent.
    request_body : bytes
        The request, from which short values are shown.

    Examples
    --------
    >>> answer = b'{"detail": [{"type": "int_type", "loc": ["capacity"], "msg": "Not an int"}]}'
    >>> invalid_places(answer, b'{"capacity": "all"}')
    [Detail(where='capacity', rule='Not an int', value='all')]
    """
    content = _parsed(body)
    found = content.get("detail", []) if isinstance(content, dict) else []
    sent = _parsed(request_body)
    details = []
    for error in found[:SHOWN]:
        where = ".".join(str(part) for part in error["loc"]) or "body"
        unknown = error["type"] == "extra_forbidden"
        rule = "no other keys than those in /docs.json" if unknown else error["msg"]
        shown = None if unknown else _sent(sent, error["loc"])
        details.append(Detail(where=where, rule=rule, value=shown))
    return details


def _parsed(body: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """Return a JSON value, None where it is none or is nested too deeply to be looked at."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _sent(value: Any, place: list[str | int]) -> str | None:  # noqa: ANN401 (any JSON value)
    """Return the scalar that was sent at ``place``, None when there is none."""
    try:
        for part in place:
            value = value[part]
    except (LookupError, TypeError):
        return None
    return None if value is None or isinstance(value, dict | list) else str(value)[:SHOWN]
