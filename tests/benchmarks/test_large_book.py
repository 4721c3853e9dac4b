"""What is repeated for a large book can be told apart."""

import numpy as np
import pytest

from benchmarks.large_book import _copies


@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_copies_have_ids_of_their_own(count: int) -> None:
    """Ids are taken in turn, the first time as they are."""
    found = _copies(np.array(["A", "B", "C"], dtype=object), count)
    made = (found["account_id"] + found["copy"]).tolist()
    assert len(set(made)) == len(made) == count
    assert made[:3] == ["A", "B", "C"][:count]
