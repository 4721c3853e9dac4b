from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from serving.reports.render import write_report

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "</style><b>bold & co",
)
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """What a reader of the page sees: tags, attributes, text, and tags left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count a tag and what it says."""
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count a tag that closes itself."""
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """Note a tag that closes another one than was open."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.words.append(data)

    @property
    def text(self) -> str:
        """Everything that can be read, in order."""
        return "".join(self.words).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def page_of(scoring_of: Callable[..., Path], tmp_path: Path) -> Callable[..., Page]:
    """Return a function that writes the report of a recipe and reads it back."""

    def render(top: int = 20, **recipe: object) -> Page:
        out = write_report(scoring_of(**recipe), tmp_path / "out" / "r.html", top=top)
        return Page(out.read_text("utf-8"))

    return render


@pytest.mark.parametrize(
    "accounts", [{}, {"USD": 1}, {"USD": 25, "EUR": 2, "GBP": 1, "JPY": 3, "CHF": 1}]
)
def test_any_portfolio_renders(page_of: Callable[..., Page], accounts: dict[str, int]) -> None:
    """Nothing open, one account, many currencies: all are well-formed pages."""
    page = page_of(accounts=accounts)
    assert (page.faults, page.open) == ([], [])
    assert page.tags["section"] == len(accounts)
    assert page.tags["article"] == sum(min(count, 20) for count in accounts.values())
    assert ("no open item" in page.text) == (not accounts)


def test_names_are_text_and_never_code(page_of: Callable[..., Page]) -> None:
    """Hostile names are shown letter by letter and add no tag, attribute or template code."""
    page = page_of(accounts={"USD": len(HOSTILE)}, names=HOSTILE)
    for name in HOSTILE:
        assert name in page.text
    assert page.tags["script"] == page.tags["img"] == page.tags["b"] == 0
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert (page.faults, page.open) == ([], [])


def test_the_page_asks_for_nothing_outside(scoring_of: Callable[..., Path], tmp_path: Path) -> None:
    """No address, no script, no import: the file alone is the report."""
    out = write_report(scoring_of(accounts={"USD": 5, "EUR": 5}), tmp_path / "r.html")
    html = out.read_text("utf-8")
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "@import" not in html
    page = Page(html)
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
    links = [value for name, value in page.attributes if name in ("href", "src")]
    assert links
    assert all(link.startswith("#") for link in links)


def test_every_link_has_its_target_and_ids_are_unique(page_of: Callable[..., Page]) -> None:
    """Rows of the worklist lead to their cards; screen readers find each chart's words."""
    page = page_of(accounts={"USD": 5, "EUR": 5})
    ids = Counter(value for name, value in page.attributes if name == "id")
    assert max(ids.values()) == 1
    wanted = [value[1:] for name, value in page.attributes if name == "href"]
    labelled = [
        v for name, value in page.attributes if name == "aria-labelledby" for v in value.split()
    ]
    assert set(wanted) | set(labelled) <= set(ids)


def test_the_page_shows_the_sums_of_the_tables(
    scoring_of: Callable[..., Path], tmp_path: Path
) -> None:
    """The totals on the page are the parquet's sums, to the cent."""
    folder = scoring_of(accounts={"USD": 12})
    page = Page(write_report(folder, tmp_path / "r.html").read_text("utf-8"))
    items = pd.read_parquet(folder / "items.parquet")
    for column in ("open_balance", "collectible", "dollars_at_risk"):
        assert f"{round(items[column].sum(), 2):,.2f}" in page.text


def test_the_page_says_what_it_is_not(page_of: Callable[..., Page]) -> None:
    """Priorities are expectations; unproven clocks and a missing model are named."""
    usual = page_of(accounts={"USD": 1}).text
    assert "They are not measured effects of collecting" in usual
    assert "Point-in-time unproven" not in usual
    unproven = page_of(accounts={"USD": 1}, unproven=("receipts", "receipt_returns")).text
    assert "Point-in-time unproven" in unproven
    assert "receipts, receipt returns" in unproven
    matrix = page_of(accounts={"USD": 1}, fallback="matrix: no model is trained").text
    assert "The roll-rate matrix answered" in matrix


def test_the_same_scores_give_the_same_bytes(
    scoring_of: Callable[..., Path], tmp_path: Path
) -> None:
    """No clock and no machine path gets into the page; nothing is left beside it."""
    folder = scoring_of(accounts={"USD": 3})
    first = write_report(folder, tmp_path / "out" / "a.html").read_bytes()
    second = write_report(folder, tmp_path / "out" / "b.html").read_bytes()
    assert first == second
    assert str(tmp_path).encode() not in first
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.html", "b.html"]
