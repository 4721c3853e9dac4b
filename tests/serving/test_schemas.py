"""Requests are strict, examples are true, and refusals never repeat what was sent."""

import json

import pytest
from pydantic import BaseModel, ValidationError

from serving.examples import EXAMPLES
from serving.schemas import (
    ErrorResponse,
    ExplainRequest,
    OutcomesRequest,
    OutcomesResponse,
    ScoreRequest,
    ScoreResponse,
    WorklistRequest,
    WorklistResponse,
)
from serving.schemas_explain import ExplainResponse

MODELS: dict[str, type[BaseModel]] = {
    "score": ScoreRequest,
    "score_rows": ScoreRequest,
    "worklist": WorklistRequest,
    "explain": ExplainRequest,
    "outcomes": OutcomesRequest,
    "outcomes_response": OutcomesResponse,
    "score_response": ScoreResponse,
    "worklist_response": WorklistResponse,
    "explain_response": ExplainResponse,
    "error": ErrorResponse,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_keeps_its_schema(name: str) -> None:
    """What /docs.json shows can be sent, or can come back."""
    MODELS[name].model_validate_json(json.dumps(EXAMPLES[name]))


@pytest.mark.parametrize(
    "body",
    [
        {"account_ids": []},
        {"account_ids": "A-1"},
        {"account_ids": [1]},
        {"account_ids": ["A-1"], "as_of": "31.12.2024"},
        {"account_ids": ["A-1"], "as_of": 20241231},
        {"account_ids": ["A-1"], "top_reasons": "5"},
        {"account_ids": ["A-1"], "ledger": {"accounts": {}}},
        {"account_ids": ["A-1"], "asof": "2024-12-31"},
        {},
    ],
)
def test_a_score_request_is_strict(body: object) -> None:
    """Nothing is guessed: no unknown keys, no numbers from text."""
    with pytest.raises(ValidationError):
        ScoreRequest.model_validate_json(json.dumps(body))


def test_errors_do_not_repeat_what_was_sent() -> None:
    """A card number in the wrong place is not in the error that may be logged."""
    with pytest.raises(ValidationError) as refused:
        ScoreRequest.model_validate_json('{"account_ids": 4111111111111111}')
    assert "4111" not in str(refused.value)


@pytest.mark.parametrize("capacity", [0, -1, 10_001, 2.5, True])
def test_capacity_is_a_whole_number_in_range(capacity: float) -> None:
    """From 1 to 10,000."""
    with pytest.raises(ValidationError):
        WorklistRequest.model_validate_json(json.dumps({"capacity": capacity}))
