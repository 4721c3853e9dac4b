"""The gate in front of every route: request id, key, role, body limit, headers, error shape.

Pure ASGI, so that a refusal costs no parsing. The routes under ``/v1/`` need a key whose role
``ROUTE_ROLES`` lets in; ``/metrics`` needs one beyond loopback; all others (probes, the API
description, pages with a login of their own) are open here. Whatever answers with an error in
another shape, BentoML included, is put into the one error shape.
"""

import ipaddress
import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from serving.auth import ROUTE_ROLES, KeyRing
from serving.errors import CODES, ApiError, Detail, error_body, is_error_body
from serving.openapi import complete_spec
from serving.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

API = "/v1/"
DOCS = "/docs.json"
ANONYMOUS = ""
DRAIN = 4
"""Up to this many times the body limit is read and dropped, so that a client that is still
sending gets to see the refusal."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
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
class RequestFacts:
    """What the gate knows about the request being answered: its id and who asks."""

    request_id: str
    caller: str


REQUEST: ContextVar[RequestFacts] = ContextVar("rollrisk_request")
"""The request being answered; set by the gate for everything behind it."""


class Gate:
    """ASGI middleware that lets requests in.

    Parameters
    ----------
    app : ASGI application
        What is behind the gate.
    settings_from : callable
        Gives the settings; called once, when the server builds its middleware.
    """

    def __init__(self, app: App, *, settings_from: Callable[[], Settings]) -> None:
        settings = settings_from()
        self._app = app
        self._keys = KeyRing(settings.home.keys)
        self._max_body_bytes = settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value for name, value in reversed(scope["headers"])}  # noqa: C416 (the first of equal names counts)
        request_id = _request_id(headers)
        reply = Reply(send, scope["path"], request_id)
        try:
            caller = self._caller(scope, headers)
            _check_media_type(scope, headers)
            body = await self._body(scope, headers, receive)
        except ApiError as error:
            await reply.refuse(error)
            return
        reply.request_body = body
        REQUEST.set(RequestFacts(request_id=request_id, caller=caller))
        await self._app(scope, replay(body, receive), reply)

    def _caller(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Return the name of the key, or raise 401 or 403."""
        path = scope["path"]
        needed = path.startswith(API) or (path == "/metrics" and not _from_loopback(scope))
        if not needed:
            return ANONYMOUS
        key = _presented_key(headers)
        stored = self._keys.find(key) if key else None
        if stored is None:
            raise ApiError(
                401,
                "unauthenticated",
                "A key is needed. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`; "
                "`rollrisk keys create NAME --role ROLE` makes one.",
            )
        roles = ROUTE_ROLES.get(path)
        if roles is not None and stored.role not in roles:
            raise ApiError(
                403,
                "forbidden",
                f"A key with the role {stored.role} does not open {path}. Roles that do: "
                f"{', '.join(sorted(roles))}.",
            )
        return stored.name

    async def _body(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> bytes:
        """Return the whole body, or raise 413; what is too large is read off and dropped."""
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return b""
        limit = self._max_body_bytes
        declared = headers.get(b"content-length", b"")
        too_large = declared.isdigit() and int(declared) > limit
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            chunk = message.get("body", b"")
            size += len(chunk)
            too_large = too_large or size > limit
            if too_large:
                chunks.clear()
            else:
                chunks.append(chunk)
            if not message.get("more_body", False) or size > DRAIN * limit:
                break
        if too_large:
            found = declared.decode() if declared.isdigit() else f"more than {limit}"
            raise ApiError(
                413,
                "too_large",
                f"The body is larger than {limit} bytes. Split the request.",
                (Detail(where="body", rule=f"at most {limit} bytes", value=found),),
            )
        return b"".join(chunks)


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _presented_key(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, rest = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()


def _check_media_type(scope: Scope, headers: Mapping[bytes, bytes]) -> None:
    if not scope["path"].startswith(API) or scope["method"] != "POST":
        return
    given = headers.get(b"content-type", b"application/json").decode("latin-1")
    if given.split(";")[0].strip().lower() != "application/json":
        raise ApiError(
            400,
            "malformed",
            _MESSAGES[415],
            (Detail(where="header Content-Type", rule="application/json", value=given),),
        )


def _from_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    if client is None:
        return True  # a local socket without an address
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives ``body`` at once, then what the server still has."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


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
        self.request_body = b""

    async def __call__(self, message: Message) -> None:
        """Pass a message on; errors and the API description wait until they are whole."""
        if message["type"] == "http.response.start":
            if self._rewrites(message):
                self._held = message
                return
            await self._send({**message, "headers": self._headers(message["headers"])})
        elif message["type"] == "http.response.body" and self._held is not None:
            self._chunks.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                await self._finish(self._held, b"".join(self._chunks))
        else:
            await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        """Answer with an error of the gate itself."""
        extra = [(b"www-authenticate", b"Bearer")] if error.status == 401 else []
        start = {"type": "http.response.start", "status": error.status, "headers": extra}
        body = error_body(error.code, error.message, error.details)
        await self._whole(start, body)

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
        given = {name.lower() for name, _ in headers}
        ours = [*_HEADERS, (b"x-request-id", self._request_id.encode())]
        return [*headers, *((name, value) for name, value in ours if name not in given)]

    def _reshaped(self, status: int, body: bytes) -> bytes:
        code = CODES.get(status, "malformed" if status < 500 else "internal")
        message = _MESSAGES.get(status, "The request could not be answered.")
        if status != 400:
            return error_body(code, message)
        details = invalid_places(body, self.request_body)
        return error_body(code, "The request is malformed; nothing was done.", details)


def invalid_places(body: bytes, request_body: bytes) -> list[Detail]:
    """Return what BentoML's validation found wrong with a request.

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
    try:
        content = json.loads(body)
        found = content.get("detail", []) if isinstance(content, dict) else []
    except ValueError:
        found = []
    details = []
    for error in found:
        where = ".".join(str(part) for part in error["loc"]) or "body"
        unknown = error["type"] == "extra_forbidden"
        rule = "no other keys than those in /docs.json" if unknown else error["msg"]
        shown = None if unknown else _sent(request_body, error["loc"])
        details.append(Detail(where=where, rule=rule, value=shown))
    return details


def _sent(request_body: bytes, place: list[str | int]) -> str | None:
    """Return the scalar that was sent at ``place``, None when there is none."""
    try:
        value = json.loads(request_body)
        for part in place:
            value = value[part]
    except (ValueError, LookupError, TypeError):
        return None
    return None if value is None or isinstance(value, dict | list) else str(value)
