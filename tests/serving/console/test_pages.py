"""The console in a real Chromium: every page, every control, small, dark, by keyboard, on paper."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from serving.console.served import Served
from tests.serving.console.conftest import NARROW, Visit

CHECKS = Path(__file__).with_name("checks.js").read_text("utf-8")
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RUN_AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map(one => `${one.impact} ${one.id}: ${one.nodes[0].html.slice(0, 150)}`);
}"""


def riskiest(served: Served) -> str:
    """Return the account with most at risk in the largest currency."""
    accounts = served.accounts_of(served.currencies[0])
    return str(accounts.sort_values("dollars_at_risk")["account_id"].iloc[-1])


def every_page(served: Served) -> dict[str, str]:
    """Return the address of every page by the head it must show."""
    account = riskiest(served)
    name = str(served.pair.table.account(account, 0)[0]["name"])
    return {
        "Portfolio": "/",
        "Worklist": "/worklist",
        name: f"/accounts/{account}",
        "What changed": f"/changes/{account}?question=pays&amount=100",
        "Allowance": "/allowance",
        "Model": "/model",
        "Ledger health": "/ledger",
        "Receivables at risk of rolling": "/reports/portfolio",
        "Accounts with most at risk": "/reports/high-risk",
        f"{name} ": f"/reports/account/{account}",
    }


@pytest.fixture(scope="module")
def visit(sign_in: Callable[..., Visit]) -> Visit:
    """A wide, light browser that is signed in."""
    return sign_in()


def accessibility_faults(page: Page) -> list[str]:
    """Return what a page does wrong for people who do not see it or see it badly.

    By axe-core, whatever it finds, with all that can be opened open, and by rules of our own.
    The page's policy lets no foreign script in: axe is evaluated, not loaded by the page.
    """
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN_AXE) + page.evaluate(CHECKS)
    return found


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (NARROW, "dark")])
def test_every_page_renders_fits_and_can_be_read(
    sign_in: Callable[..., Visit], served: Served, width: int, scheme: str
) -> None:
    """Heads, no script error, nothing wider than the screen, labels, contrast, names of regions."""
    visit = sign_in(width=width, scheme=scheme)
    for head, path in every_page(served).items():
        page = visit.go(path)
        assert head.strip() in page.inner_text("h1"), path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert accessibility_faults(page) == [], path
    assert visit.faults == []
    outside = [url for url in visit.asked if not url.startswith(visit.url)]
    assert outside == []


def test_the_first_page_says_the_figures_of_its_json(visit: Visit) -> None:
    """What people read is what programs read."""
    page = visit.go("/")
    text = page.inner_text("main").replace("\N{NO-BREAK SPACE}", " ")
    view = _json(visit, "/?format=json")["view"]
    for name in ("receivables", "to_roll", "to_stay"):
        assert f"{float(view['figures'][name]):,.0f}" in text, name
    assert f"{view['figures']['dso']:.1f} days" in text
    for column in view["ageing"]:
        assert f"{float(column['open']):,.0f}" in text
    assert page.locator(".plot").count() >= 5


def _json(visit: Visit, path: str) -> dict[str, Any]:
    answer = visit.page.request.get(visit.url + path)
    assert answer.ok
    content: dict[str, Any] = json.loads(answer.body())
    return content


def test_the_list_is_filtered_sorted_searched_and_paged(visit: Visit, served: Served) -> None:
    """Each control changes the list and the address, so that a list can be sent to others."""
    page = visit.go("/worklist")
    page.select_option("select[name=lane]", "all")
    page.wait_for_url("**lane=all**")
    everything = page.locator(".found strong").inner_text()
    assert everything.split()[0].replace(",", "") == str(len(served.accounts))
    page.get_by_role("link", name="At risk").click()
    page.wait_for_url("**sort=dollars_at_risk**")
    shown = page.locator("td[data-head='At risk']").all_inner_texts()
    amounts = [float(text.replace(",", "")) for text in shown]
    assert amounts == sorted(amounts, reverse=True)
    page.get_by_role("link", name="Later").click()
    page.wait_for_url("**page=2**")
    assert page.locator(".pages span").inner_text().startswith("51 to ")
    account = riskiest(served)
    page.fill(".filters input[name=search]", account.lower())
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**search=**")
    assert account in page.locator("tbody th small").first.inner_text()


def test_columns_are_chosen(visit: Visit) -> None:
    """A column that is ticked is shown, one that is not is gone."""
    page = visit.go("/worklist")
    page.locator("details.columns summary").click()
    page.get_by_label("Priority value").check()
    page.get_by_label("Why").uncheck()
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**columns=priority_value**")
    heads = [text.strip(" ↑↓") for text in page.locator("thead th").all_inner_texts()]
    assert "Priority value" in heads
    assert "Why" not in heads


