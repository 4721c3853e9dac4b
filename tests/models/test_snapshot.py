"""Tests of published scorings: whole or not there, old or new, never half."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from models.bundle import Bundle
from models.home import Home
from models.snapshot import (
    NoSnapshotError,
    SnapshotManifest,
    current_snapshot,
    publish,
    publish_scores,
    read_snapshot_manifest,
    read_snapshot_model,
    write_scores,
)

MANIFEST = SnapshotManifest(
    ledger="/books",
    ledger_digest="0123456789abcdef",
    as_of=date(2024, 6, 30),
    model="3",
    model_version="3",
    feature_digest="f",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(path=tmp_path / "home")


def tables(value: float) -> Mapping[str, pd.DataFrame]:
    """One table with one number."""
    return {"items": pd.DataFrame({"p_roll": [value]})}


def test_a_snapshot_holds_tables_texts_manifest_and_the_model_that_scored(
    home: Home, bundle: Bundle
) -> None:
    """The served pair stays whole, whatever becomes of the registry."""
    folder = publish_scores(home, MANIFEST, tables(0.5), {"note.txt": "hello"}, bundle)
    assert folder == current_snapshot(home)
    assert folder.name == "2024-06-30-m3-0123456789ab"
    assert read_snapshot_manifest(folder) == MANIFEST
    assert pd.read_parquet(folder / "items.parquet")["p_roll"].tolist() == [0.5]
    assert (folder / "note.txt").read_text() == "hello"
    again = read_snapshot_model(folder)
    assert again.version == "3"
    assert {name: part.text for name, part in again.parts.items()} == {
        name: part.text for name, part in bundle.parts.items()
    }


def test_nothing_published_is_told_with_the_next_step(home: Home) -> None:
    """The message names the command that publishes."""
    with pytest.raises(NoSnapshotError, match="rollrisk score LEDGER --as-of DATE"):
        current_snapshot(home)


def test_publishing_the_same_content_again_changes_no_byte(home: Home, bundle: Bundle) -> None:
    """One folder, the same files."""
    first = publish_scores(home, MANIFEST, tables(0.5), {}, bundle)
    before = {path.name: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    assert publish_scores(home, MANIFEST, tables(0.5), {}, bundle) == first
    after = {path.name: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    assert before == after
    assert {path.name for path in home.snapshots.iterdir()} == {first.name, "CURRENT"}


def test_other_content_of_the_same_day_stands_beside_the_old(home: Home, bundle: Bundle) -> None:
    """A snapshot never changes once it has its name: who reads the old one reads on."""
    first = publish_scores(home, MANIFEST, tables(0.5), {}, bundle)
    second = publish_scores(home, MANIFEST, tables(0.6), {}, bundle)
    assert second != first
    assert current_snapshot(home) == second
    assert pd.read_parquet(first / "items.parquet")["p_roll"].tolist() == [0.5]
    assert publish_scores(home, MANIFEST, tables(0.5), {}, bundle) == first
    assert current_snapshot(home) == first


def test_a_reader_sees_the_old_or_the_new_snapshot_and_never_half_of_one(
    home: Home, matrix_bundle: Bundle
) -> None:
    """While one thread publishes, another always finds a whole snapshot."""
    values = [number / 20 for number in range(20)]
    publish_scores(home, MANIFEST, tables(values[0]), {"v.txt": str(values[0])}, matrix_bundle)
    done = threading.Event()
    seen: list[tuple[float, str]] = []
    failures: list[Exception] = []

    def read() -> None:
        while not done.is_set():
            try:
                folder = current_snapshot(home)
                number = pd.read_parquet(folder / "items.parquet")["p_roll"][0]
                text = (folder / "v.txt").read_text()
                seen.append((float(number), text))
                read_snapshot_manifest(folder)
            except Exception as error:  # noqa: BLE001 (whatever a reader could meet)
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for value in values * 2:
        publish_scores(home, MANIFEST, tables(value), {"v.txt": str(value)}, matrix_bundle)
    done.set()
    reader.join()
    assert failures == []
    assert seen
    assert all(str(number) == text for number, text in seen)


def test_a_failed_write_leaves_the_published_snapshot_alone(home: Home, bundle: Bundle) -> None:
    """What cannot be written is not published, and not there under its name."""
    first = publish_scores(home, MANIFEST, tables(0.5), {}, bundle)
    broken = {"items": pd.DataFrame({"mixed": [1, "text"]})}
    later = replace(MANIFEST, as_of=date(2024, 7, 31))
    with pytest.raises(Exception, match=r"text|str|convert"):
        publish_scores(home, later, broken, {}, bundle)
    assert current_snapshot(home) == first
    assert not (home.snapshots / later.name).exists()


def test_a_copy_replaces_what_stood_there(tmp_path: Path, matrix_bundle: Bundle) -> None:
    """No file of the older copy is left, and no temporary folder."""
    out = tmp_path / "scores"
    write_scores(out, MANIFEST, tables(0.5), {"old.txt": "x"}, matrix_bundle)
    write_scores(out, MANIFEST, tables(0.6), {"new.txt": "x"}, matrix_bundle)
    assert {path.name for path in out.iterdir()} == {
        "items.parquet",
        "new.txt",
        "manifest.json",
        "model",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["scores"]


def test_a_pointer_to_a_lost_folder_is_no_snapshot(home: Home) -> None:
    """CURRENT alone is not enough."""
    home.snapshots.mkdir(parents=True)
    publish(home, "gone")
    with pytest.raises(NoSnapshotError, match="No scoring is published"):
        current_snapshot(home)


def test_another_format_is_refused(home: Home, matrix_bundle: Bundle) -> None:
    """A snapshot of another release is not guessed at."""
    folder = publish_scores(home, MANIFEST, tables(0.5), {}, matrix_bundle)
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(ValueError, match="format must be 3"):
        read_snapshot_manifest(folder)
