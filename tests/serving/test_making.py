"""What the gate answers at once is what the route answers, to the byte."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import making
from serving.audit import Audit
from serving.budget import Budget
from serving.making import SCORE, Maker
from serving.policy_text import known_policy
from serving.request_facts import RequestFacts
from serving.schemas import ScoreRequest
from serving.settings import Settings
from serving.store import Store
from tests.serving.conftest import Installation


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Audit]:
    """A store of this test's own."""
    made = Audit(tmp_path / "audit.db")
    yield made
    made.close()


@pytest.fixture
def maker(installation: Installation, audit: Audit) -> Iterator[Maker]:
    """Makes answers from the published pair."""
    store = Store(installation.home)
    store.refresh()
    made = Maker(Settings(home=installation.home), known_policy(None), audit, store)
    yield made
    made.close()
    store.close()


def facts_of(body: Any, **changes: Any) -> RequestFacts:  # noqa: ANN401 (any JSON value)
    """Return a request as the gate hands it on."""
    given = {"request_id": "request-1", "caller": "erp", "role": "scorer", "idempotency_key": ""}
    return RequestFacts(**given | changes, body=json.dumps(body).encode(), budget=Budget(60))


@pytest.mark.parametrize(
    "body",
    [
        {"account_ids": ["A-000003"]},
        {"account_ids": ["A-000003", "A-000004", "A-000003"], "top_reasons": 0},
        {"account_ids": ["nobody", "A-000003"]},
        {"account_ids": ["A-000003"], "as_of": "2001-01-01"},
    ],
    ids=["one", "several", "unknown", "another day"],
)
def test_at_once_and_by_the_route_the_answer_is_the_same(
    maker: Maker, audit: Audit, body: dict[str, Any]
) -> None:
    """The same bytes or the same refusal, and one row each for an answer."""
    facts = facts_of(body)
    at_once = asyncio.run(maker.give_at_once(facts))
    assert at_once is not None
    request = ScoreRequest.model_validate_json(facts.body)
    again = facts_of(body)
    by_route = maker.give(SCORE, lambda given: maker.scores(SCORE, request, given), again)
    assert (at_once.status, at_once.body) == (by_route.status, by_route.body)
    rows = audit.rows_of_request("request-1")
    assert len(rows) == (2 if at_once.status == 200 else 0)
    assert len({row["response_sha256"] for row in rows}) <= 1


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({"account_ids": ["A-000003"]}, {"idempotency_key": "k-1"}),
        ({"account_ids": [f"A-{number:06d}" for number in range(11)]}, {}),
        ({"account_ids": ["A-000003"], "as_of": "2024-12-31", "ledger": {}}, {}),
        ({"account_ids": []}, {}),
        ({"account_ids": ["A-000003"], "unknown": 1}, {}),
        ("no object", {}),
    ],
    ids=["key", "many", "rows", "none", "unknown key", "no object"],
)
def test_whatever_is_large_keyed_or_malformed_is_left_to_the_route(
    maker: Maker,
    audit: Audit,
    body: object,
    changes: dict[str, Any],
) -> None:
    """It is not answered, and not recorded."""
    assert asyncio.run(maker.give_at_once(facts_of(body, **changes))) is None
    assert audit.rows_of_request("request-1") == []


def test_an_account_of_many_items_is_left_to_the_route(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rendering them would keep everybody else waiting."""
    monkeypatch.setattr(making, "AT_ONCE_ITEMS", 0)
    assert asyncio.run(maker.give_at_once(facts_of({"account_ids": ["A-000003"]}))) is None
