"""``rollrisk keys`` makes, lists and revokes keys, and shows one only once."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.auth import KeyRing
from serving.commands.keys import ROLES, command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(command, list(arguments))


def test_a_key_is_printed_once_and_opens(home: Path) -> None:
    """Standard output is the key and nothing else; the list does not have it."""
    made = run("create", "erp", "--role", "scorer")
    assert made.exit_code == 0
    key = made.stdout.strip()
    found = KeyRing(home / "keys.json").find(key)
    assert found is not None
    assert found.role == "scorer"
    listed = run("list", "--json")
    assert [(row["name"], row["role"]) for row in json.loads(listed.stdout)] == [("erp", "scorer")]
    assert key not in listed.output
    assert key not in run("list").output


def test_a_revoked_key_opens_nothing(home: Path) -> None:
    """It stays listed with the day."""
    key = run("create", "erp", "--role", "scorer").stdout.strip()
    assert run("revoke", "erp").exit_code == 0
    assert KeyRing(home / "keys.json").find(key) is None
    assert json.loads(run("list", "--json").stdout)[0]["revoked_on"]


@pytest.mark.usefixtures("home")
def test_refusals_end_with_code_one_and_wrong_usage_with_two() -> None:
    """As every command."""
    assert run("revoke", "nobody").exit_code == 1
    assert run("create", "erp", "--role", "king").exit_code == 2
    for role in ROLES:
        assert run("create", role, "--role", role).exit_code == 0


def test_a_rotated_key_gives_way_to_a_new_one(home: Path) -> None:
    """With an overlap of nothing the old one closes at once; the list shows until when."""
    old = run("create", "erp", "--role", "scorer", "--per-minute", "30").stdout.strip()
    new = run("rotate", "erp", "--overlap-hours", "0").stdout.strip()
    ring = KeyRing(home / "keys.json")
    assert ring.find(old) is None
    found = ring.find(new)
    assert found is not None
    assert (found.role, found.per_minute) == ("scorer", 30)
    listed = json.loads(run("list", "--json").stdout)
    assert [bool(row["expires_at"]) for row in listed] == [True, False]
    assert run("rotate", "nobody").exit_code == 1


def test_the_table_of_roles_is_shown() -> None:
    """Every route of the service, for people and for programs."""
    table = json.loads(run("roles", "--json").stdout)
    assert table["/v1/outcomes"] == ["analyst", "manager"]
    assert "/v1/worklist" in run("roles").output
