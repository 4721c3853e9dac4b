"""Write a ledger to disk in several imports: in one order, in another, and all of it twice."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features.ledger.read import Ledger, open_ledger
from features.ledger.tables import TABLES
from features.ledger.write import import_extract
from features.sources.base import Extract
from tests.laws.generated import LAST

Tables = dict[str, pa.Table]

_PARENTS = ("accounts", "invoices")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """Where a row's key falls: in one half of the families, and in one half of all keys."""

    table: str
    half: int
    odd: int


def imported(ledger: Ledger, folder: Path) -> Ledger:
    """Return the ledger brought in two imports: accounts and invoices, then all else."""
    parents = _part(ledger, lambda key: key.table in _PARENTS)
    rest = _part(ledger, lambda key: key.table not in _PARENTS)
    return _in(folder, [parents, rest])


def imported_otherwise(ledger: Ledger, folder: Path) -> Ledger:
    """Return the ledger brought in other files, one of which comes twice.

    All versions of a key stand in one file, since a key that comes again with other content is a
    change; accounts and invoices come no later than the rows that name them.
    """
    one = _part(ledger, lambda key: key.half == 1 and (key.table in _PARENTS or key.odd == 1))
    rest = _part(ledger, lambda key: key.half == 0 or (key.table not in _PARENTS and key.odd == 0))
    return _in(folder, [one, rest, one])


def imported_again(ledger: Ledger, folder: Path) -> Ledger:
    """Return the ledger brought in one import, and all of it again with the rows turned round."""
    again = {
        name: rows.take(pa.array(range(rows.num_rows - 1, -1, -1), pa.int64()))
        for name, rows in ledger.rows.items()
    }
    return _in(folder, [dict(ledger.rows), again])


def _part(ledger: Ledger, chosen: Callable[[_Key], bool]) -> Tables:
    """Return the rows of each table whose keys are chosen."""
    part = {}
    for name, table in ledger.rows.items():
        keep = []
        for key in table.select(list(TABLES[name].key)).to_pylist():
            family, text = next(iter(key.values()))[:2], str(key)
            half, odd = (zlib.crc32(piece.encode()) % 2 for piece in (family, text))
            keep.append(chosen(_Key(table=name, half=half, odd=odd)))
        part[name] = table.filter(pa.array(keep, pa.bool_()))
    return part


def _in(folder: Path, parts: Sequence[Tables]) -> Ledger:
    for part in parts:
        import_extract(
            folder,
            Extract(tables=part),
            source="generated",
            known_through=LAST,
            max_quarantined_share=0.0,
        )
    return open_ledger(folder)
