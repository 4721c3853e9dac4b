"""Arrow columns made from NumPy arrays."""

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from features.sources.simulated.columns import dates, ids, ledger_table, money, rates, words


def test_identifiers_are_unique_and_grow_past_their_width() -> None:
    """Numbers are padded to their width, and wider ones keep all digits."""
    column = ids("A-", np.array([0, 8, 9_999]), 3)
    column.validate(full=True)
    assert column.to_pylist() == ["A-00001", "A-00009", "A-10000"]


def test_negative_codes_are_null_everywhere() -> None:
    """Identifiers, dates and words all read a negative number as missing."""
    for column in (ids("X-", [-1, 0]), dates([-1, 0]), words([-1, 0], ("a",))):
        column.validate(full=True)
        assert column.null_count == 1
        assert not column[0].is_valid


def test_cents_become_exact_decimals() -> None:
    """No cent is lost, on either side of zero and for large amounts."""
    cents = np.array([1, -1, 0, 10**15 + 1])
    assert money(cents).to_pylist() == [Decimal(int(c)) / 100 for c in cents]
    assert rates([108_000_000])[0].as_py() == Decimal("1.08")


def test_missing_columns_are_null_and_unknown_ones_refused() -> None:
    """A table has all columns of the contract and no others."""
    table = ledger_table("contacts", {"contact_id": ids("CON-", [0]), "contacted_on": dates([0])})
    assert table["contacted_on"].to_pylist() == [date(1970, 1, 1)]
    assert table["channel"].to_pylist() == [None]
    with pytest.raises(KeyError, match="'contacts' has no column colour"):
        ledger_table("contacts", {"colour": pa.array(["red"])})
