"""Keys open what their role may open, and nobody can read them back."""

import json
import os
import stat
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from serving.auth import (
    ROLES,
    ROUTE_ROLES,
    KeyFileError,
    KeyRing,
    create_key,
    hash_key,
    read_keys,
    revoke_key,
    rotate_key,
)

TODAY = date(2025, 5, 1)


def test_a_key_has_256_random_bits_and_only_its_hash_is_stored(tmp_path: Path) -> None:
    """Two keys differ, each is 43 base64 characters long, and the file holds neither."""
    path = tmp_path / "keys.json"
    first = create_key(path, "erp", "scorer", today=TODAY)
    second = create_key(path, "desk", "analyst", today=TODAY)
    assert first != second
    assert len(first.removeprefix("rr_")) == 43
    text = path.read_text()
    assert first not in text
    assert second not in text
    assert [entry.sha256 for entry in read_keys(path)] == [hash_key(first), hash_key(second)]


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """Mode 0600 after every write, whatever the umask, and no temporary file stays behind."""
    path = tmp_path / "home" / "keys.json"
    old = os.umask(0)
    try:
        create_key(path, "erp", "scorer", today=TODAY)
        revoke_key(path, "erp", today=TODAY)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["keys.json", "keys.json.lock"]


def test_a_ring_finds_open_keys_and_sees_changes(tmp_path: Path) -> None:
    """A key opens from its creation to its revocation, without a new ring."""
    path = tmp_path / "keys.json"
    ring = KeyRing(path)
    assert ring.find("rr_anything") is None
    key = create_key(path, "erp", "scorer", today=TODAY)
    found = ring.find(key)
    assert found is not None
    assert (found.name, found.role) == ("erp", "scorer")
    assert ring.find(key + "x") is None
    assert ring.find("") is None
    revoke_key(path, "erp", today=TODAY)
    assert ring.find(key) is None


def test_a_name_is_used_once(tmp_path: Path) -> None:
    """A revoked caller's name is not given to another, so that the audit store is clear."""
    path = tmp_path / "keys.json"
    create_key(path, "erp", "scorer", today=TODAY)
    revoke_key(path, "erp", today=TODAY)
    with pytest.raises(KeyFileError, match="'erp' is taken"):
        create_key(path, "erp", "scorer", today=TODAY)


def test_revoking_an_unknown_name_lists_those_that_are_open(tmp_path: Path) -> None:
    """The error names the open keys."""
    path = tmp_path / "keys.json"
    create_key(path, "erp", "scorer", today=TODAY)
    with pytest.raises(KeyFileError, match="Open keys: erp"):
        revoke_key(path, "crm", today=TODAY)


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"format": 9, "keys": []})])
def test_a_broken_key_file_opens_nothing(tmp_path: Path, text: str) -> None:
    """A file that cannot be read is an error, never an empty list of keys."""
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(KeyFileError):
        KeyRing(path).find("rr_anything")


def test_a_manager_opens_every_route_and_a_scorer_scores_only() -> None:
    """The table of routes names known roles only."""
    assert all("manager" in roles for roles in ROUTE_ROLES.values())
    assert {route for route, roles in ROUTE_ROLES.items() if "scorer" in roles} == {
        "/v1/score",
        "/metrics",
    }
    assert {role for roles in ROUTE_ROLES.values() for role in roles} == set(ROLES)


def test_a_rotated_key_opens_until_its_successor_has_been_handed_round(tmp_path: Path) -> None:
    """Both open in the overlap, the new one alone after it, with the role of the old."""
    path = tmp_path / "keys.json"
    now = datetime(2025, 5, 1, 12, tzinfo=UTC)
    ring = KeyRing(path, clock=lambda: now)
    old = create_key(path, "erp", "analyst", today=TODAY, per_minute=7)
    new = rotate_key(path, "erp", now=now, overlap=timedelta(hours=24))
    found = [ring.find(key) for key in (old, new)]
    assert [entry and (entry.name, entry.role, entry.per_minute) for entry in found] == [
        ("erp", "analyst", 7),
        ("erp", "analyst", 7),
    ]
    now += timedelta(hours=24)
    assert ring.find(old) is None
    assert ring.find(new) is not None
    third = rotate_key(path, "erp", now=now, overlap=timedelta(0))
    assert [ring.find(key) is not None for key in (old, new, third)] == [False, False, True]
    revoke_key(path, "erp", today=TODAY)
    assert ring.find(third) is None
    with pytest.raises(KeyFileError, match="No open key is named 'erp'"):
        rotate_key(path, "erp", now=now, overlap=timedelta(0))


def test_two_who_change_the_file_at_once_lose_no_key(tmp_path: Path) -> None:
    """Eight callers are made by threads; all of them open."""
    path = tmp_path / "keys.json"
    made: list[str] = []
    threads = [
        threading.Thread(
            target=lambda n=n: made.append(create_key(path, f"c{n}", "scorer", today=TODAY))
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ring = KeyRing(path)
    assert len(made) == 8
    assert all(ring.find(key) is not None for key in made)
