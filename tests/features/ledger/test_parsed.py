import pandas as pd
import pyarrow as pa
import pytest

from features.ledger.parsed import Raw, as_arrow, is_text, positions, trimmed, without_empty


@pytest.mark.parametrize(
    "raw",
    [
        pa.array(["a", None]),
        pa.chunked_array([["a"], [None]], pa.string()),
        pa.array(["a", None]).dictionary_encode(),
        pd.Series(["a", None]),
        pd.Series(["a", float("nan")], dtype=object),
        pd.Series(["a", None], dtype="category"),
    ],
)
def test_every_kind_of_column_becomes_one_array(raw: Raw) -> None:
    """Arrays, chunks, dictionaries and pandas columns give one array with the same values."""
    array = as_arrow(raw)
    assert isinstance(array, pa.Array)
    assert is_text(array.type)
    assert array.to_pylist() == ["a", None]


def test_mixed_objects_become_text() -> None:
    """A pandas column of text and numbers is read as text, gaps stay gaps."""
    assert as_arrow(pd.Series(["1.5", 2, None], dtype=object)).to_pylist() == ["1.5", "2", None]


def test_blanks_of_every_kind_are_trimmed() -> None:
    """Spaces, tabs, no-break, figure and narrow spaces go; inner ones stay."""
    assert trimmed(pa.array(["\u202f\ta b\u00a0\u2007", "\u00a0", "", None])).to_pylist() == [
        "a b",
        None,
        None,
        None,
    ]


def test_positions_take_null_for_false() -> None:
    """Only true rows are positions, and rules without rows are left out."""
    found = positions(pa.array([True, None, False, True]))
    assert found.tolist() == [0, 3]
    kept = without_empty([("a", found), ("b", found[:0])])
    assert list(kept) == ["a"]
