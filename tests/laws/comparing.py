"""Where two feature frames differ, to the byte, family by family of the crowd."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import FeatureFrame
from features.catalogue import CATALOGUE

_FAMILY = {feature.name: feature.family for feature in CATALOGUE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One cell of one item on one day that is not the same on both sides."""

    as_of: str
    invoice: str
    column: str
    left: Any
    right: Any

    def __str__(self) -> str:
        """Return the difference on one line."""
        where = f"{self.column} ({_FAMILY.get(self.column, 'item')})"
        return f"{where} of {self.invoice!r} on {self.as_of}: {self.left} became {self.right}"


Found = dict[str, list[Difference]]
"""What differs, by the generated family that the item belongs to; empty where a law holds."""


def differences(left: FeatureFrame, right: FeatureFrame) -> Found:
    """Compare two frames of the same ledger and days byte by byte.

    Items that stand on one side only are differences of the column ``open item``.
    """
    found: Found = {}
    here, there = _keys(left), _keys(right)
    shared = here.intersection(there, sort=False)
    for keys, sides in (
        (here.difference(shared), ("open", "missing")),
        (there.difference(shared), ("missing", "open")),
    ):
        for as_of, invoice in keys:
            _add(found, as_of, invoice, "open item", *sides)
    if len(shared) == len(here) == len(there) and not here.equals(there):
        _add(found, *here[0], "order of rows", "sorted", "not sorted")
    mine, other = here.get_indexer(shared), there.get_indexer(shared)
    for name in left.items.columns:
        column = left.items[name].iloc[mine].reset_index(drop=True)
        opposite = right.items[name].iloc[other].reset_index(drop=True)
        same = (column == opposite) | (column.isna() & opposite.isna())
        for row in np.flatnonzero(~same.to_numpy()):
            _add(found, *shared[row], name, str(column[row]), str(opposite[row]))
    values, others = left.matrix(left.names)[mine], right.matrix(right.names)[other]
    unlike = values.view(np.int64) != others.view(np.int64)
    for row, place in zip(*np.nonzero(unlike), strict=True):
        sides = (float(values[row, place]), float(others[row, place]))
        _add(found, *shared[row], left.names[place], *sides)
    return found


def rows_of(frame: FeatureFrame, day_of: Mapping[str, date]) -> FeatureFrame:
    """Return the rows of each family on its own day; families not named are left out."""
    family = frame.items["account_id"].str[:2]
    days = pd.to_datetime(family.map(day_of))
    keep: npt.NDArray[np.bool_] = (days == frame.items["as_of"]).to_numpy(dtype=bool)
    return frame.select(keep)


def described(found: Found, families: int) -> str:
    """Return what differs in words: features by family of the catalogue, and the first cells."""
    every = [difference for some in found.values() for difference in some]
    by_family: dict[str, set[str]] = {}
    for difference in every:
        column = difference.column
        by_family.setdefault(_FAMILY.get(column, "item"), set()).add(column)
    lines = [
        f"{sum(map(len, by_family.values()))} columns differ, in {len(found)} of {families} "
        f"generated families ({', '.join(sorted(found)[:8])}):"
    ]
    lines += [f"  {family}: {', '.join(sorted(names))}" for family, names in by_family.items()]
    return "\n".join([*lines, *(f"  {difference}" for difference in every[:5])])


def _keys(frame: FeatureFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([frame.items["as_of"], frame.items["invoice_id"]])


def _add(
    found: Found,
    as_of: pd.Timestamp,
    invoice: str,
    column: str,
    left: Any,  # noqa: ANN401 (any cell)
    right: Any,  # noqa: ANN401 (any cell)
) -> None:
    difference = Difference(
        as_of=str(as_of.date()), invoice=invoice, column=column, left=left, right=right
    )
    found.setdefault(invoice[:2], []).append(difference)
