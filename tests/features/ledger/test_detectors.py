import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iban, luhn

from features.ledger.detectors import (
    card_candidates,
    has_card,
    has_iban,
    is_card,
    scan_cards,
    scan_ibans,
)

# Test numbers that the networks publish; no account stands behind them.
PUBLISHED = [
    "4111111111111111",
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "2221000000000009",
    "2223003122003222",
    "2720990000000007",
    "378282246310005",
    "341111111111111",
    "30569309025904",
    "38520000023237",
    "6011111111111117",
    "6445644564456445",
    "3530111333300000",
    "6200000000000005",
    "6759649826438453",
    "676770000006",
    "2200000000000004",
]


def _with_check_digit(body: str) -> str:
    return body + luhn.calc_check_digit(body)


CARDS = st.one_of(
    st.sampled_from([_with_check_digit(number[:-1]) for number in PUBLISHED]),
    st.integers(0, 10**14 - 1).map(lambda n: _with_check_digit(f"4{n:014d}")),
    st.integers(222100, 272099).map(lambda n: _with_check_digit(f"{n}000000123")),
)


def _grouped(digits: str, size: int, gap: str) -> str:
    return gap.join(digits[at : at + size] for at in range(0, len(digits), size))


@pytest.mark.parametrize("number", [_with_check_digit(n[:-1]) for n in PUBLISHED])
def test_every_network_is_known(number: str) -> None:
    """A number of each issuer range, the Mastercard 2-series too, is found in any spelling."""
    assert is_card(number)
    for gap in ("", " ", "-", "\u00a0", " -"):
        assert has_card(f"card: {_grouped(number, 4, gap)}.")


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "0000004500001234",
        "4111111111111111" + "0" * 6,
        "4500012345",
        "550e8400-e29b-41d4-a716-446655440000",
        "4028905f5a87c0ff015a87eb6b75007f",
        "a4111111111111111bcdef0123456789",
        "2020-01-31 21:56:08",
        "9" * 16,
        "27210000000000002",
        "",
    ],
)
def test_what_is_no_card_number_passes(text: str) -> None:
    """A wrong check digit, padding, short and very long numbers and machine ids are not cards."""
    assert not has_card(text)


@settings(deadline=None)
@given(
    card=CARDS,
    gap=st.sampled_from(["", " ", "-"]),
    before=st.text(alphabet="abc ,:.#", max_size=6),
    after=st.text(alphabet="abc ,:.#", max_size=6),
)
def test_text_around_hides_nothing(card: str, gap: str, before: str, after: str) -> None:
    """A card number is found wherever it stands in a text, alone or as a column."""
    text = before + _grouped(card, 4, gap) + after
    assert has_card(text)
    scan = scan_cards(pa.array(["x", text]))
    assert scan.hits.to_pylist() == [text]


@settings(deadline=None)
@given(st.lists(st.text(alphabet="0123456789 -abX", max_size=40), unique=True, max_size=20))
def test_the_column_scan_is_the_scan_of_each_value(texts: list[str]) -> None:
    """Scanning a column at once finds just what scanning its values one by one finds."""
    scan = scan_cards(pa.array(texts, pa.string()))
    assert sorted(scan.hits.to_pylist()) == sorted(text for text in texts if has_card(text))
    assert scan.candidates == sum(bool(card_candidates(text)) for text in texts)
    banks = scan_ibans(pa.array(texts, pa.string()))
    assert sorted(banks.hits.to_pylist()) == sorted(text for text in texts if has_iban(text))


@settings(deadline=None)
@given(st.lists(st.integers(10**11, 10**19 - 1).map(str), unique=True, max_size=30))
def test_the_matrix_agrees_with_python_stdnum(numbers: list[str]) -> None:
    """The vectorised Luhn sum gives the verdict of python-stdnum on every number."""
    hits = set(scan_cards(pa.array(numbers, pa.string())).hits.to_pylist())
    assert hits == {number for number in numbers if is_card(number)}
    assert all(luhn.is_valid(number) for number in hits)


def test_a_card_number_beside_other_digits_is_found() -> None:
    """Digits of a date, a reference or an expiry beside the number do not hide it."""
    assert has_card("INV 2023 4111111111111111 12/25")
    assert has_card("31 4111-1111-1111-1111 123")
    assert has_card("77 3782 822463 10005 99")


IBANS = st.sampled_from(
    [
        "DE89370400440532013000",
        "GB82WEST12345698765432",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "BE68539007547034",
        "CH9300762011623852957",
        "MT84MALT011000012345MTLCAST001S",
    ]
)


@settings(deadline=None)
@given(
    number=IBANS,
    gap=st.sampled_from(["", " ", "-"]),
    lower=st.booleans(),
    around=st.sampled_from(["{}", "IBAN {}, thanks", "{} in May", "to:{}"]),
)
def test_ibans_are_found_in_text(*, number: str, gap: str, lower: bool, around: str) -> None:
    """An IBAN is found in any spelling, and its scan finds the same."""
    text = around.format(_grouped(number.lower() if lower else number, 4, gap))
    assert has_iban(text)
    assert scan_ibans(pa.array([text, "DE-1"])).hits.to_pylist() == [text]


@pytest.mark.parametrize(
    "text",
    [
        "DE88370400440532013000",
        "DE8937040044053201300",
        f"XX{iban.calc_check_digits('XX00WEST12345698765432')}WEST12345698765432",
        "INV-2024-0000012345",
        "DE",
        "É" * 30,
        "\u017fE4550000000058398257466",
    ],
)
def test_what_is_no_iban_passes(text: str) -> None:
    """A wrong sum, a wrong length, an unknown country and ids are not IBANs."""
    assert not has_iban(text)
    assert len(scan_ibans(pa.array([text])).hits) == 0
