"""What every source gives: typed ledger tables, and what could not be typed.

A source reads one kind of export and answers with an :class:`Extract`. It types, renames and
maps; it does not judge whether rows agree with each other, which is the validator's work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from features.ledger.quarantine import Rejected


class ContractError(ValueError):
    r"""An export as a whole breaks the ledger contract.

    Parameters
    ----------
    message : str
        What was read and how many rules it broke.
    details : tuple of str
        Every failure, each with the thing, the rule, the value and the next step.

    Examples
    --------
    >>> str(ContractError("Folder 'export' was refused.", ("Table 'accounts' is missing.",)))
    "Folder 'export' was refused.\n- Table 'accounts' is missing."
    """

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__("\n- ".join((message, *details)))
        self.details = details


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What one reading of a source gave.

    Parameters
    ----------
    tables : dict of str to pa.Table
        Ledger tables in the schema of the contract, rows that could not be typed left out.
    rejected : list of Rejected
        The cells that could not be typed; one row may have several.
    defaulted_clocks : tuple of str
        Tables whose ``known_on`` was set to the business date for want of anything better.
    known_through : date or None
        Last day the export knows about; None when the source cannot tell.
    warnings : tuple of str
        What was left out and why; sentences for people.
    rows_read : dict of str to int
        Lines of data per table, refused ones included.
    source_rows : mapping of str to pa.Array of int64
        For each row of ``tables`` its line of data in the source, from 1. A table that is
        not named is taken to be numbered 1, 2, 3 …
    document_numbers : frozenset of (str, str)
        (table, column) pairs of id columns that a person has confirmed to hold document
        numbers, although they look like card numbers.
    settings : mapping of str to str or int
        What the source says about itself: ``time_zone``, ``maturity_lag_days``,
        ``reporting_currency``; empty when it says nothing.

    Examples
    --------
    >>> Extract(tables={}).known_through is None
    True
    """

    tables: dict[str, pa.Table]
    rejected: list[Rejected] = field(default_factory=list)
    defaulted_clocks: tuple[str, ...] = ()
    known_through: date | None = None
    warnings: tuple[str, ...] = ()
    rows_read: dict[str, int] = field(default_factory=dict)
    source_rows: Mapping[str, pa.Array] = field(default_factory=dict)
    document_numbers: frozenset[tuple[str, str]] = frozenset()
    settings: Mapping[str, str | int] = field(default_factory=dict)


class Source(Protocol):
    """Reads one kind of export."""

    @property
    def name(self) -> str:
        """What ``rollrisk import`` calls the source."""
        ...

    def read(self, path: Path) -> Extract:
        """Read the export at ``path``.

        Raises
        ------
        ContractError
            When the export as a whole cannot be read.
        features.ledger.sensitive.SensitiveDataError
            When it holds card numbers, bank accounts or secrets.
        """
        ...
