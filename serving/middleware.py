"""The gate in front of every route: request id, key, role, body limit.

Pure ASGI, so that a refusal costs no parsing. The routes under ``/v1/`` need a key whose role
``ROUTE_ROLES`` lets in; ``/metrics`` needs one beyond loopback; all others (probes, the API
description, pages with a login of their own) are open here. What goes out passes through
``serving.reply``.
"""

import ipaddress
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from serving.auth import ROUTE_ROLES, KeyRing
from serving.errors import ApiError, Detail
from serving.reply import Message, Reply, Send
from serving.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/v1/"
ANONYMOUS = ""
DRAIN = 4
"""Up to this many times the body limit is read and dropped, so that a client that is still
sending gets to see the refusal."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


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

    async def _body(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
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
            "The body must be JSON: send Content-Type: application/json.",
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
