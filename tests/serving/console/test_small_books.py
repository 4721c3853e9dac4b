"""Books with next to nothing in them: every page and paper renders and says what is missing."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from features.ledger.read import open_ledger
from features.ledger.write import import_extract
from features.sources.base import Extract
from models.home import Home
from serving.audit import open_audit
from serving.auth import create_key
from serving.batch import score_batch
from serving.console.app import make_console
from serving.console.desk import Desk
from serving.console.papers import account_paper, high_risk_paper, portfolio_paper
from serving.console.past import past_of
from serving.console.served import Served, serve
from serving.middleware import Gate
from serving.policy import read_policy
from serving.settings import read_settings
from serving.store import Store, load_pair
from tests.features.books import Books
from tests.serving.conftest import MADE_ON

AS_OF = date(2024, 6, 30)
PAGES = ("/", "/worklist", "/worklist?lane=all", "/allowance", "/model", "/ledger")
REPORTS = ("/reports/portfolio", "/reports/high-risk")
FILES = ("/worklist.csv", "/worklist.xlsx", "/allowance.csv", "/allowance.xlsx")
ODD = re.compile(r"\b(nan|None|inf|NaT)\b")


class Client:
    """Asks an application in this process, with a session kept in its cookies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._cookies = app, httpx.Cookies()

    def get(self, path: str) -> httpx.Response:
        """Return the answer to a GET."""
        return self._ask("GET", path)

    def sign_in(self, key: str) -> httpx.Response:
        """Sign in with a key."""
        return self._ask("POST", "/login", {"key": key})

    def _ask(self, method: str, path: str, data: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost", cookies=self._cookies
            ) as client:
                answer = await client.request(method, path, data=data)
                self._cookies = client.cookies
                return answer

        return asyncio.run(ask())


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A home with a small book scored, and the console on it."""

    home: Home
    client: Client

    @property
    def served(self) -> Served:
        """The scoring as tables."""
        return serve(load_pair(self.home), self.home)


def books(size: str) -> Books:
    """Return books in which nothing, one item of one account, or a few of its items are open."""
    book = Books(known_through=str(AS_OF))
    book.paid("DONE-1", "2024-01-10", "2024-02-09", "2024-02-20")
    book.paid("DONE-2", "2024-02-10", "2024-03-11", "2024-04-02", 250)
    if size != "empty":
        book.invoice("OPEN-1", "2024-05-01", "2024-05-31", 1200)
    if size == "one account":
        book.invoice("OPEN-2", "2024-06-20", "2024-07-20", 300).cash("OPEN-2", "2024-06-28", 100)
        book.invoice("OPEN-3", "2023-12-01", "2023-12-31", 80)
        book.invoice("OPEN-4", "2024-03-01", None, 55)
    return book


@pytest.fixture(scope="module", params=["empty", "one item", "one account"])
def small(
    request: pytest.FixtureRequest, served: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Small]:
    """Books of a size: imported, scored with the tests' model, and behind the gate."""
    root: Path = tmp_path_factory.mktemp("small")
    home = Home(path=root / "home")
    rows = dict(books(request.param).ledger().rows)
    import_extract(root / "ledger", Extract(tables=rows, known_through=AS_OF), source="test")
    score_batch(
        open_ledger(root / "ledger"),
        AS_OF,
        served.pair.bundle,
        read_policy(),
        home,
        ledger_path=root / "ledger",
        model_reference=served.pair.manifest.model,
        threads=1,
    )
    settings = read_settings({"ROLLRISK_HOME": str(home.path)})
    key = create_key(home.keys, "ann", "manager", today=MADE_ON)
    past_of(load_pair(home), home)  # kept, so that no page waits
    console, store = make_console(), Store(home)
    assert store.refresh()
    with open_audit(settings) as audit:
        console.state.desk = desk = Desk(settings, store, audit)
        client = Client(Gate(console, settings_from=lambda: settings))
        assert client.sign_in(key).status_code == 303
        while desk.past(desk.served()) is None:
            time.sleep(0.01)
        yield Small(home=home, client=client)
        desk.close()
    store.close()


