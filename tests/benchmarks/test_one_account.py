from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.one_account import json_rows, typical_account
from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, open_ledger
from serving.rows import ledger_of_rows
from tests.benchmarks.test_pandas_features import write


def test_the_rows_of_a_request_make_the_same_account(
    simulated_ledger: Ledger, tmp_path: Path
) -> None:
    """An account near 40 invoices, with every table, survives the way through JSON values."""
    as_of = simulated_ledger.manifest.known_through
    folder = write(tmp_path, [dict(simulated_ledger.rows)], as_of)
    account = typical_account(open_ledger(folder), as_of)
    assert account.rows["invoices"].num_rows == pytest.approx(40, abs=10)
    assert account.present == simulated_ledger.present
    rows = {name: list(json_rows(account, name)) for name in account.rows}
    sent = ledger_of_rows(rows, as_of, present=account.present)
    assert sent.manifest == Manifest(known_through=as_of)
    for name, table in account.rows.items():
        assert ordered(sent.rows[name]) == ordered(table)


def ordered(rows: pa.Table) -> list[str]:
    """Return rows as sorted text."""
    return sorted(map(str, rows.to_pylist()))
