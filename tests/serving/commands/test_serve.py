"""``rollrisk serve`` starts nothing that would be open to everyone."""

import socket
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.auth import create_key, revoke_key
from serving.commands.serve import command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command; it never gets as far as the server in these tests."""
    return CliRunner().invoke(command, list(arguments))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])  # noqa: S104 (what is refused)
def test_without_keys_it_listens_on_loopback_only(home: Path, host: str) -> None:
    """The refusal says how to make a key, and makes none."""
    refused = run("--host", host)
    assert refused.exit_code == 1
    assert "rollrisk keys create" in refused.output
    assert not (home / "keys.json").exists()


def test_a_revoked_last_key_is_not_replaced_in_silence(home: Path) -> None:
    """Who revoked every key did not ask for a new manager."""
    create_key(home / "keys.json", "erp", "scorer", today=date(2025, 1, 1))
    revoke_key(home / "keys.json", "erp", today=date(2025, 1, 2))
    refused = run()
    assert refused.exit_code == 1
    assert "Every key is revoked or has ended" in refused.output


@pytest.mark.usefixtures("home")
def test_settings_and_address_are_checked_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A misspelt setting, a missing policy and a host name are told at once."""
    assert "must be an IP address" in run("--host", "example.org").output
    monkeypatch.setenv("ROLLRISK_POLICY", "/nowhere.toml")
    assert "does not exist" in run().output
    monkeypatch.setenv("ROLLRISK_PORT", "80")
    assert "Unknown setting ROLLRISK_PORT" in run().output


def test_a_taken_port_is_told_before_a_key_is_made(home: Path) -> None:
    """One sentence with the next step, and no first key that nobody could use."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run("--port", str(port))
    assert refused.exit_code == 1
    assert f"Port {port} of 127.0.0.1 cannot be listened on: Address already in use" in (
        refused.output
    )
    assert "--port" in refused.output
    assert not (home / "keys.json").exists()
