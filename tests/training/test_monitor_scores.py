"""Tests of reading past scorings: those of an earlier version count, unknown formats do not."""

import json
import shutil
from pathlib import Path

import pytest

from models.home import Home
from models.snapshot import NoSnapshotError
from tests.trained import Installation
from training.monitor_scores import past_scorings, scored_items


def with_format(home: Home, target: Path, number: int) -> Home:
    """Return a copy of a home whose snapshots say that they have another format."""
    shutil.copytree(home.snapshots, target / "snapshots")
    for path in target.glob("snapshots/[!.]*/manifest.json"):
        content = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(content | {"format": number}), "utf-8")
    return Home(path=target)


def test_scorings_of_the_format_before_are_monitored_after_an_upgrade(
    installation: Installation, scored_home: Home, tmp_path: Path
) -> None:
    """The same days with the same items."""
    today = installation.ledger.manifest.known_through
    now = past_scorings(scored_home, today)
    then = past_scorings(with_format(scored_home, tmp_path, 2), today)
    assert [one.manifest.as_of for one in then] == [one.manifest.as_of for one in now]
    for one, other in zip(now, then, strict=True):
        assert scored_items(one).equals(scored_items(other))


def test_other_formats_are_passed_over(
    installation: Installation, scored_home: Home, tmp_path: Path
) -> None:
    """Alone they are no scorings at all, which is said with the next step."""
    home = with_format(scored_home, tmp_path, 99)
    with pytest.raises(NoSnapshotError, match="rollrisk score LEDGER"):
        past_scorings(home, installation.ledger.manifest.known_through)
