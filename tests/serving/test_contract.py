"""What callers rely on besides the numbers: keys, pages, limits, feedback, docs, counts, logs."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
import pytest

from models.home import Home
from serving.auth import create_key, rotate_key
from tests.serving.conftest import (
    MADE_ON,
    Installation,
    Server,
    environment,
    error_of,
    rows_of,
)


def post(
    server: Server,
    route: str,
    body: object,
    *,
    idempotency_key: str = "",
    key: str = "",
) -> httpx.Response:
    """Post with an idempotency key, or with another API key."""
    headers = {"Authorization": f"Bearer {key or server.keys['manager']}"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    return httpx.post(server.url + route, json=body, headers=headers, timeout=60)


def audit_rows(installation: Installation, request_id: str) -> int:
    """Return how many rows the store has of a request id."""
    with sqlite3.connect(installation.home.audit) as connection:
        query = "select count(*) from scores where request_id = ?"
        (count,) = connection.execute(query, [request_id]).fetchone()
    connection.close()
    return int(count)


def test_a_repeated_request_gets_its_first_answer_byte_for_byte(
    server: Server, installation: Installation
) -> None:
    """With one row in the audit store; another caller's key of the same name is another key."""
    body = {"account_ids": ["A-000003"]}
    first = post(server, "/v1/score", body, idempotency_key="job-1")
    again = post(server, "/v1/score", body, idempotency_key="job-1")
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert audit_rows(installation, first.json()["request_id"]) == 1
    assert audit_rows(installation, again.headers["x-request-id"]) == int(
        again.headers["x-request-id"] == first.json()["request_id"]
    )
    analyst = post(server, "/v1/score", body, idempotency_key="job-1", key=server.keys["analyst"])
    assert "idempotent-replayed" not in analyst.headers


def test_a_key_is_for_one_request(server: Server) -> None:
    """Another body or route under it is refused, and so is a key that is none."""
    post(server, "/v1/score", {"account_ids": ["A-000003"]}, idempotency_key="job-2")
    other = post(server, "/v1/score", {"account_ids": ["A-000005"]}, idempotency_key="job-2")
    assert error_of(other, 422)["code"] == "idempotency_mismatch"
    refused = post(server, "/v1/score", {"account_ids": ["A-000003"]}, idempotency_key="a b")
    assert error_of(refused, 400)["details"][0]["where"] == "header Idempotency-Key"


def test_requests_that_race_under_one_key_get_one_answer(server: Server) -> None:
    """Eight at once: the same bytes for all."""
    told: list[bytes] = []

    def ask() -> None:
        response = post(server, "/v1/worklist", {"capacity": 3}, idempotency_key="race")
        told.append(response.content)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8
    assert len(set(told)) == 1


def test_pages_make_up_the_list(server: Server) -> None:
    """Each account once, in order, and the cursor of another list is refused."""
    whole = post(server, "/v1/worklist", {"capacity": 10}).json()
    assert whole["next_cursor"] is None
    pages: list[dict[str, Any]] = []
    cursor = None
    while not pages or cursor is not None:
        asked = {"capacity": 10, "page_size": 4, "cursor": cursor}
        pages.append(post(server, "/v1/worklist", asked).json())
        cursor = pages[-1]["next_cursor"]
    assert [len(page["accounts"]) for page in pages] == [4, 4, 2]
    assert [entry for page in pages for entry in page["accounts"]] == whole["accounts"]
    stale = post(server, "/v1/worklist", {"capacity": 9, "cursor": pages[0]["next_cursor"]})
    assert error_of(stale, 409)["code"] == "stale_cursor"
    for cursor in ("", "!", "bm8", "WyJ4IiwtMV0", "ё"):
        broken = post(server, "/v1/worklist", {"capacity": 9, "cursor": cursor})
        assert error_of(broken, 400)["details"][0]["where"] == "cursor"


