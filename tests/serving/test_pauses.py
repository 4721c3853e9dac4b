"""A long collection is the last that walks what it has walked."""

import gc
from collections.abc import Iterator

import pytest

from serving.pauses import Pauses


@pytest.fixture
def pauses() -> Iterator[Pauses]:
    """A watch that is taken off again, with nothing set aside."""
    gc.unfreeze()
    watch = Pauses()
    watch.start()
    yield watch
    watch.stop()
    gc.unfreeze()


@pytest.mark.usefixtures("pauses")
def test_what_a_long_collection_leaves_is_set_aside() -> None:
    """Half a million objects that live: the first full collection sees them, the next does not."""
    kept = [[number] for number in range(500_000)]
    gc.collect()
    assert gc.get_freeze_count() > len(kept)
    assert len(gc.get_objects()) < len(kept)


@pytest.mark.usefixtures("pauses")
def test_young_collections_set_nothing_aside() -> None:
    """What a request leaves behind is collected as ever."""
    gc.freeze()
    before = gc.get_freeze_count()
    gc.collect(0)
    gc.collect(1)
    assert gc.get_freeze_count() <= before
