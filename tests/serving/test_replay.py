"""An answer is made again to the bit, or what is gone is named."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from models.home import Home
from serving.answering import REQUESTS, Ground, answer, encode
from serving.audit import Audit
from serving.audit_schema import KEPT, SCORES
from serving.policy_text import known_policy
from serving.record import given_of, kept_of
from serving.replay import UnknownRequestError, replay
from serving.settings import Settings
from serving.store import load_snapshot
from tests.serving.conftest import Installation, rows_of

AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def copied(installation: Installation, tmp_path: Path) -> Home:
    """A home of its own with the snapshot."""
    name = installation.snapshot.name
    shutil.copytree(installation.snapshot, tmp_path / "home" / "snapshots" / name)
    return Home(path=tmp_path / "home")


@pytest.fixture
def audit(audit_address: Any) -> Iterator[Audit]:  # noqa: ANN401 (Path or DatabaseUrl)
    """An empty store."""
    made = Audit(audit_address)
    yield made
    made.close()


def given_out(
    audit: Audit, home: Home, route: str, asked: dict[str, Any], *, request_id: str = "r-1"
) -> bytes:
    """Answer as the service does, record it, and return the body."""
    (folder,) = (path for path in home.snapshots.iterdir() if path.is_dir())
    request: BaseModel = REQUESTS[route].model_validate_json(json.dumps(asked))
    ground = Ground(
        pair=load_snapshot(folder),
        policy=known_policy(None),
        settings=Settings(home=home),
        on=AT.date(),
    )
    found = answer(request, ground)
    body = encode(request_id, found.body)
    given = given_of(
        request, found, ground, request_id=request_id, caller="erp", route=route, at=AT, body=body
    )
    audit.record(given, kept=kept_of(request, ground))
    return body


def requests(installation: Installation) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return a request of each kind."""
    rows = rows_of(installation, "A-000003")
    rows["invoices"][0]["amount"] = float(rows["invoices"][0]["amount"])
    as_of = installation.as_of.isoformat()
    return {
        "snapshot": ("/v1/score", {"account_ids": ["A-000005", "A-000003"], "top_reasons": 2}),
        "rows": ("/v1/score", {"account_ids": ["A-000003"], "as_of": as_of, "ledger": rows}),
        "worklist": ("/v1/worklist", {"capacity": 10, "page_size": 3}),
        "explain": ("/v1/explain", {"account_id": "A-000003"}),
    }


@pytest.mark.parametrize(
    ("audit_address", "kind"),
    [
        ("sqlite", "snapshot"),
        ("sqlite", "worklist"),
        ("sqlite", "explain"),
        ("sqlite", "rows"),
        ("postgresql", "rows"),
    ],
    indirect=["audit_address"],
)
def test_every_kind_of_answer_is_reproduced_to_the_bit(
    installation: Installation, audit: Audit, copied: Home, kind: str
) -> None:
    """From the audit store and the snapshot alone; most is asked of the store by rows sent."""
    body = given_out(audit, copied, *requests(installation)[kind])
    (found,) = replay(audit, copied, "r-1")
    assert (found.verdict, found.reasons) == ("reproduced", ())
    assert found.body == body
    assert (found.caller, found.at) == ("erp", "2025-01-02T03:04:05+00:00")


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("lost", "says"),
    [
        ("rows", "ledger rows sent .* deleted by retention"),
        ("snapshot", "snapshot .* deleted by retention"),
        ("request", "did not keep what was asked"),
        ("erased", "erased on 2025-02-01"),
    ],
)
def test_what_is_gone_is_named(
    installation: Installation, audit: Audit, copied: Home, lost: str, says: str
) -> None:
    """Nothing is made up in its place."""
    given_out(audit, copied, *requests(installation)["rows"])
    if lost == "snapshot":
        shutil.rmtree(copied.snapshots)
    statements = {
        "rows": sa.delete(KEPT).where(KEPT.c.kind == "rows"),
        "request": sa.update(SCORES).values(request=None),
        "erased": sa.update(SCORES).values(erased_at="2025-02-01T00:00:00+00:00"),
    }
    if lost in statements:
        with audit.write() as connection:
            connection.execute(statements[lost])
    (found,) = replay(audit, copied, "r-1")
    assert (found.verdict, found.body) == ("gone", None)
    assert re.search(says, found.reasons[0])


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
def test_an_answer_that_comes_out_differently_is_told(
    installation: Installation, audit: Audit, copied: Home
) -> None:
    """With what has changed as far as it is known: here the release."""
    given_out(audit, copied, *requests(installation)["snapshot"])
    with audit.write() as connection:
        connection.execute(sa.update(SCORES).values(software="0.0.1", response_sha256="0" * 64))
    (found,) = replay(audit, copied, "r-1")
    assert found.verdict == "differs"
    assert "Release 0.0.1 answered" in found.reasons[0]
    assert found.body is not None


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
def test_an_unknown_id_is_told(audit: Audit, copied: Home) -> None:
    """With where ids are found."""
    with pytest.raises(UnknownRequestError, match="X-Request-ID"):
        replay(audit, copied, "r-9")


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
def test_an_id_used_twice_is_replayed_twice(
    installation: Installation, audit: Audit, copied: Home
) -> None:
    """Callers may name their requests, and may do it badly."""
    given_out(audit, copied, *requests(installation)["snapshot"])
    given_out(audit, copied, *requests(installation)["worklist"])
    found = replay(audit, copied, "r-1")
    assert [entry.verdict for entry in found] == ["reproduced", "reproduced"]
    assert len({entry.body for entry in found}) == 2
    assert replace(found[0], body=None).route == "/v1/score"