def test_what_collectors_tell_is_stored_with_who_told_it(
    server: Server, installation: Installation
) -> None:
    """All kinds at once, once however often it is sent; misspelt accounts are told."""
    records = [
        {"kind": "outcome", "account_id": "A-000003", "outcome": "promised", "by": "Kim"},
        {"kind": "override", "account_id": "A-000003", "action": "email", "reason": "No phone."},
        {"kind": "outcome", "account_id": "A-0", "outcome": "reached"},
    ]
    first = post(server, "/v1/outcomes", {"records": records}, idempotency_key="told-1")
    assert first.status_code == 200, first.text
    answer = first.json()
    assert (answer["stored"], answer["not_listed"]) == (3, ["A-0"])
    again = post(server, "/v1/outcomes", {"records": records}, idempotency_key="told-1")
    assert again.content == first.content
    with sqlite3.connect(installation.home.audit) as connection:
        query = "select kind, account_id, caller, record from feedback where request_id = ?"
        rows = connection.execute(query, [answer["request_id"]]).fetchall()
    connection.close()
    assert [row[:3] for row in rows] == [
        ("outcome", "A-000003", "manager"),
        ("override", "A-000003", "manager"),
        ("outcome", "A-0", "manager"),
    ]
    assert json.loads(rows[0][3])["by"] == "Kim"
    assert json.loads(rows[1][3])["by"] == "manager"


def test_an_account_that_is_put_off_leaves_the_list_until_it_is_taken_back(
    server: Server, installation: Installation
) -> None:
    """The snooze reaches the next list, ends its cursors, and a list of before is replayed."""
    asked = {"capacity": 10, "page_size": 5}
    before = post(server, "/v1/worklist", asked).json()
    first = before["accounts"][0]["account_id"]
    snooze = {"kind": "snooze", "account_id": first, "reason": "Closed.", "until": "2999-01-01"}
    assert post(server, "/v1/outcomes", {"records": [snooze]}).status_code == 200
    listed = {
        entry["account_id"] for entry in post(server, "/v1/worklist", asked).json()["accounts"]
    }
    assert first not in listed
    stale = post(server, "/v1/worklist", asked | {"cursor": before["next_cursor"]})
    assert error_of(stale, 409)["code"] == "stale_cursor"
    taken_back = snooze | {"until": "2000-01-01"}
    post(server, "/v1/outcomes", {"records": [taken_back]})
    after = post(server, "/v1/worklist", asked).json()
    assert after["accounts"] == before["accounts"]
    assert rollrisk(installation.home, "replay", before["request_id"]).returncode == 0


def test_records_that_break_a_rule_are_refused_together(server: Server) -> None:
    """Nothing of the request is stored, and card numbers are not said again."""
    records = [
        {"kind": "outcome", "account_id": "A-000003", "outcome": "reached"},
        {"kind": "snooze", "account_id": "A-000003"},
        {"kind": "outcome", "account_id": "4111111111111111", "outcome": "reached"},
        {"kind": "outcome", "account_id": "A\x00", "outcome": "danced"},
        {
            "kind": "snooze",
            "account_id": "A-000003",
            "reason": "pays with 4111 1111 1111 1111",
            "until": "2025-01-01",
        },
    ]
    response = post(server, "/v1/outcomes", {"records": records})
    error = error_of(response, 422)
    assert error["code"] == "feedback"
    assert {detail["where"] for detail in error["details"]} == {
        "records.1.reason",
        "records.1.until",
        "records.2.account_id",
        "records.3.account_id",
        "records.3.outcome",
        "records.4.reason",
    }
    assert "4111" not in response.text
    assert error_of(server.post("/v1/outcomes", {"records": records}, "scorer"), 403)


def test_a_caller_who_asks_too_often_waits(server: Server, installation: Installation) -> None:
    """429 with how long; others are not held up."""
    key = create_key(installation.home.keys, "slow", "scorer", today=MADE_ON, per_minute=2)
    body = {"account_ids": ["A-000003"]}
    statuses = [post(server, "/v1/score", body, key=key).status_code for _ in range(2)]
    assert statuses == [200, 200]
    refused = post(server, "/v1/score", body, key=key)
    assert error_of(refused, 429)["code"] == "busy"
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert server.post("/v1/score", body, "scorer").status_code == 200


def test_a_key_is_rotated_without_a_request_lost(
    server: Server, installation: Installation
) -> None:
    """Old and new open at once while the service runs."""
    from datetime import UTC, datetime, timedelta

    old = create_key(installation.home.keys, "turning", "scorer", today=MADE_ON)
    body = {"account_ids": ["A-000003"]}
    now = datetime.now(UTC)
    new = rotate_key(installation.home.keys, "turning", now=now, overlap=timedelta(hours=1))
    assert [post(server, "/v1/score", body, key=key).status_code for key in (old, new)] == [200] * 2
    newest = rotate_key(installation.home.keys, "turning", now=now, overlap=timedelta(0))
    statuses = [post(server, "/v1/score", body, key=key).status_code for key in (old, new, newest)]
    assert statuses == [401, 401, 200]


