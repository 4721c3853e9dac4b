"""Around the routes: a span for each request of the API that names it and nobody else."""

import json
import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from serving.auth import create_key
from tests.serving.conftest import Installation, environment

SCRIPT = """
import json, sys, warnings
warnings.simplefilter("ignore")
from bentoml._internal.configuration.containers import BentoMLContainer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

collected = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(collected))
BentoMLContainer.tracer_provider.set(provider)
from serving.service import RollRisk

key, account_id = sys.argv[1:]
app = RollRisk.to_asgi(is_main=True)
with TestClient(app, base_url="http://127.0.0.1") as client:
    headers = {"Authorization": f"Bearer {key}", "X-Request-ID": "traced-request-1"}
    found = client.post("/v1/score", json={"account_ids": [account_id]}, headers=headers)
    worked = {**headers, "X-Request-ID": "traced-request-2"}
    listed = client.post("/v1/worklist", json={"capacity": 1}, headers=worked)
    client.get(f"/accounts/{account_id}?q=Example%20Name")
    client.post("/v1/score", json={"account_ids": [account_id]})
    statuses = [found.status_code, listed.status_code]
spans = [json.loads(span.to_json()) for span in collected.get_finished_spans()]
print(json.dumps({"statuses": statuses, "spans": spans}))
"""


@pytest.fixture(scope="module")
def traced(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    """What a service with tracing told a collector, in a process of its own."""
    key = create_key(installation.home.keys, "traced", "manager", today=date(2025, 1, 1))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, key, "A-000003"],
        cwd=tmp_path_factory.mktemp("traced"),
        env=environment(installation.home)
        | {"ROLLRISK_TRACES_URL": "http://127.0.0.1:4318/v1/traces"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {"key": key, **json.loads(done.stdout.splitlines()[-1])}


def test_each_request_of_the_api_has_one_server_span_with_its_id(traced: Any) -> None:  # noqa: ANN401
    """The id is the answer's, so that a trace and an audit row find each other."""
    assert traced["statuses"] == [200, 200]
    served = [span for span in traced["spans"] if span["kind"] == "SpanKind.SERVER"]
    ids = [span["attributes"]["rollrisk.request_id"] for span in served]
    assert ids[:2] == ["traced-request-1", "traced-request-2"]
    assert len(served) == 3  # the refused one too; the console's page not
    assert [span["attributes"]["http.status_code"] for span in served] == [200, 200, 401]


def test_no_span_names_an_account_or_a_key(traced: Any) -> None:  # noqa: ANN401
    """Nor the caller, and nothing of the body."""
    told = json.dumps(traced["spans"])
    assert "traced-request-1" in told
    for secret in (traced["key"], "A-000003", "Example", '"traced"', "account_ids"):
        assert secret not in told


def test_without_a_collector_nothing_is_traced() -> None:
    """A span that nobody collects is not begun."""
    from opentelemetry.util.http import ExcludeList

    from serving.surroundings import tracing

    assert ExcludeList(tracing({})["excluded_urls"]).url_disabled("http://127.0.0.1/v1/score")
    urls = tracing({"ROLLRISK_TRACES_URL": "http://127.0.0.1:4318/v1/traces"})["excluded_urls"]
    assert not ExcludeList(urls).url_disabled("http://127.0.0.1:3000/v1/score")
    assert ExcludeList(urls).url_disabled("http://127.0.0.1:3000/accounts/A-1?next=/v1/score")