def test_downloads_are_whole_files(visit: Visit, served: Served) -> None:
    """The workbook holds every account found, typed, with a name that says the day."""
    visit.go("/worklist?lane=all")
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("link", name="Excel").click()
    assert waiting.value.suggested_filename == f"worklist-{served.pair.manifest.as_of}.xlsx"
    path = waiting.value.path()
    with zipfile.ZipFile(io.BytesIO(Path(path).read_bytes())) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 1 + len(served.accounts) + 1  # head, accounts, note
    assert "<f>" not in sheet


def test_a_note_and_a_sign_off_are_kept(visit: Visit, served: Served) -> None:
    """What a reviewer writes is on the page afterwards, with name and day, as plain text."""
    account = riskiest(served)
    page = visit.go(f"/accounts/{account}")
    page.fill("#text", "Called; <b>pays</b> on the 15th.")
    page.get_by_role("button", name="Add note").click()
    page.wait_for_selector("ol.notes")
    assert "Called; <b>pays</b> on the 15th." in page.inner_text("ol.notes")
    assert page.locator("ol.notes b").count() == 0
    page.get_by_role("button", name="Sign off").click()
    page.wait_for_selector("p.signed")
    assert "Signed off by manager" in page.inner_text("p.signed")
    page.get_by_role("button", name="Withdraw sign-off").click()
    page.wait_for_selector("p.signed", state="detached")
    notes = _json(visit, f"/accounts/{account}?format=json")["view"]["notes"]
    assert [note["kind"] for note in notes] == ["reopened", "signed", "note"]
    assert {note["author"] for note in notes} == {"manager"}


def test_an_overlay_moves_the_allowance_until_it_is_ended(visit: Visit) -> None:
    """Name, reason and amount are on record; the sum follows."""
    page = visit.go("/allowance")
    before = _json(visit, "/allowance?format=json")["view"]
    page.fill("input[name=name]", "Construction")
    page.fill("input[name=amount]", "1,250.50")
    page.fill("input[name=reason]", "Two large builders asked for terms.")
    page.get_by_role("button", name="Add overlay").click()
    page.wait_for_selector("text=Two large builders")
    after = _json(visit, "/allowance?format=json")["view"]
    assert float(after["final"]) == pytest.approx(float(before["final"]) + 1250.50)
    page.get_by_role("button", name="End the overlay Construction").click()
    page.wait_for_selector("text=Two large builders", state="detached")
    assert _json(visit, "/allowance?format=json")["view"]["final"] == before["final"]


def test_an_overlay_without_an_amount_is_refused(visit: Visit) -> None:
    """A word instead of an amount writes nothing, and the page says what is needed."""
    page = visit.go("/allowance")
    page.fill("input[name=name]", "Odd")
    page.fill("input[name=amount]", "much")
    page.fill("input[name=reason]", "None.")
    page.get_by_role("button", name="Add overlay").click()
    page.wait_for_selector("h1:has-text('not complete')")
    visit.faults.clear()  # the browser notes the status 400
    assert not _json(visit, "/allowance?format=json")["view"]["overlays"]


def test_the_keyboard_alone_is_enough(visit: Visit) -> None:
    """Tab finds the way past the head, through the pages and into tables; focus can be seen."""
    page = visit.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    visit.go("/")
    names = []
    for _ in range(4):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert names == ["Skip to content", "rollrisk", "Portfolio", "Worklist"]
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Worklist')")
    page.wait_for_load_state()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.type("no such account")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No account fits")


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the control of that name, label or text has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        named = page.evaluate(
            """() => { const at = document.activeElement; return [
              at.getAttribute("aria-label"), at.labels?.[0]?.textContent, at.name,
              at.matches("select") ? "" : at.textContent,
            ].map(text => (text || "").trim()); }"""
        )
        if words in named:
            assert page.evaluate("document.activeElement.matches(':focus-visible')"), words
            return
    raise AssertionError(f"Tab does not reach {words!r}")


def test_a_list_is_sorted_and_filtered_from_the_keyboard(visit: Visit) -> None:
    """The head of a column and a filter are reached by Tab; Enter and arrows work them."""
    page = visit.go("/worklist?lane=all")
    tab_to(page, "lane")
    page.keyboard.press("ArrowDown")
    page.wait_for_url("**lane=past_due**")
    page.wait_for_load_state()
    tab_to(page, "Collectible")
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=collectible**")
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Collectible")
    tab_to(page, "Columns")
    page.keyboard.press("Enter")
    assert page.locator("details.columns").get_attribute("open") is not None
    page.keyboard.press("Escape")
    assert page.locator("details.columns").get_attribute("open") is None
    assert page.evaluate("document.activeElement.textContent") == "Columns"


