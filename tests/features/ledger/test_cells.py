from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from features.ledger.arrow import ARROW_TYPES
from features.ledger.cells import type_column
from features.ledger.parsed import ColumnError
from features.ledger.tables import Column, Kind


def _typed(kind: Kind, raw: object) -> tuple[list[object], dict[str, list[int]]]:
    parsed = type_column(Column(name="c", kind=kind), raw)
    assert parsed.array.type == ARROW_TYPES[kind]
    return parsed.array.to_pylist(), {rule: rows.tolist() for rule, rows in parsed.failures.items()}


def test_text_is_verbatim() -> None:
    """Leading zeros, case and inner and outer blanks stay; blanks alone are null."""
    given = ["007", " a ", "Ä-1", "", " \u00a0", None]
    assert _typed("text", pa.array(given)) == (["007", " a ", "Ä-1", None, None, None], {})
    assert _typed("text", pa.array(["x"]).dictionary_encode()) == (["x"], {})


def test_a_nul_character_fails_the_row() -> None:
    """Text with a NUL character is refused, since databases and CSV readers cut it there."""
    assert _typed("text", pa.array(["a\0b", "ok"])) == ([None, "ok"], {"nul": [0]})


def test_whole_numbers_may_be_ids_and_floats_may_not() -> None:
    """An integer column is readable as ids; a float column has already lost digits."""
    assert _typed("text", pa.array([12345678901234567, None])) == (["12345678901234567", None], {})
    with pytest.raises(ColumnError, match="expected text, got double"):
        _typed("text", pa.array([1.0]))


@pytest.mark.parametrize(
    "yes_no",
    [
        ("true", "false"),
        ("TRUE", "False"),
        ("1", "0"),
        ("yes", "no"),
        ("t", "f"),
        (1, 0),
        (1.0, 0.0),
    ],
)
def test_booleans_have_ten_spellings(yes_no: tuple[object, object]) -> None:
    """Each accepted pair of spellings gives true and false."""
    assert _typed("boolean", pa.array([*yes_no, None])) == ([True, False, None], {})


def test_other_booleans_fail_the_row() -> None:
    """What is neither yes nor no is not guessed."""
    assert _typed("boolean", pa.array(["y", "2", "true"])) == (
        [None, None, True],
        {"boolean": [0, 1]},
    )
    with pytest.raises(ColumnError, match="expected true or false"):
        _typed("boolean", pa.array([date(2020, 1, 1)]))


def test_integers_from_text_floats_and_decimals() -> None:
    """Whole numbers are read in every type; fractions and words fail the row."""
    assert _typed("integer", pa.array([" 30 ", "15.0", "-1", "1.5", "n30", ""])) == (
        [30, 15, -1, None, None, None],
        {"integer": [3, 4]},
    )
    assert _typed("integer", pd.Series([30.0, float("nan"), 1.5])) == (
        [30, None, None],
        {"integer": [2]},
    )
    assert _typed("integer", pa.array([Decimal("3.00"), Decimal("3.10")])) == (
        [3, None],
        {"integer": [1]},
    )
    assert _typed("integer", pa.array([7], pa.int32())) == ([7], {})
    with pytest.raises(ColumnError, match="expected whole numbers"):
        _typed("integer", pa.array([date(2020, 1, 1)]))


def test_money_dates_and_rates_go_to_their_parsers() -> None:
    """The contract's kind decides what a cell means."""
    assert _typed("money", pa.array(["1.50"])) == ([Decimal("1.50")], {})
    assert _typed("decimal", pa.array(["1.50"])) == ([Decimal("1.50")], {})
    assert _typed("date", pa.array(["2020-01-31"])) == ([date(2020, 1, 31)], {})
