"""The service as callers meet it: a real server, real keys, a trained model."""

import hashlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pandas as pd
import pytest

from models.home import Home
from models.snapshot import CURRENT, read_snapshot_model
from serving.auth import read_keys, revoke_key
from serving.policy import read_policy
from serving.schemas import ScoreResponse, WorklistResponse
from serving.schemas_explain import ExplainResponse
from serving.worklist_capacity import fill_capacity
from tests.serving.conftest import (
    MADE_ON,
    Installation,
    Server,
    error_of,
    publish,
    rows_of,
    start,
    stop,
    wait_for,
)


@pytest.fixture(scope="module")
def accounts(installation: Installation) -> pd.DataFrame:
    """accounts.parquet of the published snapshot."""
    return pd.read_parquet(installation.snapshot / "accounts.parquet")


@pytest.fixture(scope="module")
def items(installation: Installation) -> pd.DataFrame:
    """items.parquet of the published snapshot, by invoice."""
    return pd.read_parquet(installation.snapshot / "items.parquet").set_index("invoice_id")


def answer_of(response: httpx.Response) -> dict[str, Any]:
    """Return an answer after checking what every answer must have."""
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = json.loads(response.content)
    assert answer["request_id"] == response.headers["x-request-id"]
    for name in ("model_version", "as_of", "feature_digest", "ledger_digest"):
        assert answer[name]
    return answer


def test_scores_are_those_of_the_snapshot_bit_for_bit(
    server: Server, accounts: pd.DataFrame, items: pd.DataFrame
) -> None:
    """Every account, every item, every probability, every cent."""
    ids = list(dict.fromkeys(accounts["account_id"]))[::-1]
    response = server.post("/v1/score", {"account_ids": ids}, "scorer")
    ScoreResponse.model_validate_json(response.content)
    told = answer_of(response)["accounts"]
    assert [entry["account_id"] for entry in told] == ids
    stored = accounts.set_index("account_id")
    seen = 0
    for entry in told:
        row = stored.loc[entry["account_id"]]
        assert _same(entry["p_roll"], row["p_roll"])
        assert entry["dollars_at_risk"] == f"{row['dollars_at_risk']:.2f}"
        families = [reason["family"] for reason in entry["reasons"]]
        assert families[-2:] == ["other", "base"]
        cents = sum(round(float(reason["dollars"]) * 100) for reason in entry["reasons"])
        assert cents == round(row["dollars_at_risk"] * 100)
        for item in entry["items"]:
            seen += 1
            scored = items.loc[item["invoice_id"]]
            for name in items.columns:
                if name.startswith("p_"):
                    assert _same(item[name], scored[name])
            assert item["collectible"] == f"{scored['collectible']:.2f}"
    assert seen == len(items)


def _same(told: float | None, stored: float) -> bool:
    return pd.isna(stored) if told is None else told == stored


def test_rows_sent_score_as_the_snapshot(server: Server, installation: Installation) -> None:
    """The rows of an account give the same accounts, items and reasons as its id."""
    for account_id in ("A-000003", "A-000005"):
        by_id = answer_of(server.post("/v1/score", {"account_ids": [account_id]}))
        body = {
            "account_ids": [account_id],
            "as_of": installation.as_of.isoformat(),
            "ledger": rows_of(installation, account_id),
        }
        by_rows = answer_of(server.post("/v1/score", body))
        for name in ("accounts", "model_version", "as_of", "feature_digest"):
            assert json.dumps(by_rows[name]) == json.dumps(by_id[name])
        assert by_rows["ledger_digest"] != by_id["ledger_digest"]


def test_the_worklist_fills_the_capacity_by_lanes(
    server: Server, accounts: pd.DataFrame, installation: Installation
) -> None:
    """Same accounts in the same order as the batch rule gives, with shares that sum to 1."""
    policy = read_policy()
    response = server.post("/v1/worklist", {"capacity": 10}, "analyst")
    WorklistResponse.model_validate_json(response.content)
    told = answer_of(response)
    expected = fill_capacity(accounts, policy, 10, on=installation.as_of)
    assert [e["account_id"] for e in told["accounts"]] == expected["account_id"].to_list()
    assert [e["position"] for e in told["accounts"]] == list(range(1, 11))
    assert [e["rank"] for e in told["accounts"]] == expected["rank"].to_list()
    assert {lane["lane"]: lane["seats"] for lane in told["lanes"]} == policy.seats(10)
    assert sum(lane["share"] for lane in told["lanes"]) == pytest.approx(1)
    assert sum(lane["listed"] for lane in told["lanes"]) == 10
    assert all(entry["action"] and entry["reasons"] for entry in told["accounts"])
    for entry in told["accounts"]:
        cents = sum(round(100 * float(item["value"])) for item in entry["why_ranked"])
        assert cents == round(100 * float(entry["priority_value"]))


