"""Peers of an account: those of its segment and region, on like terms, as the books showed them.

How peers pay is no fact of an account's own rows: the levels stand in a model's profile (see
``models.peers``), dated by month, each month's from rows known before it. So ``rollrisk
features`` holds none of them, and an account alone scores as it does in the crowd.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import FeatureFrame
from features.session import Session
from features.stages import PEER_STAGES

GROUP_COLUMNS = ("segment", "region")
HISTORY = "account_changes"
"""Without this table nobody knows what an account's segment was: terms alone make peers."""


def with_groups(frame: FeatureFrame, session: Session, present: frozenset[str]) -> FeatureFrame:
    """Return the frame with each account's segment and region on the row's own day.

    Parameters
    ----------
    frame : FeatureFrame
        Rows of the session's dates.
    session : Session
        Where the ledger is open.
    present : frozenset of str
        Tables that the source provides.

    Returns
    -------
    FeatureFrame
        ``items`` has ``segment`` and ``region`` besides, empty where they are not known.
    """
    if HISTORY not in present:
        return replace(frame, items=frame.items.assign(segment="", region=""))
    session.run(PEER_STAGES[:1])
    groups = session.arrow("select as_of, account_id, segment, region from peer_groups")
    known = groups.to_pandas()
    known["as_of"] = pd.to_datetime(known["as_of"])
    keys = ["as_of", "account_id"]
    found = frame.items[keys].merge(known.drop_duplicates(keys), on=keys, how="left")
    columns = {name: found[name].fillna("").to_numpy(dtype=object) for name in GROUP_COLUMNS}
    return replace(frame, items=frame.items.assign(**columns))


def month_of(days: npt.ArrayLike) -> npt.NDArray[np.datetime64]:
    """Return the month of each day.

    Examples
    --------
    >>> str(month_of([np.datetime64("2024-02-29")])[0])
    '2024-02'
    """
    return np.asarray(days, dtype="datetime64[M]")


def months_until(first: date, last: date) -> list[str]:
    """Return every month from that of ``first`` to that of ``last``, as ``2024-02``.

    Examples
    --------
    >>> months_until(date(2023, 12, 31), date(2024, 1, 1))
    ['2023-12', '2024-01']
    """
    start, end = np.array([first, last], dtype="datetime64[M]")
    return [str(month) for month in np.arange(start, end + 1)]


def eves(months: Iterable[str]) -> list[date]:
    """Return the last day before each month: what was known then makes its levels.

    Examples
    --------
    >>> [str(day) for day in eves(["2024-03"])]
    ['2024-02-29']
    """
    return [date.fromisoformat(f"{month}-01") - timedelta(days=1) for month in months]
