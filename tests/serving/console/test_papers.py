import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from models.home import VARIABLE
from serving.cli import main
from serving.console.papers import account_paper, high_risk_paper, portfolio_paper
from serving.console.past import Past
from serving.console.served import Served
from serving.online import TEXT, Column
from tests.serving.conftest import Installation
from tests.serving.console.test_pages import riskiest
from tests.serving.reports.test_render import Page


def papers(served: Served, past: Past) -> dict[str, str]:
    """Return every paper by its name."""
    return {
        "portfolio": portfolio_paper(served, past, served.currencies),
        "high-risk": high_risk_paper(served, top=20)[0],
        "account": account_paper(served, riskiest(served)),
    }


def test_papers_stand_alone_and_say_what_they_are(served: Served, past: Past) -> None:
    """No address, no script; day, model, definitions of every figure, and a box to sign."""
    manifest = served.pair.manifest
    for name, html in papers(served, past).items():
        page = Page(html)
        assert (page.faults, page.open) == ([], []), name
        assert "http://" not in html.replace("http://www.w3.org", ""), name
        assert "https://" not in html, name
        assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
        links = [v for k, v in page.attributes if k in ("href", "src")]
        assert [link for link in links if not link.startswith("#")] == [], name
        text = page.text
        assert f"Model version{manifest.model_version}" in re.sub(r"\s+", "", text).replace(
            "Modelversion", "Model version"
        )
        for wanted in ("Sign-off", "Signature", "Definitions", "Collectible", "P roll"):
            assert wanted in text, (name, wanted)
        assert f"as of {manifest.as_of}" in html
        assert "counter(pages)" in html


def test_the_same_snapshot_gives_the_same_paper(served: Served, past: Past) -> None:
    """No clock and no path of this machine gets in."""
    first = papers(served, past)
    assert papers(served, past) == first
    assert all(served.pair.manifest.ledger not in html for html in first.values())


def test_redacted_papers_name_nobody(served: Served) -> None:
    """No account, invoice, name or collector is left; money and reasons stay."""
    account = riskiest(served)
    entry = served.pair.table.account(account, 0)[0]
    for html in (
        high_risk_paper(served, top=30, redact=True)[0],
        account_paper(served, account, redact=True),
    ):
        words = Page(html).text
        for pattern in (r"A-\d{4,}", r"INV-\d+", r"C-\d\d\b"):
            assert re.findall(pattern, words) == []
        assert str(entry["name"]) not in words
        assert "At risk" in words
    whole = account_paper(served, account)
    assert account in whole


def test_hostile_names_are_text(served: Served) -> None:
    """A name that looks like markup is shown letter by letter."""
    name = "</style><script>alert(1)</script>"
    table = served.pair.table
    names = Column(pa.array([name] * len(table.accounts["name"]), TEXT))
    renamed = replace(table, accounts={**table.accounts, "name": names})
    hostile = replace(served, pair=replace(served.pair, table=renamed))
    page = Page(account_paper(hostile, riskiest(served)))
    assert page.tags["script"] == 0
    assert name in page.text


@pytest.mark.parametrize("report", [["portfolio"], ["high-risk", "--top", "5"], ["account"]])
def test_the_command_writes_every_paper(
    installation: Installation,
    served: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    report: list[str],
) -> None:
    """HTML by its name; the answer names day, model and file."""
    monkeypatch.setenv(VARIABLE, str(installation.home.path))
    if report == ["account"]:
        report = ["account", riskiest(served), "--redact"]
    out = tmp_path / "paper.html"
    result = CliRunner().invoke(main, ["report", *report, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "model version" in result.output
    assert "</html>" in out.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["paper.html"]


def test_the_command_says_what_is_not_there(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown accounts and currencies end with 1 and the next step; nothing is written."""
    monkeypatch.setenv(VARIABLE, str(installation.home.path))
    out = str(tmp_path / "paper.html")
    unknown = CliRunner().invoke(main, ["report", "account", "nobody", "--out", out])
    assert (unknown.exit_code, "high-risk" in unknown.output) == (1, True)
    currency = CliRunner().invoke(main, ["report", "portfolio", "--currency", "XXX", "--out", out])
    assert (currency.exit_code, "Currencies:" in currency.output) == (1, True)
    wrong = CliRunner().invoke(main, ["report", "high-risk", "--top", "0", "--out", out])
    assert wrong.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_a_pdf_without_chromium_is_refused_before_the_work(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what is missing and how to go on without it."""
    monkeypatch.setenv(VARIABLE, str(installation.home.path))
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "paper.pdf"
    result = CliRunner().invoke(main, ["report", "high-risk", "--out", str(out)])
    assert result.exit_code == 1
    assert "A PDF needs Chromium" in result.output
    assert not out.exists()