def test_the_worklist_is_cut_by_collector_and_segment(
    server: Server, accounts: pd.DataFrame
) -> None:
    """Held accounts come only when they are asked for."""
    collector = accounts["collector"].mode()[0]
    segment = accounts.loc[accounts["collector"] == collector, "segment"].mode()[0]
    body = {"collector": collector, "segment": segment, "include_held": True}
    told = answer_of(server.post("/v1/worklist", body))["accounts"]
    own = accounts.query("collector == @collector and segment == @segment and lane != ''")
    assert {entry["account_id"] for entry in told} == set(own["account_id"])
    everyone = answer_of(server.post("/v1/worklist", {"capacity": 10_000}))["accounts"]
    assert all(entry["hold"] == "" for entry in everyone)
    nobody = answer_of(server.post("/v1/worklist", {"collector": "nobody"}))
    assert nobody["accounts"] == []


def test_an_explanation_has_families_norms_and_ledger_rows(server: Server) -> None:
    """The shape is the documented one and the ledger was read."""
    response = server.post("/v1/explain", {"account_id": "A-000003"}, "analyst")
    ExplainResponse.model_validate_json(response.content)
    told = answer_of(response)
    assert told["notes"] == []
    families = {family["family"]: family for family in told["families"]}
    assert families["payment_timing"]["evidence"]["applications"]
    features = {f["name"]: f for f in families["payment_timing"]["features"]}
    assert features["dbt_mean"]["own_norm"] is not None
    assert features["dbt_mean"]["segment_median"] is not None


