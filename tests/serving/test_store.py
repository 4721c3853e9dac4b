"""The served pair is whole, is swapped whole, and survives what cannot be loaded."""

import gc
import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from models.home import Home
from models.snapshot import CURRENT, read_snapshot_model
from serving.errors import ApiError
from serving.store import Store, load_pair
from tests.serving.conftest import Installation, publish


@pytest.fixture
def copied(installation: Installation, tmp_path: Path) -> Home:
    """A home of its own with the same registry and snapshot."""
    shutil.copytree(installation.home.path, tmp_path / "home")
    return Home(path=tmp_path / "home")


@pytest.fixture
def store(copied: Home) -> Iterator[Store]:
    """A store on the copied home; the collector is left as it was."""
    made = Store(copied)
    yield made
    made.close()
    assert gc.get_freeze_count() == 0


def test_a_pair_names_the_model_that_scored(installation: Installation) -> None:
    """Snapshot and model agree on version and features."""
    pair = load_pair(installation.home)
    assert pair.bundle.version == pair.manifest.model_version
    assert pair.bundle.feature_digest == pair.manifest.feature_digest
    assert pair.manifest.as_of == installation.as_of


def test_an_empty_home_is_not_ready(tmp_path: Path) -> None:
    """503 with what to do, and no pair."""
    store = Store(Home(path=tmp_path))
    assert not store.refresh()
    assert not store.ready
    with pytest.raises(ApiError, match="rollrisk score") as refused:
        store.pair()
    assert refused.value.status == 503
    store.close()


def test_a_new_snapshot_is_taken_up_and_an_old_pair_stays_whole(
    installation: Installation, store: Store, copied: Home
) -> None:
    """Who holds the old pair keeps answering from it; who asks anew gets the new one."""
    assert store.refresh(), store.trouble
    assert not store.refresh()
    old = store.pair()
    account = next(iter(old.table.account_rows))
    before = old.table.account(account, 5)
    earlier = installation.as_of - timedelta(days=31)
    publish(copied, installation.ledger, earlier, read_snapshot_model(installation.snapshot))
    shutil.rmtree(copied.snapshots / old.name)
    assert store.refresh(), store.trouble
    assert store.pair().manifest.as_of == earlier
    assert old.table.account(account, 5) == before
    assert old.evidence_of(account).num_rows == len(before[0]["items"])


def test_the_same_snapshot_published_anew_is_taken_up(
    installation: Installation, store: Store, copied: Home
) -> None:
    """Another policy makes other content under the same name."""
    assert store.refresh(), store.trouble
    publish(
        copied, installation.ledger, installation.as_of, read_snapshot_model(installation.snapshot)
    )
    assert store.refresh(), store.trouble


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("online/items.arrow", "not what was published"),
        ("evidence.parquet", "cannot be read"),
        ("model/bundle.json", "cannot be read"),
        ("model/step_2.txt", "cannot be read"),
        ("manifest.json", "its model reads"),
    ],
)
def test_what_cannot_be_loaded_leaves_the_old_pair_in_place(
    store: Store, copied: Home, damage: str, says: str
) -> None:
    """The trouble is told, the answers go on."""
    assert store.refresh(), store.trouble
    good = store.pair()
    broken = copied.snapshots / "broken"
    shutil.copytree(copied.snapshots / good.name, broken)
    if damage == "manifest.json":
        manifest = json.loads((broken / damage).read_text())
        (broken / damage).write_text(json.dumps(manifest | {"feature_digest": "other"}))
    elif damage == "model/step_2.txt":
        (broken / damage).unlink()
    else:
        (broken / damage).write_bytes(b"nothing that can be read")
    (copied.snapshots / CURRENT).write_text("broken\n")
    assert not store.refresh()
    assert store.pair() is good
    assert re.search(says, store.trouble)
