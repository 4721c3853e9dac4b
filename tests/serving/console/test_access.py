"""Who may read the console's pages, and who may write."""

import re

import httpx
import pytest

from serving.console.sessions import COOKIE
from tests.serving.conftest import Server

PAGES = ("/", "/worklist", "/worklist.csv", "/worklist.xlsx", "/accounts/A-1", "/allowance",
         "/allowance.csv", "/allowance.xlsx", "/model", "/ledger", "/reports/portfolio",
         "/reports/high-risk", "/reports/account/A-1")  # fmt: skip


def token_of(client: httpx.Client, path: str) -> str:
    """Return the token that a page's forms carry."""
    found = re.search(r'name="token" value="([0-9a-f]+)"', client.get(path).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_asks_who_reads_it(server: Server, path: str) -> None:
    """Without a session each page leads to the sign-in, which leads back; JSON says 401."""
    answer = server.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=%2F")
    as_json = server.get(f"{path}?format=json")
    assert as_json.status_code == 401
    assert as_json.json()["error"]["code"] == "unauthenticated"


def test_an_api_key_alone_opens_no_page(server: Server) -> None:
    """Pages go by the session: a header with a key is not one."""
    headers = {"Authorization": f"Bearer {server.keys['manager']}"}
    assert httpx.get(server.url + "/", headers=headers).status_code == 303


@pytest.mark.parametrize(("key", "status"), [("scorer", 403), ("analyst", 403), ("wrong", 401)])
def test_only_managers_sign_in(server: Server, key: str, status: int) -> None:
    """Other roles and unknown keys get no cookie, and words about why."""
    given = {"scorer": server.keys["scorer"], "analyst": server.keys["analyst"]}.get(key, "rr_no")
    answer = httpx.post(server.url + "/login", data={"key": given})
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    assert ("role" in answer.text) == (status == 403 or "--role" in answer.text)
    assert given not in answer.text


def test_the_session_cookie_is_for_this_site_and_no_script(server: Server) -> None:
    """HttpOnly, SameSite=Strict, with an end; the key itself is not in it."""
    answer = httpx.post(server.url + "/login", data={"key": server.keys["manager"]})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(COOKIE)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age=28800" in cookie
    assert server.keys["manager"] not in cookie


def test_signing_in_leads_to_this_site_only(server: Server) -> None:
    """A `next` that points elsewhere is not followed."""
    for wanted in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        form = {"key": server.keys["manager"], "next": wanted}
        assert httpx.post(server.url + "/login", data=form).headers["location"] == "/"
    form = {"key": server.keys["manager"], "next": "/worklist?page=2"}
    assert httpx.post(server.url + "/login", data=form).headers["location"] == "/worklist?page=2"


def test_pages_answer_to_their_own_host_only(client: httpx.Client) -> None:
    """A name of somebody else's that leads here (DNS rebinding) gets no page."""
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "Receivables" not in answer.text


def test_forms_need_their_token(client: httpx.Client) -> None:
    """A form without the session's token, or with another one, writes nothing."""
    for token in ({}, {"token": "0" * 64}):
        answer = client.post(
            "/allowance", data={"name": "X", "reason": "Y", "amount": "1", **token}
        )
        assert answer.status_code == 403
    assert "X</th>" not in client.get("/allowance").text


def test_headers_keep_foreign_code_out(client: httpx.Client) -> None:
    """Scripts come from our own files only; nothing is framed or kept."""
    headers = client.get("/").headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_withdrawn_key_ends_its_session(server: Server, client: httpx.Client) -> None:
    """A cookie signed by somebody else, or cut short, is no session."""
    cookie = client.cookies[COOKIE]
    for forged in (cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), "x." + cookie, "..", "a.b"):
        answer = httpx.get(server.url + "/", cookies={COOKIE: forged})
        assert answer.status_code == 303


def test_signing_out_ends_the_session(server: Server) -> None:
    """The cookie is taken back."""
    with httpx.Client(base_url=server.url) as own:
        own.post("/login", data={"key": server.keys["manager"]})
        answer = own.post("/logout", data={"token": token_of(own, "/model")})
        assert answer.headers["location"] == "/login"
        assert own.get("/").status_code == 303


def test_what_is_not_there_is_said(client: httpx.Client) -> None:
    """An unknown account is a page with 404 and one error shape as JSON."""
    assert client.get("/accounts/nobody").status_code == 404
    error = client.get("/accounts/nobody?format=json").json()["error"]
    assert error["code"] == "unknown_account"


def test_the_service_answers_beside_the_console(server: Server, client: httpx.Client) -> None:
    """Probes, the description and unknown routes are answered as before."""
    assert server.get("/livez").status_code == 200
    assert server.get("/docs.json").status_code == 200
    assert server.get("/no-such-page").json()["error"]["code"] == "unknown_route"
    assert client.get("/console/console.css").headers["content-type"].startswith("text/css")
    assert client.get("/console/../auth.py").status_code == 404
