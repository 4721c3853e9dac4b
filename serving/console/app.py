"""The console's routes: one function a page, each a few lines around a view and a template.

Pages are mounted on the service's port. A reader signs in with a key of the role ``manager``;
every view is also JSON with ``?format=json``.
"""

import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from serving.account_what_if import ScenarioError
from serving.console import exports
from serving.console.allowance import AllowanceView, allowance_view
from serving.console.changes import QuestionError, changes_view
from serving.console.desk import facts
from serving.console.door import (
    Reader,
    RefusedError,
    answer_view,
    check_host,
    desk_of,
    form_page,
    open_page,
    page,
    refused,
    wants_json,
)
from serving.console.drift import read_drift
from serving.console.guard import is_local_path, is_secure, sealed
from serving.console.ledger import ledger_view
from serving.console.model import model_view
from serving.console.notes import Note
from serving.console.papers import account_paper, high_risk_paper, portfolio_paper
from serving.console.portfolio import PERIODS
from serving.console.render import render
from serving.console.sessions import (
    COOKIE,
    LASTS,
    ROLE,
    start_session,
    write_cookie,
)
from serving.console.worklist import Query, find_accounts, read_query, worklist_view

PATIENCE_SECONDS = 0.4
"""How long a page waits for an account's ledger rows before it is given without them."""

LONGEST = 4000
"""Characters of a note or a reason."""


def make_console() -> Starlette:
    """Return the application; its state must be given a ``desk`` before it answers."""
    folder = Path(str(resources.files("serving.console").joinpath("static")))
    routes: list[BaseRoute] = [
        Route("/", page(_portfolio)),
        Route("/worklist", page(_worklist)),
        Route("/worklist.csv", page(_worklist_csv)),
        Route("/worklist.xlsx", page(_worklist_xlsx)),
        Route("/accounts/{account_id:path}", page(_account)),
        Route("/accounts/{account_id:path}", form_page(_write_note), methods=["POST"]),
        Route("/changes/{account_id:path}", page(_changes)),
        Route("/allowance", page(_allowance)),
        Route("/allowance", form_page(_write_overlay), methods=["POST"]),
        Route("/allowance.csv", page(_allowance_csv)),
        Route("/allowance.xlsx", page(_allowance_xlsx)),
        Route("/model", page(_model)),
        Route("/ledger", page(_ledger)),
        Route("/reports/portfolio", page(_portfolio_report)),
        Route("/reports/high-risk", page(_high_risk_report)),
        Route("/reports/account/{account_id:path}", page(_account_report)),
        Route("/login", open_page(_login_page)),
        Route("/login", _login, methods=["POST"]),
        Route("/logout", form_page(_logout), methods=["POST"]),
        Mount("/console", StaticFiles(directory=folder)),
    ]
    return Starlette(routes=routes)


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingOpenView:
    """What stands in place of a page when no item is open."""

    page: str
    title: str
    currencies: tuple[str, ...] = ()


def _currency(request: Request, reader: Reader) -> str:
    """Return the currency asked for, the largest when there is none; empty when nothing is open."""
    return reader.served.currency(request.query_params.get("currency"))


def _nothing_open(request: Request, reader: Reader, page: str, title: str) -> Response:
    return answer_view(request, reader, "nothing", NothingOpenView(page=page, title=title))


def _portfolio(request: Request, reader: Reader) -> Response:
    currency = _currency(request, reader)
    if not currency:
        return _nothing_open(request, reader, "portfolio", "Portfolio")
    asked = request.query_params.get("steps", "")
    steps = int(asked) if asked in {str(period) for period in PERIODS} else PERIODS[-1]
    view = reader.desk.portfolio(reader.served, currency, steps)
    return answer_view(request, reader, "portfolio", view)


def _worklist(request: Request, reader: Reader) -> Response:
    query = read_query(request.query_params, request.query_params.getlist("columns"))
    view = worklist_view(reader.served, query)
    listed = tuple(row.account_id for row in view.rows)
    return answer_view(request, reader, "worklist", view, listed)


def _file(
    request: Request, reader: Reader, body: bytes, kind: str, accounts: tuple[str, ...]
) -> Response:
    manifest = reader.served.pair.manifest
    stem, _, ending = request.url.path.strip("/").replace("/", "-").rpartition(".")
    name = f"{stem}-{manifest.as_of}.{ending}"
    reader.desk.record(reader.served, reader.session.name, request.url.path, body, accounts)
    return Response(
        body, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'}
    )


