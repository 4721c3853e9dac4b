from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from features.ledger.tables import CREDITS, FX_RATES
from features.sources.base import ContractError
from features.sources.files import RawTable
from features.sources.typed import TypedTables


def _raw(**columns: list[str]) -> RawTable:
    size = len(next(iter(columns.values())))
    return RawTable(
        columns={name: pa.chunked_array([values]) for name, values in columns.items()},
        rows=np.arange(1, size + 1),
        rows_read=size,
        unknown=("remark",),
    )


def test_tables_are_typed_one_by_one_and_told_together() -> None:
    """Rows, refused cells, warnings and defaulted clocks of all tables are in one extract."""
    typed = TypedTables()
    typed.add(FX_RATES, _raw(currency=["EUR", "USD"], rate_on=["2024-01-31"] * 2, rate=["x", "1"]))
    typed.add(
        CREDITS,
        _raw(
            credit_id=["c"],
            account_id=["A"],
            issued_on=["2024-01-31"],
            amount=["5"],
            currency=["EUR"],
        ),
    )
    extract = typed.extract(
        "an export", known_through=date(2024, 1, 31), settings={"time_zone": "UTC"}
    )
    assert extract.tables["fx_rates"]["currency"].to_pylist() == ["USD"]
    assert extract.source_rows["fx_rates"].to_pylist() == [2]
    assert [(bad.table, bad.row, bad.value) for bad in extract.rejected] == [("fx_rates", 1, "x")]
    assert extract.rows_read == {"fx_rates": 2, "credits": 1}
    assert extract.defaulted_clocks == ("credits",)
    assert len(extract.warnings) == 2
    assert (extract.known_through, extract.settings) == (date(2024, 1, 31), {"time_zone": "UTC"})


def test_any_fault_refuses_the_whole_export() -> None:
    """Missing columns and columns that cannot be read are told at once, and nothing is given."""
    typed = TypedTables()
    typed.add(FX_RATES, _raw(currency=["EUR"], rate=["1"]))
    typed.add(
        CREDITS,
        _raw(
            credit_id=["c"],
            account_id=["A"],
            issued_on=["02/03/2024"],
            amount=["5"],
            currency=["EUR"],
        ),
    )
    with pytest.raises(
        ContractError, match=r"an export breaks the ledger contract in 2 place"
    ) as caught:
        typed.extract("an export")
    assert "rate_on missing" in caught.value.details[0]
    assert "'02/03/2024' can be day or month first" in caught.value.details[1]
