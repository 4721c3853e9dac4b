"""How far the roll-rate matrix answers for accounts and segments with little history.

An account that has paid n invoices within a year is believed with the weight n/(n + k), and the
matrix has the rest. There are two such k: one for segments that the model has learnt from, one
for segments that it has not; a segment's own weight, m/(m + k) with m invoices that it was
learnt from, says how far the first of them counts:

    share = w · n/(n + k_known) + (1 − w) · n/(n + k_unseen),   w = m/(m + k_segment)

Survival curves are mixed with this share, so they never rise with time. A matrix that would
have less than ``SMALLEST_SHARE`` is left out: then the model answers alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

PAID_ITEMS = "paid_items_365"
"""The feature that counts what an account has paid within a year, as known on the as-of date."""

MATRIX_FALLBACK = "matrix: no model is trained for this ledger"
RESIDUAL_FALLBACK = "matrix: residual balance"
_ALONE = "matrix: "

SMALLEST_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """How much history an account and a segment need before the model answers alone.

    Parameters
    ----------
    known_k, unseen_k : float
        Paid invoices at which model and matrix weigh the same, in a segment that the model has
        learnt from and in one that it has not; at least 0, and 0 for the model alone.
    segment_k : float
        Invoices learnt from at which a segment counts half as known.
    segment_items : mapping of str to int
        Invoices that each segment was learnt from; ``""`` for accounts without one.

    Examples
    --------
    >>> rule = Fallback(known_k=0, unseen_k=4, segment_k=50, segment_items={"smb": 4000})
    >>> segment = np.array(["smb", "new", "new"], dtype=object)
    >>> rule.model_share(np.array([0.0, 0.0, 4.0]), segment).tolist()
    [1.0, 0.0, 0.5]
    """

    known_k: float
    unseen_k: float
    segment_k: float
    segment_items: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse weights outside of 0 to 1."""
        for name in ("known_k", "unseen_k", "segment_k"):
            if getattr(self, name) < 0:
                raise ValueError(f"Fallback {name} must be at least 0, got {getattr(self, name)}.")

    def model_share(self, paid: Floats, segment: Names) -> Floats:
        """Return the share that the model has in each answer, shape (n,), in [0, 1].

        Parameters
        ----------
        paid : numpy.ndarray of float64, shape (n,)
            Invoices that each row's account paid within a year; NaN counts as none.
        segment : numpy.ndarray of str, shape (n,)
            Segment of each row's account.
        """
        known = shrinkage(self._items(segment), self.segment_k)
        count = np.nan_to_num(paid)
        share = known * shrinkage(count, self.known_k)
        share += (1.0 - known) * shrinkage(count, self.unseen_k)
        return np.where(share > 1.0 - SMALLEST_SHARE, 1.0, share)

    def reasons(self, share: Floats, paid: Floats, segment: Names) -> Names:
        """Return why the matrix has a part in each answer, with the counts; empty without one."""
        said = np.full(len(share), "", dtype=object)
        rows = np.flatnonzero(share < 1.0)
        items = self._items(segment[rows])
        for row, learnt in zip(rows.tolist(), items.tolist(), strict=True):
            count = int(np.nan_to_num(paid[row]))
            said[row] = (
                f"matrix {1.0 - share[row]:.0%}: the account has paid "
                f"{count or 'no'} {'invoice' if count == 1 else 'invoices'} in a year, and "
                f"{int(learnt) or 'none'} of its segment {'was' if learnt == 1 else 'were'} "
                "learnt from"
            )
        return said

    def _items(self, segment: Names) -> Floats:
        counts = [self.segment_items.get(str(name), 0) for name in segment]
        return np.asarray(counts, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON values."""
        return asdict(self)


def shrinkage(count: Floats, k: float) -> Floats:
    """Return count/(count + k), and 1 where both are 0.

    Examples
    --------
    >>> shrinkage(np.array([0.0, 2.0]), 2.0).tolist(), shrinkage(np.array([0.0]), 0.0).tolist()
    ([0.0, 0.5], [1.0])
    """
    total = count + k
    return np.where(total > 0, count / np.where(total > 0, total, 1.0), 1.0)


def by_matrix_alone(fallback: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return for each value of ``fallback`` whether the model had no part in the answer.

    Examples
    --------
    >>> by_matrix_alone(["", RESIDUAL_FALLBACK, "matrix 40%: 3 invoices paid"]).tolist()
    [False, True, False]
    """
    said = np.asarray(fallback, dtype=object)
    return np.array([str(one).startswith(_ALONE) for one in said], dtype=bool)