def _worklist_csv(request: Request, reader: Reader) -> Response:
    query = read_query(request.query_params)
    body = exports.worklist_csv(reader.served, query)
    return _file(request, reader, body, exports.CSV, _found(reader, query))


def _worklist_xlsx(request: Request, reader: Reader) -> Response:
    query = read_query(request.query_params)
    body = exports.worklist_xlsx(reader.served, query)
    return _file(request, reader, body, exports.XLSX, _found(reader, query))


def _found(reader: Reader, query: Query) -> tuple[str, ...]:
    ids = find_accounts(reader.served, query)["account_id"]
    return tuple(dict.fromkeys(ids.astype(str)))


def _account(request: Request, reader: Reader) -> Response:
    account_id = request.path_params["account_id"]
    asked = request.query_params
    try:
        view = reader.desk.account(
            reader.served,
            account_id,
            asked.get("currency"),
            asked.get("invoice") or None,
            seconds=_seconds(request),
        )
    except KeyError:
        raise RefusedError(
            404,
            "Nothing is open",
            "The account or invoice has no open item in the served snapshot, or is unknown.",
        ) from None
    return answer_view(request, reader, "account", view, (account_id,))


def _seconds(request: Request) -> float | None:
    """Return how long an account's ledger rows are waited for: by people not long."""
    wanted = request.query_params.get("wait")
    if wanted is not None:
        return None if wanted == "1" else 0.0
    return None if wants_json(request) else PATIENCE_SECONDS


def _changes(request: Request, reader: Reader) -> Response:
    account_id = request.path_params["account_id"]
    asked = request.query_params
    try:
        view = changes_view(
            reader.served,
            account_id,
            reader.desk.policy,
            reader.desk.home.snapshots,
            currency=asked.get("currency"),
            question=asked.get("question", ""),
            amount=asked.get("amount", ""),
        )
    except KeyError:
        raise RefusedError(
            404, "Nothing is open", "The account has no open item, or is unknown."
        ) from None
    except (QuestionError, ScenarioError) as error:
        raise RefusedError(422, "This cannot be asked", str(error)) from None
    return answer_view(request, reader, "changes", view, (account_id,))


def _write_note(request: Request, reader: Reader, form: FormData) -> Response:
    account_id = request.path_params["account_id"]
    if account_id not in reader.served.pair.table:
        raise RefusedError(404, "Nothing is open", "The account has no open item, or is unknown.")
    kind, text = form.get("kind"), _text(form, "text")
    if kind not in ("note", "signed", "reopened"):
        raise RefusedError(400, "Unknown form", "Load the page again and send it once more.")
    if kind == "note" and not text:
        raise RefusedError(400, "The note is empty", "Write something, or leave the page as it is.")
    reader.desk.notes.add(_note(reader, kind=kind, about=account_id, text=text))
    back = urllib.parse.quote(f"/accounts/{account_id}")
    return RedirectResponse(f"{back}#notes", 303)


