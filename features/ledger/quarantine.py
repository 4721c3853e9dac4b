"""Rows that were refused: where they stood, which rule they broke, and the value.

A value in which a detector finds a card number or an IBAN is replaced when the record is
made, so that no caller can write one to the quarantine by mistake.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from features.ledger.sensitive import redact

SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("row", pa.int64()),
        ("rule", pa.string()),
        ("column", pa.string()),
        ("value", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One broken rule of one row.

    A row that breaks two rules makes two records.

    Parameters
    ----------
    table : str
        Ledger table.
    row : int
        Line of data in the source, from 1; the header does not count.
    rule : str
        Slug of the rule: ``required``, ``choice``, ``sign``, ``orphan``, ``conflict``, …
    column : str
        Column the rule is about; empty when it is the whole row.
    value : str or None
        The value as it stood in the source; card numbers and IBANs are replaced.

    Examples
    --------
    >>> Rejected(table="receipts", row=7, rule="money", column="amount",
    ...          value="4111 1111 1111 1111").value
    '[redacted: card number]'
    """

    table: str
    row: int
    rule: str
    column: str = ""
    value: str | None = None

    def __post_init__(self) -> None:
        if self.value is not None:
            object.__setattr__(self, "value", redact(self.value))


def quarantine_table(rejected: Iterable[Rejected]) -> pa.Table:
    """Return the records as an Arrow table of :data:`SCHEMA`, in the order given.

    Examples
    --------
    >>> quarantine_table([Rejected(table="invoices", row=2, rule="sign", column="amount",
    ...                            value="-1.00")]).to_pylist()
    [{'table': 'invoices', 'row': 2, 'rule': 'sign', 'column': 'amount', 'value': '-1.00'}]
    """
    records = list(rejected)
    return pa.table(
        [
            pa.array([getattr(record, field.name) for record in records], field.type)
            for field in SCHEMA
        ],
        schema=SCHEMA,
    )


def rejected_rows(rejected: Iterable[Rejected]) -> dict[str, int]:
    """Return how many distinct rows of each table were refused.

    Examples
    --------
    >>> rejected_rows([Rejected(table="credits", row=4, rule="sign"),
    ...                Rejected(table="credits", row=4, rule="currency")])
    {'credits': 1}
    """
    rows: dict[str, set[int]] = {}
    for record in rejected:
        rows.setdefault(record.table, set()).add(record.row)
    return {table: len(found) for table, found in rows.items()}
