"""The gate in front of every route: request id, caller, role, rate, body, time.

Pure ASGI, so that a refusal costs no parsing. The routes under ``/v1/`` need a key or token
whose role ``ROUTE_ROLES`` lets in; ``/metrics`` needs one beyond loopback; all others (probes,
the API description, pages with a login of their own) are open here. What goes out passes
through ``serving.reply``.
"""

import asyncio
import ipaddress
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace

from serving.auth import PREFIX, ROUTE_ROLES, KeyRing, Role
from serving.auth_oidc import TokenVerifier
from serving.body import Receive, check_json, read_body, replay
from serving.budget import Budget
from serving.errors import ApiError, Detail
from serving.logs import log_request
from serving.rates import Rates
from serving.reply import Reply, Send, Sent
from serving.request_facts import REQUEST, RequestFacts
from serving.settings import Settings

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Mapping[bytes, bytes]

logger = logging.getLogger("rollrisk.gate")

API = "/v1/"
FAILED = "Something failed here. The request id names the entry in the server's log."
ANONYMOUS = ""
TRACED_ID = "rollrisk.request_id"
"""Attribute of a request's span; a span holds neither caller nor body."""
ROUTE_BYTES = {"/v1/worklist": 65_536, "/v1/explain": 65_536, "/v1/outcomes": 1_000_000}
"""Bytes of a body on routes that take no ledger rows; the setting's limit holds as well."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, as what, and how often it may."""

    name: str = ANONYMOUS
    role: Role | None = None
    per_minute: int | None = None


@dataclass(slots=True)
class Shortcut:
    """What answers a request before BentoML's router sees it, where it can.

    BentoML's way from the gate to a route and back costs more than the answer to a request for
    one account. The route itself stays: it describes the API, refuses what is malformed and
    takes what the shortcut leaves.

    Parameters
    ----------
    path : str
        Route that it answers.
    give : callable or None
        Gives the answer, or None where the router is to be asked. The service sets it when it
        starts.
    """

    path: str
    give: Callable[[RequestFacts], Awaitable[Sent | None]] | None = None


