"""Whether two ledgers give the same features on a day, byte for byte."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import KEYS, FeatureFrame
from features.ledger.finding import MAX_EXAMPLES, Finding


def compare_features(newer: FeatureFrame, older: FeatureFrame, day: date) -> list[Finding]:
    """Compare the feature frames of two ledgers on one day.

    Parameters
    ----------
    newer, older : FeatureFrame
        Features of the same catalogue on ``day``.
    day : date
        The day, for the sentences.

    Returns
    -------
    list of Finding
        Named ``features_agree``: one for the items that only one ledger has open on the day,
        one per feature or key column that differs (``where``), most items first; or a single
        passed one.
    """
    pairs = _places(older).merge(_places(newer), on="invoice_id", how="outer", indicator=True)
    shared = pairs[pairs["_merge"] == "both"]
    left = shared["place_x"].to_numpy(dtype=np.int64)
    right = shared["place_y"].to_numpy(dtype=np.int64)
    ids = shared["invoice_id"].tolist()
    findings = [*_alone(pairs, day), *_differing(newer, older, left, right, ids, day)]
    if findings:
        return findings
    return [
        Finding(
            name="features_agree",
            outcome="passed",
            as_of=day,
            sentence=f"All {len(newer.names)} features of the {len(ids):,} items open on {day} "
            "are the same bytes.",
        )
    ]


def _places(frame: FeatureFrame) -> pd.DataFrame:
    ids = frame.items[["invoice_id"]]
    return ids.assign(place=np.arange(len(ids)))


def _alone(pairs: pd.DataFrame, day: date) -> Iterator[Finding]:
    for side, words in (
        ("left_only", "in the older ledger and not in this one"),
        ("right_only", "in this ledger and not in the older one"),
    ):
        ids = sorted(pairs.loc[pairs["_merge"] == side, "invoice_id"])
        if ids:
            yield Finding(
                name="features_agree",
                outcome="failed",
                where="open items",
                as_of=day,
                count=len(ids),
                examples=tuple(ids[:MAX_EXAMPLES]),
                sentence=f"Items open on {day} {words}: {len(ids):,}. The rows above say why.",
            )


def _differing(
    newer: FeatureFrame,
    older: FeatureFrame,
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    ids: Sequence[str],
    day: date,
) -> Iterator[Finding]:
    """Yield a failure per column in which row ``left`` of one is not row ``right`` of the other."""
    counted = []
    for name in (*(key for key in KEYS if key not in newer.names), *newer.names):
        if name in newer.names:
            before = pd.Series(older.column(name)[left])
            now = pd.Series(newer.column(name)[right])
            unequal = before.to_numpy().view(np.int64) != now.to_numpy().view(np.int64)
        else:
            before = older.items[name].iloc[left].reset_index(drop=True)
            now = newer.items[name].iloc[right].reset_index(drop=True)
            unequal = (~(before.eq(now) | (before.isna() & now.isna()))).to_numpy()
        places = np.flatnonzero(unequal)
        if places.size:
            examples = tuple(
                f"{ids[place]}: {_shown(before.iloc[place])} → {_shown(now.iloc[place])}"
                for place in places[:MAX_EXAMPLES]
            )
            counted.append((int(places.size), name, examples))
    for count, name, examples in sorted(counted, key=lambda entry: (-entry[0], entry[1])):
        yield Finding(
            name="features_agree",
            outcome="failed",
            where=name,
            as_of=day,
            count=count,
            examples=examples,
            sentence=f"{name} on {day} differs on {count:,} of {len(ids):,} items.",
        )


def _shown(value: Any) -> str:  # noqa: ANN401 (a cell of any column)
    if pd.isna(value):
        return "empty"
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return f"{value:.10g}" if isinstance(value, float) else str(value)
