from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger.money import Mark, money_from_cents, parse_money, parse_rate
from features.ledger.parsed import ColumnError

CENTS = st.integers(-(10**15) * 100 + 1, 10**15 * 100 - 1)
BLANK = st.sampled_from(["", " ", "\u00a0", "\u202f", " \u00a0\t"])


def _written(cents: int, mark: str, grouped: bool, negative: str) -> str:  # noqa: FBT001 - drawn
    whole, part = divmod(abs(cents), 100)
    group = "," if mark == "." else "."
    text = f"{whole:,}".replace(",", group) if grouped else str(whole)
    text += f"{mark}{part:02d}"
    if cents >= 0:
        return text
    return {"front": f"-{text}", "back": f"{text}-", "brackets": f"({text})"}[negative]


def _values(*text: str | None, decimal_mark: Mark | None = None) -> list[Any]:
    raw = pa.array(text, pa.string())
    return list(parse_money(raw, column="amount", decimal_mark=decimal_mark).array.to_pylist())


@settings(deadline=None)
@given(
    cents=st.lists(CENTS, min_size=1, max_size=20),
    mark=st.sampled_from([".", ","]),
    grouped=st.booleans(),
    negative=st.sampled_from(["front", "back", "brackets"]),
    blank=BLANK,
)
def test_money_survives_every_accepted_way_of_writing_it(
    *, cents: list[int], mark: Mark, grouped: bool, negative: str, blank: str
) -> None:
    """What is written with two decimals is read back to the cent, whatever the format."""
    text = [blank + _written(value, mark, grouped, negative) + blank for value in cents]
    parsed = parse_money(pa.array(text), column="amount")
    assert parsed.failures == {}
    assert parsed.array.type == pa.decimal128(18, 2)
    assert parsed.array.to_pylist() == [Decimal(value).scaleb(-2) for value in cents]


@settings(deadline=None)
@given(st.lists(st.text(alphabet="0123456789.,-() eE+$", max_size=12), max_size=8))
def test_any_text_is_a_number_a_failure_or_a_refusal(text: list[str]) -> None:
    """Each row is a value, null for blank, or one failure; nothing is lost without a word."""
    try:
        parsed = parse_money(pa.array(text, pa.string()), column="amount")
    except ColumnError:
        return
    failed = [int(row) for rows in parsed.failures.values() for row in rows]
    assert len(failed) == len(set(failed))
    for row, value in enumerate(parsed.array.to_pylist()):
        assert (value is None) == (row in failed or not text[row].strip())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234.56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234,567", "1234567.00"),
        ("1.234.567", "1234567.00"),
        ("(123.45)", "-123.45"),
        ("123.45-", "-123.45"),
        ("-123.45", "-123.45"),
        ("\u202f12\u00a0", "12.00"),
        ("0.500", "0.50"),
        (".5", "0.50"),
        ("1234.500", "1234.50"),
        ("007", "7.00"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_accepted_forms(text: str, expected: str) -> None:
    """Each accepted form has one reading."""
    assert _values(text) == [Decimal(expected)]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("1.2345", "decimals"),
        ("0.001", "decimals"),
        ("10000000000000000", "size"),
        ("9" * 60, "size"),
        ("NaN", "money"),
        ("inf", "money"),
        ("1e3", "money"),
        ("$5", "money"),
        ("5 USD", "money"),
        ("--5", "money"),
        ("(5", "money"),
        ("-(5)", "money"),
        ("1,23,456.00", "money"),
        ("12.34.56", "money"),
        ("31.12.2020", "money"),
        ("5.", "money"),
        ("\u0663", "money"),
        ("-", "money"),
    ],
)
def test_refused_forms_fail_the_row_alone(text: str, rule: str) -> None:
    """A value that is no money fails its row with the rule's name and leaves the others."""
    parsed = parse_money(pa.array(["1.50", text, None, ""]), column="amount")
    assert {name: rows.tolist() for name, rows in parsed.failures.items()} == {rule: [1]}
    assert parsed.array.to_pylist() == [Decimal("1.50"), None, None, None]


def test_one_settled_value_decides_the_column() -> None:
    """`1.234` is a thousand beside a decimal comma and fails for its third decimal otherwise."""
    assert _values("1.234", "0,50") == [Decimal(1234), Decimal("0.50")]
    assert _values("1,234", "0.50") == [Decimal(1234), Decimal("0.50")]
    parsed = parse_money(pa.array(["1.234", "0.50"]), column="amount")
    assert parsed.failures["decimals"].tolist() == [0]


