"""The answer of every parser of a column: typed values, and which rows failed which rule."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:  # pandas takes half a second to import and most columns come from Arrow
    import pandas as pd

# Blanks that exports put around values: ASCII, no-break, figure and narrow no-break space.
BLANKS = " \t\r\n\v\f\u00a0\u2007\u202f\ufeff"

Raw: TypeAlias = "pa.Array | pa.ChunkedArray | pd.Series[Any]"


class ColumnError(ValueError):
    """A column that cannot be read as a whole; names column, example and next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A column after typing.

    Parameters
    ----------
    array : pa.Array
        One typed value a row; null where the source had none or the row failed.
    failures : dict of str to ndarray of int64
        Positions (from 0) of the rows that broke a rule, ascending, by the rule's slug.
    """

    array: pa.Array
    failures: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


def as_arrow(raw: Raw) -> pa.Array:
    """Return a column as one Arrow array; dictionaries are decoded.

    A pandas column of mixed objects becomes text.

    Examples
    --------
    >>> import pandas as pd
    >>> as_arrow(pd.Series(["1.00", None, 2], dtype=object)).to_pylist()
    ['1.00', None, '2']
    """
    if not isinstance(raw, pa.Array | pa.ChunkedArray):
        try:
            array = pa.array(raw, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            missing = raw.isna()
            array = pa.array(
                [None if gone else str(value) for value, gone in zip(raw, missing, strict=True)],
                pa.string(),
            )
    else:
        array = raw
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        # More than 2 GB of text does not fit the offsets of one string array.
        array = array.cast(pa.large_string()).combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array


def is_text(kind: pa.DataType) -> bool:
    """Tell whether an Arrow type is one of the three kinds of string."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def trimmed(values: pa.Array) -> pa.Array:
    r"""Return text without the blanks around it; nothing left is null.

    Examples
    --------
    >>> trimmed(pa.array(["\u00a0 7 ", " "])).to_pylist()
    ['7', None]
    """
    bare = pc.utf8_trim(pc.cast(values, pa.string()), characters=BLANKS)
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def positions(mask: pa.Array) -> npt.NDArray[np.int64]:
    """Return the positions where a boolean array is true; null is not."""
    found = pc.fill_null(mask, fill_value=False).to_numpy(zero_copy_only=False)
    return np.flatnonzero(found).astype(np.int64)


def without_empty(
    failures: Iterable[tuple[str, npt.NDArray[np.int64]]],
) -> dict[str, npt.NDArray[np.int64]]:
    """Return the failures that have rows."""
    return {rule: rows for rule, rows in failures if rows.size}
