"""The console's door: this host, a signed-in manager, a form's own token, and answers on record."""

import json
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from serving.console.desk import Desk, facts
from serving.console.guard import is_own_host, sealed
from serving.console.render import as_json, render
from serving.console.served import Served
from serving.console.sessions import COOKIE, Session, form_token, is_open, read_cookie, token_fits
from serving.errors import ApiError, error_body

Handler = Callable[[Request], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a page, and what of."""

    desk: Desk
    session: Session
    served: Served


class RefusedError(Exception):
    """A page that cannot be given: a status, and words for people."""

    def __init__(self, status: int, title: str, words: str) -> None:
        super().__init__(words)
        self.status, self.title, self.words = status, title, words


def page(make: Callable[[Request, Reader], Response]) -> Handler:
    """Return a handler that lets signed-in managers of this host read a page."""

    def answer(request: Request) -> Response:
        reader = None
        try:
            reader = _reader(request)
            return sealed(make(request, reader))
        except RefusedError as refusal:
            return refused(request, refusal, reader)
        except ApiError as error:
            return refused(request, RefusedError(error.status, "Not ready", error.message))

    return answer


def form_page(
    write: Callable[[Request, Reader, FormData], Response],
) -> Callable[[Request], Any]:
    """Return a handler of a form: signed in, this host, and the form's own token."""

    async def answer(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=20)
        signed_in: list[Reader] = []

        def written() -> Response:
            reader = _reader(request)
            signed_in.append(reader)
            token = form.get("token")
            if not isinstance(token, str) or not token_fits(
                token, reader.session, reader.desk.secret
            ):
                raise RefusedError(
                    403, "The form is too old", "Load the page again and send it once more."
                )
            return write(request, reader, form)

        try:
            return sealed(await run_in_threadpool(written))
        except RefusedError as refusal:
            return refused(request, refusal, signed_in[0] if signed_in else None)
        except ApiError as error:
            return refused(request, RefusedError(error.status, "Not ready", error.message))

    return answer


def open_page(make: Handler) -> Handler:
    """Return a handler that anybody may call under this host's name."""

    def answer(request: Request) -> Response:
        try:
            check_host(request)
            return sealed(make(request))
        except RefusedError as refusal:
            return refused(request, refusal)

    return answer


def desk_of(request: Request) -> Desk:
    """Return what the pages of this process are made from."""
    desk: Desk = request.app.state.desk
    return desk


def check_host(request: Request) -> None:
    """Refuse a request that came under somebody else's name."""
    allowed = getattr(desk_of(request).settings, "console_hosts", ())
    if not is_own_host(request.headers.get("host", ""), allowed):
        raise RefusedError(
            421,
            "Unknown host",
            "The console answers to its address and to localhost only.",
        )


def _session(request: Request) -> Session | None:
    desk = desk_of(request)
    cookie = request.cookies.get(COOKIE, "")
    now = datetime.now(UTC)
    session = read_cookie(cookie, desk.secret, now) if cookie else None
    return session if session is not None and is_open(session, desk.home.keys, now) else None


def _reader(request: Request) -> Reader:
    check_host(request)
    session = _session(request)
    if session is None:
        raise RefusedError(401, "Sign in", "The session is over, or nobody has signed in.")
    desk = desk_of(request)
    return Reader(desk=desk, session=session, served=desk.served())


def refused(request: Request, refusal: RefusedError, reader: Reader | None = None) -> Response:
    """Return a refusal as a page, as JSON, or as the way to the sign-in.

    Who is signed in keeps the menu.
    """
    if wants_json(request):
        codes = {401: "unauthenticated", 403: "forbidden", 404: "unknown_account"}
        body = error_body(codes.get(refusal.status, "not_ready"), refusal.words)
        return sealed(Response(body, refusal.status, media_type="application/json"))
    if refusal.status == 401 and request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        wanted = urllib.parse.quote(request.url.path + query, safe="")
        return sealed(RedirectResponse(f"/login?next={wanted}", 303))
    context = {"reader": None} if reader is None else _context(request, reader, "refusal")
    page = render("refusal", title=refusal.title, words=refusal.words, **context)
    return sealed(HTMLResponse(page, refusal.status))


def _context(request: Request, reader: Reader, page: str, currency: str = "") -> dict[str, Any]:
    """Return what every page of a signed-in reader shows around its view."""
    return {
        "manifest": reader.served.pair.manifest,
        "page": page,
        "path": request.url.path,
        "reader": reader.session.name,
        "token": form_token(reader.session, reader.desk.secret),
        "currencies": reader.served.currencies,
        "currency": currency,
    }


def wants_json(request: Request) -> bool:
    """Tell whether a view is asked for as JSON."""
    return request.query_params.get("format") == "json"


def answer_view(
    request: Request,
    reader: Reader,
    template: str,
    view: Any,  # noqa: ANN401 (a view)
    accounts: tuple[str, ...] = (),
) -> Response:
    """Return a view as a page or as JSON, after it was recorded."""
    manifest = reader.served.pair.manifest
    if wants_json(request):
        content = {
            "request_id": facts().request_id,
            "model_version": manifest.model_version,
            "as_of": manifest.as_of,
            "ledger_digest": manifest.ledger_digest,
            "feature_digest": manifest.feature_digest,
            "view": view,
        }
        body = json.dumps(as_json(content), ensure_ascii=False, allow_nan=False).encode()
        response = Response(body, media_type="application/json")
    else:
        current = getattr(view, "page", template)
        around = _context(request, reader, current, getattr(view, "currency", ""))
        page = render(template, view=view, **around)
        body = page.encode()
        response = HTMLResponse(body)
    reader.desk.record(reader.served, reader.session.name, request.url.path, body, accounts)
    return response