def text_of(html: str) -> str:
    """Return what people read of a page."""
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.mark.parametrize("path", PAGES + REPORTS)
def test_every_page_renders(small: Small, path: str) -> None:
    """No error, no figure that is no number, one head, and words where there is nothing."""
    answer = small.client.get(path)
    assert answer.status_code == 200, answer.text
    text = text_of(answer.text)
    assert not ODD.search(text), ODD.search(text)
    assert answer.text.count("<h1") == 1
    assert "being read from the ledger" not in text
    if not small.served.currencies:
        assert re.search("no open item|Nothing is open|No item is open|No account fits|Model", text)
    if path.startswith("/reports"):
        return
    assert "Sign out" in text, "the menu stays"
    content = small.client.get(f"{path}{'&' if '?' in path else '?'}format=json").json()
    assert set(content) >= {"view", "as_of"}


@pytest.mark.parametrize("path", FILES)
def test_every_download_is_a_file(small: Small, path: str) -> None:
    """With a head at least."""
    answer = small.client.get(path + "?lane=all")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    if path.endswith(".csv"):
        rows = answer.text.splitlines()
        assert "," in rows[0]
        listed = len(small.served.accounts) if "worklist" in path else len(rows) - 1
        assert len(rows) == 1 + listed
    else:
        assert answer.content.startswith(b"PK")


def test_the_account_and_what_would_change_it(small: Small) -> None:
    """The only account has its page, its changes and its paper; where nothing is open, 404."""
    pages = (
        "/accounts/A",
        "/changes/A",
        "/changes/A?question=pays&amount=100",
        "/reports/account/A",
    )
    for path in pages:
        answer = small.client.get(path)
        if not small.served.currencies:
            assert answer.status_code == 404
            assert "Nothing is open" in answer.text
            continue
        assert answer.status_code == 200, (path, answer.text)
        text = text_of(answer.text)
        assert not ODD.search(text), (path, ODD.search(text))


def test_an_account_is_shown_before_its_rows_are_read(small: Small) -> None:
    """At once with what the scoring says, whole for who waits; both say the same amounts."""
    if not small.served.currencies:
        return
    path = "/accounts/A?invoice=OPEN-1"
    page = small.client.get(f"{path}&wait=0")
    assert "data-pending" in page.text
    assert not ODD.search(text_of(page.text))
    whole = small.client.get(f"{path}&format=json").json()["view"]
    assert (whole["waiting"], whole["history"] is None) == (False, False)
    assert "data-pending" not in small.client.get(path).text
    early = small.client.get("/accounts/A?currency=USD&wait=0&format=json").json()["view"]
    assert early["waiting"], "no rows were read for this question yet"
    for name in ("balance", "at_risk", "steps", "items", "buckets"):
        assert early[name] == whole[name], name


def test_papers_of_next_to_nothing(small: Small) -> None:
    """The reports render, say their day, and keep their definitions and box to sign."""
    served = small.served
    past = past_of(served.pair, small.home)
    papers = [portfolio_paper(served, past, served.currencies), high_risk_paper(served, top=50)[0]]
    if served.currencies:
        papers.append(account_paper(served, "A", redact=True))
    for html in papers:
        text = text_of(html)
        assert not ODD.search(text), ODD.search(text)
        assert "30 June 2024" in text.replace("\N{NO-BREAK SPACE}", " ")
        assert "Signature" in text
        if not served.currencies:
            assert "no open item" in text


def test_sums_of_one_are_the_one(small: Small) -> None:
    """The portfolio of a single account is that account, to the cent."""
    if not small.served.currencies:
        assert small.client.get("/?format=json").json()["view"]["currencies"] == []
        return
    whole = small.client.get("/?format=json").json()["view"]["figures"]
    own = small.client.get("/accounts/A?format=json").json()["view"]
    assert (whole["receivables"], whole["collectible"]) == (own["balance"], own["collectible"])
    assert (whole["at_risk"], whole["to_roll"]) == (own["at_risk"], own["to_roll"])