def test_what_would_change_it_is_asked_from_the_keyboard(visit: Visit, served: Served) -> None:
    """Choose the question, type the amount, press Enter: the answer stands below the form."""
    page = visit.go(f"/changes/{riskiest(served)}")
    tab_to(page, "question")
    tab_to(page, "amount")
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    page.wait_for_selector("p.answer")
    view = _json(visit, f"/changes/{riskiest(served)}?question=pays&amount=100&format=json")["view"]
    assert view["answer"]["sentence"] in page.inner_text("p.answer")
    assert page.locator("select[name=question]").input_value() == "pays"
    assert page.locator("input[name=amount]").input_value() == "100"


def test_a_review_is_written_from_the_keyboard(visit: Visit, served: Served) -> None:
    """A note and a sign-off need no pointer."""
    page = visit.go(f"/accounts/{riskiest(served)}")
    tab_to(page, "Note")
    page.keyboard.type("Written with keys alone.")
    tab_to(page, "Add note")
    page.keyboard.press("Enter")
    page.wait_for_selector("ol.notes:has-text('keys alone')")
    page.wait_for_load_state()
    tab_to(page, "Note")
    tab_to(page, "Sign off")
    page.keyboard.press("Space")
    page.wait_for_selector("p.signed")
    page.get_by_role("button", name="Withdraw sign-off").click()
    page.wait_for_selector("p.signed", state="detached")


def test_every_link_of_the_pages_leads_somewhere(visit: Visit, served: Served) -> None:
    """Currencies, steps, invoices, papers, downloads, the worklist of a group: none is broken."""
    links: set[str] = set()
    for path in ("/", "/worklist", f"/accounts/{riskiest(served)}", "/allowance"):
        page = visit.go(path)
        found = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
        links |= {link.partition("#")[0] for link in found}
    assert all(link.startswith(visit.url) for link in links)
    kinds: dict[str, str] = {}
    for link in sorted(links):
        shape = re.sub(r"(accounts|changes|account)/[^?/]+", r"\1/", link)
        kinds.setdefault(re.sub(r"=[^&]*", "=", shape), link)
    assert len(kinds) > 15
    for link in kinds.values():
        assert visit.page.request.get(link).status == 200, link
    page = visit.go("/")
    for anchor in page.eval_on_selector_all("a[href^='#']", "all => all.map(a => a.hash)"):
        assert page.locator(anchor).count() == 1


def test_signing_out_and_in_again(sign_in: Callable[..., Visit]) -> None:
    """The button ends the session; a wrong key is answered in words."""
    visit = sign_in()
    page = visit.page
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    page.goto(visit.url + "/model")
    page.wait_for_url("**/login?next=**")
    page.fill("#key", "rr_wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "no open key" in page.inner_text("[role=alert]")
    assert accessibility_faults(page) == []


def test_what_is_refused_keeps_the_menu(sign_in: Callable[..., Visit]) -> None:
    """An unknown account is said in words, on a page one can leave and that can be read."""
    visit = sign_in()
    page = visit.page
    answer = page.goto(visit.url + "/accounts/nobody")
    assert answer is not None
    assert answer.status == 404
    assert page.get_by_role("link", name="Worklist").is_visible()
    assert accessibility_faults(page) == []


def test_no_script_can_be_put_into_a_page(visit: Visit) -> None:
    """The policy that the service sends is the one that the browser keeps."""
    page = visit.go("/worklist")
    blocked = page.evaluate(
        """() => new Promise(done => {
          document.addEventListener("securitypolicyviolation", one => done(one.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.taken = true";
          document.body.append(script);
          setTimeout(() => done("nothing"), 2000);
        })"""
    )
    assert blocked.startswith("script-src")
    assert page.evaluate("window.taken") is None
    visit.faults.clear()  # the browser notes what it blocked


def test_pages_work_without_their_script(sign_in: Callable[..., Visit], served: Served) -> None:
    """The script is a comfort: filters have a button and every link is a link."""
    visit = sign_in()
    visit.page.route("**/console.js", lambda route: route.abort())
    visit.faults.clear()
    page = visit.go("/worklist")
    page.select_option("select[name=lane]", "all")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**lane=all**")
    assert page.locator("tbody tr").count() == min(50, len(served.accounts))


def test_every_page_prints_without_its_controls(
    visit: Visit, served: Served, tmp_path: Path
) -> None:
    """On paper there is no menu, no form and no dark ground, and nothing is cut off at the side."""
    for at, path in enumerate(every_page(served).values()):
        page = visit.go(path)
        page.emulate_media(media="print", color_scheme="dark")
        for control in ("header.bar", ".actions", ".filters", ".note-form", ".overlay-form"):
            assert not page.locator(control).first.is_visible(), (path, control)
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        page.pdf(path=tmp_path / f"{at}.pdf")
        content = (tmp_path / f"{at}.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", content)) <= 20, path
        page.emulate_media(media="screen", color_scheme="light")
