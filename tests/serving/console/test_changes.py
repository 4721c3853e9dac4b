"""The page of changes asks what /v1/explain asks, and says what cannot be asked."""

import re
import shutil
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from features.ledger.read import open_ledger
from models.home import Home
from serving.batch import score_batch
from serving.console.changes import ChangesView, QuestionError, changes_view, read_question
from serving.console.render import render
from serving.console.served import Served
from serving.policy import read_policy
from tests.serving.conftest import Installation, Server


@pytest.fixture(scope="module")
def account_id(served: Served) -> str:
    """The account with most at risk."""
    table = served.pair.table
    return str(table.accounts["account_id"][table.accounts["dollars_at_risk"][:].argmax()])


def test_a_question_is_read_from_a_form() -> None:
    """Amounts as people write them; nothing asked is nothing; the rest is refused."""
    asked = read_question("pays", " 1,250.5 ", "EUR")
    assert asked is not None
    assert (asked.kind, asked.currency, asked.amount) == ("pays", "EUR", Decimal("1250.50"))
    kept = read_question("keeps_promise", "ignored", "EUR")
    assert kept is not None
    assert kept.amount is None
    assert read_question("", "", "EUR") is None
    for amount in ("", "0", "-5", "NaN", "Infinity", "abc", "1e30"):
        with pytest.raises(QuestionError, match="an amount above 0"):
            read_question("pays", amount, "EUR")
    with pytest.raises(QuestionError, match="Choose one"):
        read_question("drop table", "", "EUR")


def test_the_page_scores_what_the_service_scores(
    client: httpx.Client, server: Server, account_id: str
) -> None:
    """A payment changes the account on the page as in the answer of /v1/explain."""
    path = f"/changes/{account_id}?question=pays&amount=1000&format=json"
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    view = answer.json()["view"]
    explained = httpx.post(
        f"{server.url}/v1/explain",
        json={
            "account_id": account_id,
            "what_if": [{"kind": "pays", "currency": view["currency"], "amount": "1000.00"}],
        },
        headers={"Authorization": f"Bearer {server.keys['manager']}"},
        timeout=60,
    ).json()
    service = explained["what_if"][0]
    assert view["answer"]["sentence"] == service["sentence"]
    assert view["answer"]["moved"] == service["moved"]
    before, after = (view["answer"]["rows"][0][1], view["answer"]["rows"][0][2])
    assert (before, after) == (
        service["before"]["open_balance"], service["after"]["open_balance"]
    )  # fmt: skip


def test_what_cannot_be_asked_is_said(client: httpx.Client, account_id: str) -> None:
    """A wrong amount and an unknown account are refused in words."""
    wrong = client.get(f"/changes/{account_id}?question=pays&amount=none")
    assert wrong.status_code == 422
    assert "an amount above 0" in wrong.text
    assert client.get("/changes/nobody").status_code == 404


def test_without_an_earlier_scoring_the_page_says_so(client: httpx.Client, account_id: str) -> None:
    """The installation has one scoring: nothing to compare with, and a form to ask."""
    page = client.get(f"/changes/{account_id}")
    assert "no earlier scoring of this account" in page.text
    assert "A payment comes in" in page.text


@pytest.fixture(scope="module")
def moved(
    served: Served,
    installation: Installation,
    account_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> ChangesView:
    """The page beside a scoring of four weeks before, by the same model."""
    earlier = Home(path=tmp_path_factory.mktemp("earlier"))
    score_batch(
        open_ledger(installation.ledger),
        installation.as_of - timedelta(days=28),
        served.pair.bundle,
        read_policy(),
        earlier,
        ledger_path=installation.ledger,
        model_reference=served.pair.manifest.model,
    )
    shutil.copytree(installation.snapshot, earlier.snapshots / installation.snapshot.name)
    return changes_view(served, account_id, read_policy(), earlier.snapshots)


def test_the_steps_add_up_to_what_moved(moved: ChangesView) -> None:
    """From the amount of then to the amount of now, to the cent, a step at a time."""
    told = moved.moved
    assert told is not None
    assert told.after == moved.at_risk
    assert sum(step.amount.cents for step in told.steps) == told.moved.cents
    assert told.before.cents + told.moved.cents == told.after.cents
    assert told.moved.cents != 0
    assert [step.words for step in told.steps if step.amount.cents]
    assert "" not in [step.words for step in told.steps]


def test_the_page_shows_each_step_with_its_amount(moved: ChangesView, served: Served) -> None:
    """Words and amounts of every step stand on the page, and no missing value does."""
    html = render(
        "changes",
        view=moved,
        manifest=served.pair.manifest,
        page="changes",
        path="/changes",
        reader="ann",
        token="",
        currencies=served.currencies,
        currency=moved.currency,
    )
    text = re.sub(r"<[^>]+>", " ", html)
    assert moved.moved is not None
    for step in moved.moved.steps:
        assert step.words in text
        assert step.amount.signed in text
    assert "None" not in text
