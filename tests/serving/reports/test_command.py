import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.home import VARIABLE, read_home
from models.snapshot import publish
from serving.cli import main


def test_the_published_snapshot_is_the_default(
    scoring_of: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder, the snapshot that is served is reported, and the answer names it."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))
    home = read_home()
    home.snapshots.mkdir(parents=True)
    shutil.move(scoring_of(accounts={"USD": 3}), home.snapshots / "newest")
    publish(home, "newest")
    out = tmp_path / "r.html"
    result = CliRunner().invoke(main, ["report", "--out", str(out), "--top", "2"])
    assert result.exit_code == 0, result.output
    assert "newest" in result.output
    assert out.read_text("utf-8").count('<article class="card"') == 2


def test_without_a_scoring_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No snapshot and no scores in the folder both end with code 1, and write nothing."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "home"))
    out = tmp_path / "r.html"
    for arguments in ([], [str(tmp_path)]):
        result = CliRunner().invoke(main, ["report", *arguments, "--out", str(out)])
        assert result.exit_code == 1
        assert "rollrisk score LEDGER --as-of DATE --out DIR" in result.output
    assert not out.exists()


def test_wrong_usage_ends_with_2(scoring_of: Callable[..., Path], tmp_path: Path) -> None:
    """A negative number of accounts is refused before anything is read."""
    arguments = ["report", str(scoring_of(accounts={})), "--out", str(tmp_path / "r.html")]
    assert CliRunner().invoke(main, [*arguments, "--top", "-1"]).exit_code == 2
