"""Which columns are empty at first and are filled in later, and from when they count.

Such columns carry a clock of their own, so that filling them in is no new version of the row:
a dispute that closes in May is the same row in April, seen without its closing.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LateColumns:
    """The late columns of one table.

    Parameters
    ----------
    columns : tuple of str
        Columns that count from the day of ``clock``.
    clock : tuple of str
        Date columns; the first one that is filled is the day.
    refers : str
        A column that names another row of the table and counts once that row is shown; empty
        when there is none.

    Examples
    --------
    >>> LATE["promises"].every
    ('withdrawn_on', 'superseded_by')
    """

    columns: tuple[str, ...]
    clock: tuple[str, ...]
    refers: str = ""

    @property
    def every(self) -> tuple[str, ...]:
        """Names of all late columns."""
        return (*self.columns, self.refers) if self.refers else self.columns

    def day(self, row: str) -> str:
        """Return SQL for the day from which the columns of the relation ``row`` count."""
        return f"coalesce({', '.join(f'{row}.{name}' for name in self.clock)})"


LATE: dict[str, LateColumns] = {
    "disputes": LateColumns(
        columns=("closed_on", "closed_known_on", "outcome"),
        clock=("closed_known_on", "closed_on"),
    ),
    "promises": LateColumns(
        columns=("withdrawn_on",),
        clock=("withdrawn_on",),
        refers="superseded_by",
    ),
    "installments": LateColumns(
        columns=("cancelled_on", "cancelled_known_on"),
        clock=("cancelled_known_on", "cancelled_on"),
    ),
    "account_flags": LateColumns(columns=("until_on",), clock=("until_on",)),
}
"""Late columns by table; tables without any are not here."""