class Gate:
    """ASGI middleware that lets requests in.

    Parameters
    ----------
    app : ASGI application
        What is behind the gate.
    settings_from : callable
        Gives the settings; called once, when the server builds its middleware.
    shortcut : Shortcut or None
        Answers what it can in the router's place.
    """

    def __init__(
        self,
        app: App,
        *,
        settings_from: Callable[[], Settings],
        shortcut: Shortcut | None = None,
    ) -> None:
        settings = settings_from()
        self._app = app
        self._settings = settings
        self._shortcut = shortcut
        self._keys = KeyRing(settings.home.keys)
        self._tokens = None if settings.issuer is None else TokenVerifier(settings.issuer)
        self._rates = Rates(settings.requests_per_minute)
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = {name: value for name, value in reversed(scope["headers"])}  # noqa: C416 (the first of equal names counts)
        request_id = _request_id(headers)
        reply = Reply(send, scope["path"], request_id)
        trace.get_current_span().set_attribute(TRACED_ID, request_id)
        caller = Caller()
        try:
            caller = await self._caller(scope, headers)
            self._check_rate(caller)
            _check_media_type(scope, headers)
            key = _idempotency_key(headers)
            body = await self._body(scope, headers, receive)
            reply.request_body = body
            facts = RequestFacts(
                request_id=request_id,
                caller=caller.name,
                role=caller.role,
                idempotency_key=key,
                body=body,
                budget=Budget(self._settings.time_budget_seconds),
            )
            sent = await self._at_once(scope, facts)
            if sent is None:
                await self._answer(scope, replay(body, receive), reply, facts)
            else:
                await reply.answer(sent)
        except ApiError as error:
            await reply.refuse(error)
        except Exception:
            logger.exception("Answering failed.", extra={"request_id": request_id})
            if reply.status:
                raise
            await reply.refuse(ApiError(500, "internal", FAILED))
        finally:
            log_request(
                request_id=request_id,
                caller=caller.name,
                method=scope["method"],
                path=scope["path"],
                status=reply.status,
                seconds=time.perf_counter() - started,
            )

    async def _at_once(self, scope: Scope, facts: RequestFacts) -> Sent | None:
        """Return the shortcut's answer, None where the router is to be asked."""
        shortcut = self._shortcut
        if shortcut is None or shortcut.give is None:
            return None
        if (scope["method"], scope["path"]) != ("POST", shortcut.path):
            return None
        return await shortcut.give(facts)

    async def _answer(
        self, scope: Scope, receive: Receive, reply: Reply, facts: RequestFacts
    ) -> None:
        """Let the request through; one that takes too long is left to end without a listener."""
        REQUEST.set(facts)
        if not scope["path"].startswith(API):
            await self._app(scope, receive, reply)
            return
        answering = asyncio.ensure_future(self._app(scope, receive, reply))
        try:
            done, _ = await asyncio.wait({answering}, timeout=facts.budget.left)
        except asyncio.CancelledError:
            answering.cancel()
            raise
        if done or reply.status or not facts.budget.claim():
            await answering
            return
        reply.close()
        self._late.add(answering)
        answering.add_done_callback(self._end_late)
        raise facts.budget.error()

    def _end_late(self, answering: "asyncio.Future[None]") -> None:
        self._late.discard(answering)
        if not answering.cancelled():
            answering.exception()  # seen: what became of it interests nobody any more

    async def _caller(self, scope: Scope, headers: Headers) -> Caller:
        """Return who asks, or raise 401 or 403."""
        path = scope["path"]
        needed = path.startswith(API) or (path == "/metrics" and not _from_loopback(scope))
        if not needed:
            return Caller()
        caller = await self._identified(_presented_key(headers))
        roles = ROUTE_ROLES.get(path)
        if roles is not None and caller.role not in roles:
            raise ApiError(
                403,
                "forbidden",
                f"The role {caller.role} does not open {path}. Roles that do: "
                f"{', '.join(sorted(roles))}.",
            )
        return caller

    async def _identified(self, presented: str) -> Caller:
        is_token = presented.count(".") == 2 and not presented.startswith(PREFIX)
        if self._tokens is not None and is_token:
            name, role = await asyncio.to_thread(self._tokens.verify, presented)
            return Caller(name=name, role=role)
        stored = self._keys.find(presented) if presented else None
        if stored is None:
            raise ApiError(
                401,
                "unauthenticated",
                "A key is needed. Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`; "
                "`rollrisk keys create NAME --role ROLE` makes one.",
            )
        return Caller(name=stored.name, role=stored.role, per_minute=stored.per_minute)

    def _check_rate(self, caller: Caller) -> None:
        if caller.role is None:
            return
        seconds = self._rates.take(caller.name, caller.per_minute)
        if seconds > 0:
            limit = caller.per_minute or self._settings.requests_per_minute
            raise ApiError(
                429,
                "busy",
                f"{caller.name} may ask {limit} times a minute. Wait {seconds:.0f} s, or ask for "
                "more accounts at once.",
                (Detail(where="request", rule=f"at most {limit} a minute"),),
                retry_after=seconds,
            )

    async def _body(self, scope: Scope, headers: Headers, receive: Receive) -> bytes:
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return b""
        most = self._settings.max_body_bytes
        body = await read_body(
            receive,
            declared=headers.get(b"content-length", b"").decode("latin-1"),
            limit=min(most, ROUTE_BYTES.get(scope["path"], most)),
            seconds=self._settings.body_seconds,
        )
        if scope["path"].startswith(API):
            await check_json(body)
        return body


def _request_id(headers: Headers) -> str:
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _idempotency_key(headers: Headers) -> str:
    given = headers.get(b"idempotency-key")
    if given is None:
        return ""
    key = given.decode("latin-1")
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        rule = "1 to 200 printable ASCII characters without spaces"
        raise ApiError(
            400,
            "malformed",
            f"Idempotency-Key must be {rule}; a UUID is fine.",
            (Detail(where="header Idempotency-Key", rule=rule, value=key),),
        )
    return key


def _presented_key(headers: Headers) -> str:
    scheme, _, rest = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()


def _check_media_type(scope: Scope, headers: Headers) -> None:
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