@pytest.mark.parametrize("text", ["1.234", "1,234", "(12,345)"])
def test_an_unsettled_column_is_refused_with_the_next_step(text: str) -> None:
    """The error names the column, an example and what to pass; the option then settles it."""
    with pytest.raises(ColumnError, match=r"Column .amount.*no other value settles") as caught:
        _values(text, "100", None)
    assert text in str(caught.value)
    assert 'decimal_mark="."' in str(caught.value)
    assert abs(_values(text, decimal_mark="." if "," in text else ",")[0]) in {1234, 12345}


def test_mixed_evidence_is_refused() -> None:
    """Two values that need different marks refuse the column, and so does a wrong option."""
    with pytest.raises(ColumnError, match=r"'1\.50' has a decimal point and '1,50' a decimal"):
        _values("1.50", "1,50")
    with pytest.raises(ColumnError, match=r"decimal_mark is ',', but '1\.50'"):
        _values("1.50", decimal_mark=",")


def test_typed_columns_take_no_detour_through_text() -> None:
    """Decimals, integers and floats give the same money as their text."""
    wanted = [Decimal("12.30"), None, Decimal(-7)]
    for raw in (
        pa.array([Decimal("12.3000"), None, Decimal(-7)], pa.decimal128(30, 4)),
        pa.array([12.3, None, -7.0]),
        pa.array(["12.3", None, "-7"]).dictionary_encode(),
        pa.chunked_array([["12.3", None], ["-7"]]),
        pd.Series(["12.3", None, "-7"]),
        pd.Series([Decimal("12.30"), None, Decimal(-7)], dtype=object),
        pd.Series(["12.3", None, -7], dtype=object),
        pd.Series([12.3, np.nan, -7.0]),
    ):
        assert parse_money(raw, column="amount").array.to_pylist() == wanted
    assert parse_money(pa.array([1, None], pa.int64()), column="a").array.to_pylist() == [1, None]
    assert parse_money(pa.nulls(2), column="a").array.to_pylist() == [None, None]


def test_typed_columns_fail_by_the_same_rules() -> None:
    """Sub-cent amounts, NaN, infinity and numbers too large fail their rows in any type."""
    floats = parse_money(
        pa.array([1.005, float("nan"), float("inf"), 1e16, 1.0000001, 0.1 + 0.2]), column="a"
    )
    assert {rule: rows.tolist() for rule, rows in floats.failures.items()} == {
        "money": [1, 2],
        "decimals": [0],
        "size": [3],
    }
    assert floats.array.to_pylist()[4:] == [Decimal(1), Decimal("0.30")]
    decimals = parse_money(
        pa.array([Decimal("0.001"), Decimal(10) ** 16, Decimal("0.010")], pa.decimal128(38, 3)),
        column="a",
    )
    assert {rule: rows.tolist() for rule, rows in decimals.failures.items()} == {
        "decimals": [0],
        "size": [1],
    }
    integers = parse_money(pa.array([10**17, 5]), column="a")
    assert integers.failures["size"].tolist() == [0]
    with pytest.raises(ColumnError, match="expected numbers or text, got bool"):
        parse_money(pa.array([True]), column="a")


@settings(deadline=None)
@given(st.integers(-(10**13), 10**13))
def test_floats_of_whole_cents_are_exact(cents: int) -> None:
    """A float made from cents gives those cents back."""
    parsed = parse_money(pa.array([cents / 100]), column="amount")
    assert parsed.array.to_pylist() == [Decimal(cents).scaleb(-2)]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), CENTS), max_size=5))
def test_cents_become_money(cents: list[int | None]) -> None:
    """Whole cents are two decimals of money."""
    money = money_from_cents(pa.array(cents, pa.int64()))
    assert money.to_pylist() == [None if c is None else Decimal(c).scaleb(-2) for c in cents]


def test_rates_keep_eight_decimals() -> None:
    """Rates are rounded, not refused, and fail when they are no number."""
    parsed = parse_rate(pa.array(["1.123456785", "0.1", "x", "1" + "0" * 11]), column="rate")
    assert parsed.array.to_pylist() == [Decimal("1.12345678"), Decimal("0.1"), None, None]
    assert {rule: rows.tolist() for rule, rows in parsed.failures.items()} == {
        "money": [2],
        "size": [3],
    }
    floats = parse_rate(pa.array([1.0845, float("nan"), 1e11]), column="rate")
    assert floats.array.to_pylist() == [Decimal("1.0845"), None, None]
    assert parse_rate(pa.array([2, 3]), column="rate").array.to_pylist() == [2, 3]
