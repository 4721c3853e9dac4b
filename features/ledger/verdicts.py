"""What has been decided about each row of one table while it is validated."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.ledger.quarantine import Rejected
from features.ledger.tables import Table


class Verdicts:
    """Rows of one table with the verdict on each.

    Parameters
    ----------
    table : Table
        Contract of the table.
    rows : pa.Table
        Typed rows.
    numbers : pa.Array of int64, optional
        Line of data in the source of each row, from 1; the position when it is not given.

    Attributes
    ----------
    good : ndarray of bool
        Which rows no rule has refused and no twin replaces so far.
    rejected : list of Rejected
        What was refused, in the order of the rules.
    duplicates : int
        Rows left out because an equal row came before them.
    """

    def __init__(self, table: Table, rows: pa.Table, numbers: pa.Array | None) -> None:
        self.table = table
        self.rows = rows
        self.good = np.ones(rows.num_rows, dtype=np.bool_)
        self.rejected: list[Rejected] = []
        self.duplicates = 0
        self._numbers = (
            np.arange(1, rows.num_rows + 1)
            if numbers is None
            else pa.chunked_array(numbers).to_numpy()
            if isinstance(numbers, pa.ChunkedArray)
            else numbers.to_numpy(zero_copy_only=False)
        )

    def reject(self, positions: npt.NDArray[np.int64], rule: str, column: str) -> None:
        """Refuse the rows at ``positions`` (from 0) for what stands in ``column``."""
        if not positions.size:
            return
        values = self.rows[column].take(pa.array(positions)).to_pylist()
        for number, value in zip(self._numbers[positions].tolist(), values, strict=True):
            self.rejected.append(
                Rejected(
                    table=self.table.name,
                    row=number,
                    rule=rule,
                    column=column,
                    value=None if value is None else str(value),
                )
            )
        self.good[positions] = False

    def accepted(self) -> pa.Table:
        """The rows that are still good."""
        return self.rows if self.good.all() else self.rows.filter(pa.array(self.good))

    def numbered(self, columns: Iterable[str]) -> pa.Table:
        """Some columns of the rows that are still good, and their ``position``."""
        chosen = self.rows.select(list(columns))
        positions = pa.array(np.arange(self.rows.num_rows, dtype=np.int64))
        chosen = chosen.append_column("position", positions)
        return chosen if self.good.all() else chosen.filter(pa.array(self.good))
