"""What earlier scorings expected, beside what the books showed once it was final.

Each scoring of the home is judged by the rules that its model was trained by: what an item still
owes 30, 60 or 90 days on counts where the item is open, a write-off counts whole. Only outcomes
that were final by the served day are used. A scoring made by a model that had already seen what
came of the day was no forecast; it says so.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from features.ageing import BUCKETS, LAST, STEP_DAYS
from features.engines import EngineOptions
from features.ledger.read import Ledger
from features.outcomes import outcome_frame
from models.profile import Profile
from models.snapshot import FORMATS, SnapshotManifest, read_snapshot_manifest
from serving.console.forecast import HORIZONS, expected_sums, remaining

logger = logging.getLogger("rollrisk.console")

MOST = 12
"""Scorings that are judged, the newest first."""

APART_DAYS = 28
"""Scorings nearer to each other forecast the same items."""

LOOK_BACK_DAYS = 400
MIN_FOUND = 0.9
"""With fewer of its items in the ledger a scoring belongs to another one."""

_COLUMNS = [
    "account_id",
    "invoice_id",
    "currency",
    "bucket",
    "days_past_due",
    "open_balance",
    "exposed",
    *(f"p_open_{days}" for days in HORIZONS),
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A balance that was expected, the ends of its 95 % interval, and what it came to."""

    expected: float
    low: float
    high: float
    actual: float

    @property
    def held(self) -> bool:
        """Whether what came lies within the interval."""
        return self.low <= self.actual <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class PastForecast:
    """One earlier scoring in one currency.

    Parameters
    ----------
    snapshot, model_version : str
        Which scoring, and what scored.
    scored_on : date
        Its day.
    currency : str
        Of all amounts.
    hindsight : bool
        Whether the model was trained on books of a later day.
    balance : float
        Open balance of the items.
    rolled : Judged
        Balance that moves to the next bucket within 30 days, of the items that could.
    by_bucket : mapping of str to Judged
        The same by the bucket at the scoring; of the last bucket, what stays open.
    open : mapping of str to Judged
        Balance still open after 30, 60 and 90 days, as far as it is final.
    """

    snapshot: str
    model_version: str
    scored_on: date
    currency: str
    hindsight: bool
    balance: float
    rolled: Judged
    by_bucket: Mapping[str, Judged]
    open: Mapping[str, Judged]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "PastForecast":
        """Return what ``dataclasses.asdict`` made plain."""
        judged = {
            name: {key: Judged(**one) for key, one in content[name].items()}
            for name in ("by_bucket", "open")
        }
        scored_on = date.fromisoformat(content["scored_on"])
        return cls(
            **{**content, **judged, "rolled": Judged(**content["rolled"]), "scored_on": scored_on}
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "scored_on": self.scored_on.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier scoring: its folder and what was scored with what."""

    folder: Path
    manifest: SnapshotManifest


def earlier_scorings(snapshots: Path, known: date, maturity_lag_days: int) -> tuple[Earlier, ...]:
    """Return the scorings whose first step was final on ``known``, oldest first.

    At most twelve, four weeks apart at least. Of several scorings of a day the one published
    first counts: a later one may know more.
    """
    ripe = known - timedelta(days=STEP_DAYS + maturity_lag_days)
    first: dict[date, tuple[float, Earlier]] = {}
    for path in sorted(snapshots.glob("[!.]*/manifest.json")):
        try:
            manifest = read_snapshot_manifest(path.parent, formats=FORMATS)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # of another format, or not ours
        if timedelta(0) <= ripe - manifest.as_of <= timedelta(days=LOOK_BACK_DAYS):
            made = path.stat().st_mtime
            if manifest.as_of not in first or made < first[manifest.as_of][0]:
                first[manifest.as_of] = (made, Earlier(folder=path.parent, manifest=manifest))
    kept: list[Earlier] = []
    for day in sorted(first, reverse=True):
        if not kept or (kept[-1].manifest.as_of - day).days >= APART_DAYS:
            kept.append(first[day][1])
    return tuple(kept[:MOST][::-1])


def track_record(
    scorings: Sequence[Earlier], ledger: Ledger, known: date
) -> tuple[PastForecast, ...]:
    """Judge earlier scorings by a ledger as it stood on ``known``; oldest first, by currency.

    Scorings whose items the ledger does not hold are left out.
    """
    cut = replace(ledger, manifest=replace(ledger.manifest, known_through=known))
    found: list[PastForecast] = []
    for scoring in scorings:
        # One day at a time: all days at once would hold every item of the year in memory.
        try:
            found += _judge(scoring, cut)
        except (OSError, ValueError, KeyError) as error:
            logger.warning("The scoring %s cannot be judged: %s", scoring.folder.name, error)
    return tuple(found)


def _judge(scoring: Earlier, ledger: Ledger) -> Iterator[PastForecast]:
    day = scoring.manifest.as_of
    items = pq.read_table(scoring.folder / "items.parquet", columns=_COLUMNS).to_pandas()
    outcomes = outcome_frame(ledger, [day], options=EngineOptions(threads=1))
    rows = items.merge(outcomes, on=["account_id", "invoice_id"], how="left")
    known = rows["outcome_30"].notna().to_numpy()
    if not len(rows) or known.mean() < MIN_FOUND:
        return
    rows = rows[known].reset_index(drop=True)
    rows["owner"] = pd.factorize(rows["account_id"])[0]
    profile, trained_until = _model(scoring.folder / "model")
    for currency, own in rows.groupby("currency", observed=True):
        yield _forecast(
            scoring, str(currency), own, profile, hindsight=trained_until > day.isoformat()
        )


def _model(folder: Path) -> tuple[Profile, str]:
    """Return the profile of a model and the day its training ends, without its trees."""
    content = json.loads((folder / "bundle.json").read_text("utf-8"))
    return Profile.from_json(content["profile"]), str(content["facts"].get("trained_until", ""))


def _forecast(
    scoring: Earlier, currency: str, rows: pd.DataFrame, profile: Profile, *, hindsight: bool
) -> PastForecast:
    exposed = rows["exposed"].to_numpy(dtype=bool)
    bucket = rows["bucket"].to_numpy(dtype=object)
    moves = exposed | (bucket == BUCKETS[LAST])
    return PastForecast(
        snapshot=scoring.folder.name,
        model_version=scoring.manifest.model_version,
        scored_on=scoring.manifest.as_of,
        currency=currency,
        hindsight=hindsight,
        balance=float(rows["open_balance"].sum()),
        rolled=_judged(rows[exposed], profile, STEP_DAYS),
        by_bucket={
            name: _judged(rows[moves & (bucket == name)], profile, STEP_DAYS) for name in BUCKETS
        },
        open={
            str(days): _judged(rows, profile, days)
            for days in HORIZONS
            if (rows[f"outcome_{days}"] != "unknown").all()
        },
    )


def _judged(rows: pd.DataFrame, profile: Profile, days: int) -> Judged:
    dpd = rows["days_past_due"].to_numpy(dtype=float)
    balance = rows["open_balance"].to_numpy(dtype=float)
    p = rows[f"p_open_{days}"].to_numpy(dtype=float)
    left = balance * remaining(dpd, profile, days // STEP_DAYS)
    outcome = rows[f"outcome_{days}"].to_numpy(dtype=object)
    owed = rows[f"remaining_{days}"].to_numpy(dtype=float)
    actual = np.where(outcome == "open", np.minimum(owed, balance), 0.0)
    actual = np.where(outcome == "written_off", balance, actual)
    owner = rows["owner"].to_numpy(dtype=np.int64)
    expected, spread = expected_sums(left, p, np.zeros(len(rows), dtype=np.int64), owner, 1)
    return Judged(
        expected=float(expected[0]),
        low=float(max(expected[0] - spread[0], 0.0)),
        high=float(expected[0] + spread[0]),
        actual=float(actual.sum()),
    )