ROWS = {"accounts": [{"account_id": "A"}], "invoices": [], "applications": []}
ERRORS: dict[str, tuple[str, Any, str | None, int, str]] = {
    "no key": ("/v1/score", {}, None, 401, "unauthenticated"),
    "wrong role": ("/v1/worklist", {}, "scorer", 403, "forbidden"),
    "wrong role, explain": ("/v1/explain", {"account_id": "A"}, "scorer", 403, "forbidden"),
    "unknown account": (
        "/v1/score",
        {"account_ids": ["A-000003", "X"]},
        "scorer",
        404,
        "unknown_account",
    ),
    "unknown account, explain": (
        "/v1/explain",
        {"account_id": "X"},
        "analyst",
        404,
        "unknown_account",
    ),
    "unknown invoice": (
        "/v1/explain",
        {"account_id": "A-000003", "invoice_id": "X"},
        "analyst",
        404,
        "unknown_invoice",
    ),
    "a scenario that the books do not allow": (
        "/v1/explain",
        {"account_id": "A-000003", "what_if": [{"kind": "dispute_closes", "currency": "XXX"}]},
        "analyst",
        422,
        "impossible_scenario",
    ),
    "an amount that is no money": (
        "/v1/explain",
        {
            "account_id": "A-000003",
            "what_if": [{"kind": "pays", "currency": "USD", "amount": "1e9"}],
        },
        "analyst",
        400,
        "malformed",
    ),
    "unknown account, rows": (
        "/v1/score",
        {"account_ids": ["A"], "as_of": "2024-12-31", "ledger": ROWS},
        "scorer",
        404,
        "unknown_account",
    ),
    "unknown as_of": (
        "/v1/score",
        {"account_ids": ["A-000003"], "as_of": "2001-01-01"},
        "scorer",
        404,
        "unknown_as_of",
    ),
    "unknown route": ("/v1/nothing", {}, "manager", 404, "unknown_route"),
    "unknown key": (
        "/v1/score",
        {"account_ids": ["A"], "accounts": []},
        "scorer",
        400,
        "malformed",
    ),
    "no accounts": ("/v1/score", {"account_ids": []}, "scorer", 400, "malformed"),
    "rows without as_of": (
        "/v1/score",
        {"account_ids": ["A"], "ledger": ROWS},
        "scorer",
        400,
        "malformed",
    ),
    "too many accounts": (
        "/v1/score",
        {"account_ids": [str(n) for n in range(1001)]},
        "scorer",
        413,
        "too_large",
    ),
    "too many rows": (
        "/v1/score",
        {
            "account_ids": ["A"],
            "as_of": "2024-12-31",
            "ledger": {**ROWS, "contacts": [{}] * 200_001},
        },
        "scorer",
        413,
        "too_large",
    ),
    "too many bytes": (
        "/v1/score",
        {"account_ids": ["x" * 10_000_001]},
        "scorer",
        413,
        "too_large",
    ),
    "broken rows": (
        "/v1/score",
        {
            "account_ids": ["A"],
            "as_of": "2024-12-31",
            "ledger": {**ROWS, "credits": [{"credit_id": "C"}]},
        },
        "scorer",
        422,
        "ledger_contract",
    ),
    "secrets": (
        "/v1/score",
        {
            "account_ids": ["A"],
            "as_of": "2024-12-31",
            "ledger": {**ROWS, "accounts": [{"account_id": "A", "name": "5555 5555 5555 4444"}]},
        },
        "scorer",
        422,
        "sensitive_data",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_have_one_shape(server: Server, case: str) -> None:
    """Status and code as documented; what is wrong is in the details."""
    route, body, role, status, code = ERRORS[case]
    error = error_of(server.post(route, body, role), status)  # type: ignore[arg-type]
    assert error["code"] == code
    assert error["message"]
    if code in {"unknown_account", "unknown_as_of", "too_large", "ledger_contract"}:
        assert error["details"]


def test_unknown_things_are_named(server: Server, installation: Installation) -> None:
    """The 404s say which account, and which dates are at hand."""
    error = error_of(server.post("/v1/score", {"account_ids": ["A-000003", "X"]}), 404)
    assert [(d["where"], d["value"]) for d in error["details"]] == [("account_ids.1", "X")]
    body = {"account_ids": ["A-000003"], "as_of": "2001-01-01"}
    error = error_of(server.post("/v1/score", body), 404)
    assert str(installation.as_of) in error["message"]
    assert str(installation.as_of) in error["details"][0]["rule"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'{"account_ids": ["A"]} x', b"\xff\xfe"])
def test_what_is_no_request_is_malformed(server: Server, body: bytes) -> None:
    """400 in the one shape, for every way of not being JSON of the right form."""
    headers = {"X-API-Key": server.keys["scorer"], "Content-Type": "application/json"}
    response = httpx.post(server.url + "/v1/score", content=body, headers=headers)
    assert error_of(response, 400)["code"] == "malformed"


def test_forms_are_no_requests(server: Server) -> None:
    """The error says which header to send."""
    headers = {"X-API-Key": server.keys["scorer"]}
    response = httpx.post(server.url + "/v1/score", data={"account_ids": "A"}, headers=headers)
    assert "application/json" in error_of(response, 400)["message"]


def test_each_answer_is_in_the_audit_store_with_its_digest(
    server: Server, installation: Installation
) -> None:
    """By the time the answer is here, the row is on disk; refusals leave none."""
    answers = [
        server.post("/v1/score", {"account_ids": ["A-000003"]}, "scorer"),
        server.post("/v1/worklist", {"capacity": 3}, "analyst"),
        server.post("/v1/explain", {"account_id": "A-000003"}, "manager"),
    ]
    refused = server.post("/v1/score", {"account_ids": ["X"]}, "scorer")
    with sqlite3.connect(installation.home.audit) as connection:
        connection.row_factory = sqlite3.Row
        rows = {row["request_id"]: row for row in connection.execute("select * from scores")}
    connection.close()
    for answer, caller in zip(answers, ("scorer", "analyst", "manager"), strict=True):
        row = rows[answer.headers["x-request-id"]]
        assert row["response_sha256"] == hashlib.sha256(answer.content).hexdigest()
        assert row["caller"] == caller
        assert row["model_version"] == answer.json()["model_version"]
        assert row["snapshot"] == installation.snapshot.name
    assert json.loads(rows[answers[0].headers["x-request-id"]]["account_ids"]) == ["A-000003"]
    assert len(json.loads(rows[answers[1].headers["x-request-id"]]["account_ids"])) == 3
    assert refused.headers["x-request-id"] not in rows


def test_the_api_description_is_whole(server: Server) -> None:
    """Three routes with examples, errors in the one shape, and no model without a name."""
    spec = server.get("/docs.json").json()
    text = json.dumps(spec)
    for route in ("/v1/score", "/v1/worklist", "/v1/explain"):
        post = spec["paths"][route]["post"]
        content = post["requestBody"]["content"]["application/json"]
        assert content["examples"]
        assert content["schema"]["properties"]
        answer = post["responses"]["200"]["content"]["application/json"]["schema"]
        assert answer["example"]["request_id"]
        assert {"400", "401", "403", "404", "413", "422", "503"} <= set(post["responses"])
        assert "ErrorResponse" in json.dumps(post["responses"]["422"])
    for reference in text.split('"$ref": "#/components/schemas/')[1:]:
        assert reference.split('"')[0] in spec["components"]["schemas"]
    assert "IODescriptor" not in text


def test_probes_and_metrics_are_open_on_loopback(server: Server) -> None:
    """Without a key."""
    for route in ("/livez", "/readyz", "/docs.json", "/metrics"):
        assert server.get(route).status_code == 200


def test_a_swap_drops_no_request_and_shows_no_mixture(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """From an empty home to a first snapshot to a second one, under requests."""
    folder = tmp_path_factory.mktemp("swap")
    home = Home(path=folder / "home")
    server = start(home, folder, {})
    try:
        key = server.log.read_text().split("shown this once:\n")[1].split("\n")[0]
        assert [(k.name, k.role) for k in read_keys(home.keys)] == [("first", "manager")]
        server = Server(
            url=server.url, log=server.log, process=server.process, keys={"manager": key}
        )
        _not_ready_until_published(server, home, installation)
        _swap_under_requests(server, home, installation)
        revoke_key(home.keys, "first", today=MADE_ON)
        error_of(server.post("/v1/worklist", {}), 401)
        _logs_nothing_secret(server, key)
    finally:
        stop(server)


def _not_ready_until_published(server: Server, home: Home, installation: Installation) -> None:
    assert server.get("/readyz").status_code == 503
    error = error_of(server.post("/v1/score", {"account_ids": ["A"]}), 503)
    assert error["code"] == "not_ready"
    assert "rollrisk score" in error["message"]
    error_of(server.get("/readyz"), 503)
    shutil.copytree(installation.snapshot, home.snapshots / installation.snapshot.name)
    (home.snapshots / CURRENT).write_text(installation.snapshot.name + "\n")
    wait_for(server, "/readyz", 200)


def _swap_under_requests(server: Server, home: Home, installation: Installation) -> None:
    earlier = installation.as_of - timedelta(days=31)
    seen: list[tuple[int, str, str]] = []
    done = threading.Event()

    def hammer() -> None:
        with httpx.Client(headers={"X-API-Key": server.keys["manager"]}, timeout=60) as client:
            while not done.is_set():
                response = client.post(server.url + "/v1/worklist", json={"capacity": 2})
                content = response.json()
                seen.append((response.status_code, content["as_of"], content["ledger_digest"]))

    threads = [threading.Thread(target=hammer) for _ in range(2)]
    for thread in threads:
        thread.start()
    publish(home, installation.ledger, earlier, read_snapshot_model(installation.snapshot))
    wait_for_as_of(server, earlier)
    done.set()
    for thread in threads:
        thread.join()
    assert {status for status, _, _ in seen} == {200}
    assert {as_of for _, as_of, _ in seen} == {str(installation.as_of), str(earlier)}


def wait_for_as_of(server: Server, as_of: date) -> None:
    """Wait until the snapshot of ``as_of`` is served."""
    for _ in range(300):
        if server.post("/v1/worklist", {"capacity": 1}).json()["as_of"] == str(as_of):
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"The snapshot of {as_of} was not taken up.")


def _logs_nothing_secret(server: Server, key: str) -> None:
    secrets = ["4111 1111 1111 1111", "hunter2"]
    rows = {**ROWS, "accounts": [{"account_id": "A", "name": secrets[0]}]}
    server.post("/v1/score", {"account_ids": ["A"], "as_of": "2024-01-31", "ledger": rows})
    server.post("/v1/score", {"account_ids": 5, "password": secrets[1], secrets[0]: 1})
    log = server.log.read_text().split("shown this once:\n")[1].partition("\n")[2]
    assert "/v1/score" in log
    for secret in (*secrets, key, "Traceback"):
        assert secret not in log


@pytest.fixture(autouse=True, scope="module")
def _no_traceback_in_the_log(server: Server) -> Iterator[None]:
    """No request of this module made the server fail."""
    yield
    assert "Traceback" not in server.log.read_text()
