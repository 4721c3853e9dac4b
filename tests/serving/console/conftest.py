"""The console's pages over the shared installation: as values, over HTTP and in a browser."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from features.ledger.read import open_ledger
from models.home import Home
from serving.batch import score_batch
from serving.console.past import Past, past_of
from serving.console.served import Served, serve
from serving.policy import read_policy
from serving.reports.pdf import PdfError, find_chromium
from serving.store import load_pair
from tests.serving.conftest import Installation, Server

NARROW, WIDE = 390, 1280


@pytest.fixture(scope="session")
def served(installation: Installation) -> Served:
    """The published scoring as tables."""
    return serve(load_pair(installation.home), installation.home)


@pytest.fixture(scope="session")
def past(served: Served, installation: Installation) -> Past:
    """What the books of the installation say about its past."""
    return past_of(served.pair, installation.home)


@pytest.fixture(scope="session")
def earlier_home(
    served: Served, installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Home:
    """A home whose only scoring is seven weeks older than the published one, by the same model."""
    home = Home(path=tmp_path_factory.mktemp("earlier"))
    score_batch(
        open_ledger(installation.ledger),
        installation.as_of - timedelta(days=49),
        served.pair.bundle,
        read_policy(),
        home,
        ledger_path=installation.ledger,
        model_reference=served.pair.manifest.model,
        threads=1,
    )
    return home


@pytest.fixture(scope="session")
def chromium() -> str:
    """The command of a Chromium; without one its tests are skipped, saying so."""
    try:
        return find_chromium()
    except PdfError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A real Chromium; closed with the module, since Playwright keeps an event loop running."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()


@dataclass
class Visit:
    """A signed-in page, what it asked for, and what went wrong in it."""

    page: Page
    url: str
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Load a page of the console and wait until its past is there."""
        response = self.page.goto(self.url + path)
        assert response is not None
        assert response.status == 200, f"{path}: {response.status}"
        self.page.wait_for_selector("[data-pending]", state="detached", timeout=60_000)
        return self.page


@pytest.fixture(scope="module")
def sign_in(server: Server, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a browser of its own and signs in as a manager."""
    opened: list[BrowserContext] = []

    def visit(*, width: int = WIDE, scheme: str = "light") -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        opened.append(context)
        page = context.new_page()
        made = Visit(page=page, url=server.url)

        def note(request: Request) -> None:
            made.asked.append(request.url)

        page.on("request", note)
        page.on("pageerror", lambda error: made.faults.append(str(error)))
        page.on(
            "console",
            lambda message: made.faults.append(message.text) if message.type == "error" else None,
        )
        page.goto(server.url + "/login")
        page.fill("#key", server.keys["manager"])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("h1:has-text('Portfolio')")
        return made

    yield visit
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    """A client with a manager's session; it follows no redirect."""
    with httpx.Client(base_url=server.url, timeout=60) as opened:
        opened.post("/login", data={"key": server.keys["manager"]})
        assert opened.cookies
        yield opened
