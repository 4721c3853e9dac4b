"""The state of every item, the log of every event, and snapshots of both."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.sources.simulated.billing import Bills
from features.sources.simulated.days import Ints
from features.sources.simulated.hazards import PARTS_LEFT_SHARE

(
    OPEN,
    STUCK,
    DISPUTED,
    PROMISED,
    WITHDRAWING,
    ON_PLAN,
    SETTLING,
    BACKDATED,
    DELAYED,
    RETURNING,
    CLOSED,
) = range(11)
"""Phases. From WITHDRAWING to RETURNING an item waits for the business day in ``wake``."""

NEVER = np.int32(2**31 - 1)
_TYPES: dict[str, npt.DTypeLike] = {
    "account": np.int32,
    "issued": np.int32,
    "shown": np.int32,
    "terms": np.int32,
    "due": np.int32,
    "amount": np.int64,
    "balance": np.int64,
    "parts": np.int8,
    "phase": np.int8,
    "wake": np.int32,
    "contacted": np.bool_,
    "pull": np.float32,
    "billing": np.int8,
    "po_missing": np.bool_,
    "replaces": np.int32,
    "reference": np.int32,
    "paid_known": np.int32,
    "returned": np.bool_,
}


class Items:
    """All items issued so far, as columns that grow.

    ``due`` is the date agreed last; ``parts`` counts the parts still to be paid; ``wake`` is
    a business-day index; ``reference`` is the row of the running dispute, promise or plan;
    ``paid_known`` is the business day on which the books showed the item as paid.

    Attributes
    ----------
    count : int
        Number of items.
    """

    account: Ints
    issued: Ints
    shown: Ints
    terms: Ints
    due: Ints
    amount: npt.NDArray[np.int64]
    balance: npt.NDArray[np.int64]
    parts: npt.NDArray[np.int8]
    phase: npt.NDArray[np.int8]
    wake: Ints
    contacted: npt.NDArray[np.bool_]
    pull: npt.NDArray[np.float32]
    billing: npt.NDArray[np.int8]
    po_missing: npt.NDArray[np.bool_]
    replaces: Ints
    reference: Ints
    paid_known: Ints
    returned: npt.NDArray[np.bool_]

    def __init__(self, capacity: int) -> None:
        self.count = 0
        self._capacity = max(capacity, 16)
        for name, kind in _TYPES.items():
            setattr(self, name, np.zeros(self._capacity, dtype=kind))

    def add(self, bills: Bills) -> Ints:
        """Append new items and return their indices."""
        start, self.count = self.count, self.count + len(bills.account)
        if self.count > self._capacity:
            self._capacity = int(self.count * 1.5)
            for name in _TYPES:
                old = getattr(self, name)
                grown = np.zeros(self._capacity, dtype=old.dtype)
                grown[:start] = old[:start]
                setattr(self, name, grown)
        rows = slice(start, self.count)
        for name in ("account", "issued", "shown", "terms", "billing", "po_missing", "replaces"):
            getattr(self, name)[rows] = getattr(bills, name)
        self.pull[rows] = bills.pull
        self.due[rows] = bills.issued + bills.terms
        self.amount[rows] = self.balance[rows] = bills.cents
        self.parts[rows] = len(PARTS_LEFT_SHARE) - 1
        self.phase[rows] = np.where(bills.stuck, STUCK, OPEN)
        self.wake[rows] = self.reference[rows] = -1
        self.paid_known[rows] = NEVER
        return np.arange(start, self.count, dtype=np.int32)

    def trim(self) -> None:
        """Drop the spare capacity."""
        for name in _TYPES:
            setattr(self, name, getattr(self, name)[: self.count])
        self._capacity = max(self.count, 1)


def balance_with_parts(amount: npt.NDArray[np.int64], parts: Ints) -> npt.NDArray[np.int64]:
    """Return what is open of ``amount`` cents while ``parts`` are left.

    Examples
    --------
    >>> balance_with_parts(np.array([10_001, 10_001]), np.array([2, 0], dtype=np.int32)).tolist()
    [6201, 0]
    """
    left: npt.NDArray[np.int64] = np.rint(amount * np.asarray(PARTS_LEFT_SHARE)[parts]).astype(
        np.int64
    )
    return left


Columns = dict[str, npt.NDArray[np.generic]]


@dataclass(slots=True)
class EventLog:
    """Events by kind, as columns; within a kind in the order they happened."""

    chunks: dict[str, list[Columns]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, **columns: npt.ArrayLike) -> Ints:
        """Append events and return their row numbers; scalars are repeated."""
        arrays = dict(zip(columns, np.broadcast_arrays(*columns.values()), strict=True))
        size = next(iter(arrays.values())).size
        start = self.counts.get(kind, 0)
        if size:
            self.chunks.setdefault(kind, []).append({k: v.copy() for k, v in arrays.items()})
            self.counts[kind] = start + size
        return np.arange(start, start + size, dtype=np.int32)

    def table(self, kind: str, *names: str) -> list[npt.NDArray[np.int64]]:
        """Return the named columns of all events of one kind as 64-bit integers."""
        chunks = self.chunks.get(kind, [])
        return [
            np.concatenate([np.zeros(0, np.int64), *(chunk[name] for chunk in chunks)]).astype(
                np.int64
            )
            for name in names
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The hidden state of all items that the books show as open at the end of a day.

    Parameters
    ----------
    as_of : int
        Days since 1970-01-01.
    index : int
        Index of the newest business day.
    item : ndarray of int32
        Item indices; the other item arrays have the same length.
    account, due, parts, phase, wake, contacted, pull
        See :class:`Items`.
    regime : ndarray of int8
        Regime of each item's account.
    paid : ndarray of int64
        Number of paid invoices per account that the books show.
    """

    as_of: int
    index: int
    item: Ints
    account: Ints
    due: Ints
    parts: npt.NDArray[np.int8]
    phase: npt.NDArray[np.int8]
    wake: Ints
    contacted: npt.NDArray[np.bool_]
    pull: npt.NDArray[np.float32]
    regime: npt.NDArray[np.int8]
    paid: npt.NDArray[np.int64]

    def pick(self, rows: npt.NDArray[np.int64]) -> "Snapshot":
        """Return the snapshot of the chosen items; ``paid`` stays whole."""
        chosen = {
            name: getattr(self, name)[rows]
            for name in self.__slots__
            if name not in {"as_of", "index", "paid"}
        }
        return Snapshot(as_of=self.as_of, index=self.index, paid=self.paid, **chosen)
