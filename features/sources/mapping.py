"""What a mapping says: which table, view or query of a database fills each ledger table."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from features.ledger.sensitive import redact
from features.ledger.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMapping:
    """Where the rows of one ledger table come from.

    Parameters
    ----------
    table : Table
        The ledger table.
    source : str
        Table or view, with its schema where it has one; empty when ``query`` is given.
    query : str
        A select whose columns are called as those of the ledger table.
    columns : mapping of str to str
        Ledger column → column of ``source``, where the names differ.
    constants : mapping of str to str
        Ledger column → the one value of all rows.
    values : mapping of str to mapping of str to str
        Ledger column → value of the source → value of the ledger. Other values stay.
    """

    table: Table
    source: str = ""
    query: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """What errors call the table."""
        return f"Table {self.table.name!r} ({redact(self.source) or 'query'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseMapping:
    """A mapping of all tables.

    Parameters
    ----------
    tables : tuple of TableMapping
        In the order of the contract.
    known_through : date or None
        Last day whose postings the database holds completely.
    zone : ZoneInfo
        Zone in which a point in time becomes a day.
    settings : mapping of str to str or int
        ``time_zone``, ``maturity_lag_days`` and ``reporting_currency``, for the manifest.
    document_numbers : frozenset of (str, str)
        (table, column) pairs of id columns that a person has confirmed to hold document
        numbers, although they look like card numbers.
    """

    tables: tuple[TableMapping, ...]
    known_through: date | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    settings: Mapping[str, str | int] = field(default_factory=dict)
    document_numbers: frozenset[tuple[str, str]] = frozenset()


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message about ``name``: the nearest of the known names.

    Examples
    --------
    >>> nearest("invoice", ("accounts", "invoices")), nearest("x", ("accounts", "invoices"))
    ("did you mean 'invoices'?", "known: 'accounts', 'invoices'.")
    """
    plain = {each.lower(): each for each in known}
    if close := difflib.get_close_matches(name.lower(), plain, n=1):
        return f"did you mean {redact(plain[close[0]])!r}?"
    return f"known: {', '.join(repr(redact(each)) for each in plain.values()) or 'none'}."
