import numpy as np
import pyarrow as pa

from features.ledger.arrow import arrow_schema
from features.ledger.tables import ACCOUNTS
from features.ledger.verdicts import Verdicts

ROWS = pa.Table.from_pylist([{"account_id": name} for name in "abc"], schema=arrow_schema(ACCOUNTS))


def test_a_refused_row_is_told_by_its_line_and_left_out() -> None:
    """Records carry the source's line and value; what is good keeps its position."""
    batch = Verdicts(ACCOUNTS, ROWS, pa.array([10, 20, 30]))
    batch.reject(np.array([1]), "choice", "account_id")
    assert [(bad.row, bad.rule, bad.value) for bad in batch.rejected] == [(20, "choice", "b")]
    assert batch.accepted()["account_id"].to_pylist() == ["a", "c"]
    assert batch.numbered(["account_id"]).to_pylist() == [
        {"account_id": "a", "position": 0},
        {"account_id": "c", "position": 2},
    ]


def test_nothing_refused_is_the_table_itself() -> None:
    """Without refusals no row is copied, and lines are positions from 1."""
    batch = Verdicts(ACCOUNTS, ROWS, None)
    batch.reject(np.array([], dtype=np.int64), "choice", "account_id")
    assert batch.accepted() is ROWS
    batch.reject(np.array([2]), "choice", "account_id")
    assert batch.rejected[0].row == 3