def _note(reader: Reader, **values: Any) -> Note:  # noqa: ANN401 (fields of a Note)
    return Note(
        at=datetime.now(UTC),
        author=reader.session.name,
        snapshot=reader.served.pair.name,
        model_version=reader.served.pair.manifest.model_version,
        request_id=facts().request_id,
        **values,
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > LONGEST:
        raise RefusedError(
            413, "The text is too long", f"At most {LONGEST} characters, got {len(text)}."
        )
    return text


def _allowance_of(request: Request, reader: Reader) -> AllowanceView:
    currency = _currency(request, reader)
    overlays = reader.desk.notes.overlays(currency)
    return allowance_view(reader.served, reader.desk.past(reader.served), currency, overlays)


def _allowance(request: Request, reader: Reader) -> Response:
    if not _currency(request, reader):
        return _nothing_open(request, reader, "allowance", "Allowance")
    return answer_view(request, reader, "allowance", _allowance_of(request, reader))


def _allowance_csv(request: Request, reader: Reader) -> Response:
    body = exports.allowance_csv(_allowance_of(request, reader))
    return _file(request, reader, body, exports.CSV, ())


def _allowance_xlsx(request: Request, reader: Reader) -> Response:
    body = exports.allowance_xlsx(_allowance_of(request, reader))
    return _file(request, reader, body, exports.XLSX, ())


def _write_overlay(_request: Request, reader: Reader, form: FormData) -> Response:
    currency = reader.served.currency(_text(form, "currency"))
    if not currency:
        raise RefusedError(404, "Nothing is open", "An overlay needs a balance to stand beside.")
    if ended := _text(form, "ends"):
        in_force = {str(note.number) for note in reader.desk.notes.overlays(currency)}
        if ended not in in_force:
            raise RefusedError(404, "No such overlay", "It has been ended already.")
        reader.desk.notes.add(_note(reader, kind="overlay_ended", about=ended, text=""))
        return RedirectResponse(f"/allowance?currency={currency}#overlays", 303)
    name, reason, segment = (_text(form, key) for key in ("name", "reason", "segment"))
    amount = _cents(_text(form, "amount"))
    if not name or not reason or amount is None:
        raise RefusedError(
            400,
            "The overlay is not complete",
            "An overlay needs a name, a reason, and an amount such as 12500.00 or -300; it must "
            "not be zero.",
        )
    reader.desk.notes.add(
        _note(
            reader,
            kind="overlay",
            about=segment[:200],
            text=reason,
            currency=currency,
            amount_cents=amount,
            title=name[:200],
        )
    )
    return RedirectResponse(f"/allowance?currency={currency}#overlays", 303)


def _cents(text: str) -> int | None:
    """Return an amount in cents; None when it is none, is zero or is beyond any ledger."""
    from decimal import Decimal, InvalidOperation  # noqa: PLC0415 (beside its use)

    try:
        cents = Decimal(text.replace(",", "")) * 100
    except InvalidOperation:
        return None
    if not cents.is_finite() or cents != cents.to_integral_value() or not 0 < abs(cents) < 10**15:
        return None
    return int(cents)


def _model(request: Request, reader: Reader) -> Response:
    manifest = reader.served.pair.manifest
    monitored = read_drift(reader.desk.home, manifest.model_version, manifest.as_of)
    view = model_view(reader.served, reader.desk.registry(), monitored)
    return answer_view(request, reader, "model", view)


def _ledger(request: Request, reader: Reader) -> Response:
    currency = _currency(request, reader)
    view = ledger_view(reader.served, reader.desk.past(reader.served), currency)
    return answer_view(request, reader, "ledger", view)


def _paper(request: Request, reader: Reader, html: str, accounts: tuple[str, ...]) -> Response:
    body = html.encode()
    reader.desk.record(reader.served, reader.session.name, request.url.path, body, accounts)
    return HTMLResponse(body)


def _redact(request: Request) -> bool:
    return request.query_params.get("redact") == "1"


def _portfolio_report(request: Request, reader: Reader) -> Response:
    currency = _currency(request, reader)
    past = reader.desk.past(reader.served)
    html = portfolio_paper(reader.served, past, (currency,) if currency else ())
    return _paper(request, reader, html, ())


def _high_risk_report(request: Request, reader: Reader) -> Response:
    asked = request.query_params.get("top", "50")
    top = min(int(asked), 500) if asked.isascii() and asked.isdigit() else 50
    html, listed = high_risk_paper(reader.served, top=top, redact=_redact(request))
    return _paper(request, reader, html, listed)


def _account_report(request: Request, reader: Reader) -> Response:
    account_id = request.path_params["account_id"]
    notes = reader.desk.notes.of_account(account_id)
    try:
        html = account_paper(reader.served, account_id, notes=notes, redact=_redact(request))
    except KeyError:
        raise RefusedError(
            404, "Nothing is open", "The account has no open item, or is unknown."
        ) from None
    return _paper(request, reader, html, (account_id,))


def _login_page(request: Request) -> Response:
    wanted = request.query_params.get("next", "/")
    return HTMLResponse(
        render("login", next=wanted if is_local_path(wanted) else "/", trouble="", reader=None)
    )


async def _login(request: Request) -> Response:
    try:
        check_host(request)
    except RefusedError as refusal:
        return refused(request, refusal)
    form = await request.form(max_files=0, max_fields=5)
    key, wanted = form.get("key"), form.get("next")
    target = wanted if isinstance(wanted, str) and is_local_path(wanted) else "/"
    desk = desk_of(request)
    stored = desk.keys.find(key.strip()) if isinstance(key, str) else None
    if stored is None or stored.role != ROLE:
        trouble = (
            "This is no open key. `rollrisk keys create NAME --role manager` makes one."
            if stored is None
            else f"This key has the role {stored.role}; the console opens to managers."
        )
        again = render("login", next=target, trouble=trouble, reader=None)
        return sealed(HTMLResponse(again, 401 if stored is None else 403))
    cookie = write_cookie(start_session(stored, datetime.now(UTC)), desk.secret)
    response = RedirectResponse(target, 303)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=is_secure(request),
    )
    return sealed(response)


def _logout(request: Request, reader: Reader, form: FormData) -> Response:
    del request, reader, form
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
