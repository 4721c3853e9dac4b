"""Tests of the benchmark of training."""

from benchmarks.training import repeated
from tests.training.judged import judged


def test_repeated_rows_are_rows_of_their_own() -> None:
    """Features and outcomes are copied, ids are not: thinning by invoice takes copies apart."""
    data = judged().data
    thrice = repeated(data, 3)
    assert len(thrice) == len(thrice.outcomes) == len(thrice.segment) == 3 * len(data)
    keys = thrice.frame.items[["as_of", "invoice_id"]]
    assert not keys.duplicated().any()
    last = slice(2 * len(data), None)
    assert thrice.targets[last].tobytes() == data.targets.tobytes()
    assert (
        thrice.frame.matrix(data.frame.names)[last].tobytes()
        == data.frame.matrix(data.frame.names).tobytes()
    )
