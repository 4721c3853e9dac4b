"""Requests made from the API's own description get the answers that it describes."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.conftest import Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def description(server: Server) -> Any:  # noqa: ANN401 (schemathesis' own class)
    """The API as the running service describes it."""
    return schemathesis.openapi.from_dict(server.get("/docs.json").json())


@pytest.mark.parametrize("route", ["/v1/score", "/v1/worklist", "/v1/explain", "/v1/outcomes"])
def test_every_described_request_is_answered_as_described(
    description: Any,  # noqa: ANN401 (schemathesis' own class)
    server: Server,
    route: str,
) -> None:
    """No server error, no undescribed status, type or body, whatever the description allows."""
    headers = {"Authorization": f"Bearer {server.keys['manager']}"}

    @settings(
        max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=description[route]["POST"].as_strategy())
    def asks(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=server.url, headers=headers, checks=CHECKS)

    asks()
