"""Reference levels of how accounts of a kind pay, by month, and the features made of them.

A kind is segment × region × terms. Each month has levels of its own, made from rows that the
books showed before it. A level is shrunk: a kind leans on its segment, a segment on the
portfolio, each with the weight of ``PRIOR_ITEMS`` items.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import FeatureFrame
from features.catalogue import PEER_NAMES, PEERS
from features.peers import GROUP_COLUMNS, month_of

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

ANY = "*"
"""Stands for every segment, region or terms in a group's key."""

TERMS_EDGES: tuple[int, ...] = (15, 30, 45, 60)
"""Last day of each band of terms but the last."""

AGES: tuple[int, ...] = (-30, -15, 0, 15, 30, 60, 90)
"""Days past due at which survival over 30 days is known; linear between, flat beyond."""

PAYMENTS: tuple[str, ...] = (
    "peer_dbt_mean",
    "peer_late_share",
    "peer_late_30_share",
    "peer_late_dollars_share",
    "peer_days_to_pay_mean",
)
"""Levels of payments, the first columns of a group's row; the rest is survival by age."""

OWN_NAMES: tuple[str, ...] = (
    "terms_days",
    "dbt_mean_365",
    "late_share_365",
    "own_survival_30",
    "own_items_seen_at_age",
)
"""Features of an item that are held against the levels of its peers."""

PRIOR_ITEMS = 50.0

OWN_PRIOR_ITEMS = 5.0
"""Items of an account's own, as old as this one, that weigh as much as all of its peers."""


def terms_band(terms_days: npt.ArrayLike) -> Places:
    """Return the band of terms of each item, -1 where there are none.

    Examples
    --------
    >>> terms_band([0, 15, 16, 90, float("nan")]).tolist()
    [0, 0, 1, 4, -1]
    """
    days = np.asarray(terms_days, dtype=float)
    return np.where(np.isnan(days), -1, np.searchsorted(TERMS_EDGES, days))


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerLevels:
    """Levels by month and group.

    Parameters
    ----------
    months : list of str
        ``2024-02``, rising without gaps.
    groups : list of list of str
        Segment, region and band of terms; ``*`` for any. The first is the whole portfolio.
    items : list of list of int
        Payments behind each group of a month, shape (months, groups).
    values : list of list of list of float
        Shrunken levels, shape (months, groups, payments + ages); None while nothing was paid.
    """

    months: list[str]
    groups: list[list[str]]
    items: list[list[int]]
    values: list[list[list[float | None]]]

    def until(self, month: str) -> "PeerLevels":
        """Return the levels of the months up to ``month``."""
        count = sum(known <= month for known in self.months)
        return replace(
            self, months=self.months[:count], items=self.items[:count], values=self.values[:count]
        )

    def rows(self, frame: FeatureFrame) -> Floats:
        """Return each row's levels, of its own month or the newest before; NaN without one.

        A group that the levels do not hold is answered by its segment, else by the portfolio.
        """
        months = np.array(self.months, dtype="datetime64[M]")
        own = np.searchsorted(months, _months(frame, months), side="right") - 1
        group = self._places(frame)
        result = np.full((len(group), len(PAYMENTS) + len(AGES)), np.nan)
        for place in np.unique(own[own >= 0]).tolist():
            here = own == place
            result[here] = np.asarray(self.values[place], dtype=float)[group[here]]
        return result

    def _places(self, frame: FeatureFrame) -> Places:
        place = {tuple(key): position for position, key in enumerate(self.groups)}
        band = terms_band(_column(frame, "terms_days"))
        codes, kinds = pd.MultiIndex.from_arrays(
            [*(_texts(frame, name) for name in GROUP_COLUMNS), band]
        ).factorize()
        wanted = [
            next(
                place[key]
                for key in ((segment, region, str(terms)), (segment, ANY, ANY), (ANY, ANY, ANY))
                if key in place
            )
            for segment, region, terms in kinds
        ]
        places: Places = np.array(wanted, dtype=np.int64)[np.asarray(codes)]
        return places


def with_peers(frame: FeatureFrame, levels: PeerLevels | None) -> FeatureFrame:
    """Return the frame with the features of ``PEERS`` behind its own, in their order.

    Features of peers that the frame holds already are replaced: training rows carry those of
    their own month, scoring takes what the model knows.

    Parameters
    ----------
    frame : FeatureFrame
        Rows, with their group (see ``features.peers.with_groups``) or without.
    levels : PeerLevels or None
        What the model's profile holds; None leaves the features missing.
    """
    own = [place for place, name in enumerate(frame.names) if name not in PEER_NAMES]
    count = len(frame.items)
    values = np.full((len(PEERS), count), np.nan)
    if levels is not None and levels.months and count:
        _fill(dict(zip(PEER_NAMES, values, strict=True)), frame, levels.rows(frame))
    joined = np.empty((len(own) + len(PEERS), count))
    joined[: len(own)] = frame.matrix(frame.names).T[own]
    joined[len(own) :] = values
    names = (*(frame.names[place] for place in own), *PEER_NAMES)
    return replace(frame, values=joined.T, names=names)


def _fill(out: dict[str, Floats], frame: FeatureFrame, levels: Floats) -> None:
    days = frame.items["days_past_due"].to_numpy(dtype=float)
    for place, name in enumerate(PAYMENTS):
        out[name][:] = levels[:, place]
    out["peer_survival_30"][:] = _at_age(levels[:, len(PAYMENTS) :], days)
    out["dbt_against_peers"][:] = _column(frame, "dbt_mean_365") - out["peer_dbt_mean"]
    out["late_share_against_peers"][:] = _column(frame, "late_share_365") - out["peer_late_share"]
    out["survival_30_against_peers"][:] = (
        _column(frame, "own_survival_30") - out["peer_survival_30"]
    )
    out["days_beyond_peers"][:] = days - out["peer_dbt_mean"]
    seen = _column(frame, "own_items_seen_at_age")
    own = seen / (seen + OWN_PRIOR_ITEMS)
    out["survival_30_among_peers"][:] = (
        own * _column(frame, "own_survival_30") + (1 - own) * out["peer_survival_30"]
    )


def _at_age(survival: Floats, days_past_due: Floats) -> Floats:
    """Return the survival between the two nearest of ``AGES``; NaN for undated items."""
    ages = np.array(AGES, dtype=float)
    day = np.clip(days_past_due, ages[0], ages[-1])
    left = np.clip(np.searchsorted(ages, np.nan_to_num(day), side="right") - 1, 0, len(ages) - 2)
    weight = (day - ages[left]) / (ages[left + 1] - ages[left])
    rows = np.arange(len(day))
    return np.asarray((1 - weight) * survival[rows, left] + weight * survival[rows, left + 1])


def _months(frame: FeatureFrame, months: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Return the month of each row; rows without a date are of the newest."""
    if "as_of" in frame.items:
        return month_of(frame.items["as_of"].to_numpy())
    return np.full(len(frame.items), months[-1])


def _texts(frame: FeatureFrame, name: str) -> npt.NDArray[np.object_]:
    if name in frame.items:
        return frame.items[name].to_numpy(dtype=object)
    return np.full(len(frame.items), "", dtype=object)


def _column(frame: FeatureFrame, name: str) -> Floats:
    if name in frame.names:
        return frame.column(name)
    return np.full(len(frame.items), np.nan)