def test_answers_of_the_running_service_are_replayed_to_the_bit(
    server: Server, installation: Installation
) -> None:
    """From the command line, with the exit code; an unknown id ends with 1."""
    answers = [
        post(server, "/v1/worklist", {"capacity": 3, "page_size": 2}),
        post(
            server,
            "/v1/score",
            {
                "account_ids": ["A-000003"],
                "as_of": installation.as_of.isoformat(),
                "ledger": rows_of(installation, "A-000003"),
            },
        ),
    ]
    for answer in answers:
        shown = rollrisk(installation.home, "replay", answer.json()["request_id"], "--show")
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.strip().encode() == answer.content
        assert "Reproduced to the bit." in shown.stderr
    unknown = rollrisk(installation.home, "replay", "nothing-of-the-kind")
    assert unknown.returncode == 1
    assert "No answer is called" in unknown.stderr


def rollrisk(home: Home, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line on a home."""
    return subprocess.run(
        [sys.executable, "-m", "serving.cli", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_metrics_say_what_was_given_out(server: Server) -> None:
    """Latency by stage, scores by bucket, holds, audit lag, the served day."""
    server.post("/v1/worklist", {"capacity": 50, "include_held": True})
    server.post("/v1/score", {"account_ids": ["A-000003"]})
    text = server.get("/metrics").text
    for line in (
        'rollrisk_stage_seconds_count{route="/v1/score",stage="answer"}',
        'rollrisk_stage_seconds_count{route="/v1/score",stage="audit"}',
        'rollrisk_scores_total{bucket="1-30"}',
        "rollrisk_holds_total{hold=",
        "rollrisk_audit_lag_seconds",
        "rollrisk_snapshot_as_of_seconds",
    ):
        assert line in text, f"{line} is missing"


def test_every_request_is_one_line_of_json_with_its_id(server: Server) -> None:
    """Caller, route, status and time; neither key nor query."""
    key = server.keys["scorer"]
    headers = {"Authorization": f"Bearer {key}", "X-Request-ID": "line-of-the-log"}
    body = {"account_ids": ["A-000003"]}
    httpx.post(server.url + "/v1/score?token=s3cret", json=body, headers=headers, timeout=60)
    # The line is written once the answer has left.
    for _ in range(50):
        text = server.log.read_text()
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        mine = [entry for entry in lines if entry.get("request_id") == "line-of-the-log"]
        if mine:
            break
        time.sleep(0.1)
    (line,) = mine
    assert (line["caller"], line["path"], line["status"]) == ("scorer", "/v1/score", 200)
    assert line["milliseconds"] > 0
    assert "s3cret" not in text
    assert key not in text


@pytest.mark.parametrize("route", ["/v1/score", "/v1/worklist", "/v1/explain", "/v1/outcomes"])
def test_the_description_of_every_route_is_whole(server: Server, route: str) -> None:
    """Text, examples, keys, headers, every refusal in the one shape, every field described."""
    spec = server.get("/docs.json").json()
    operation = spec["paths"][route]["post"]
    assert "Roles:" in operation["description"]
    assert operation["security"] == [{"bearer": []}, {"key": []}]
    assert {"Idempotency-Key", "X-Request-ID"} == {p["name"] for p in operation["parameters"]}
    refusals = {"400", "401", "403", "404", "408", "409", "413", "422", "429", "500", "503"}
    assert refusals | {"200"} == set(operation["responses"])
    for status in refusals:
        content = operation["responses"][status]["content"]["application/json"]
        assert content["schema"]["$ref"].endswith("/ErrorResponse")
    assert "Retry-After" in operation["responses"]["429"]["headers"]
    body = operation["requestBody"]["content"]["application/json"]
    assert all(example["value"] for example in body["examples"].values())
    for name, field in body["schema"]["properties"].items():
        assert field.get("description") or "$ref" in json.dumps(field), f"{name} is not described"
