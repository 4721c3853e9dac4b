"""The page of changes asks what /v1/explain asks, and says what cannot be asked."""

from decimal import Decimal

import httpx
import pytest

from serving.console.changes import QuestionError, read_question
from serving.console.served import Served
from tests.serving.conftest import Server


@pytest.fixture(scope="module")
def account_id(served: Served) -> str:
    """The account with most at risk."""
    table = served.pair.table
    return str(table.accounts["account_id"][table.accounts["dollars_at_risk"].argmax()])


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
