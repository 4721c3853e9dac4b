"""Past scorings of a home, and what the ledger says became of the items in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from features.ledger.read import Ledger
from features.outcomes import outcome_frame
from models.bundle import Bundle, read_bundle
from models.fallback import RESIDUAL_FALLBACK
from models.home import Home
from models.snapshot import NoSnapshotError, SnapshotManifest, read_snapshot_manifest

READABLE = (2, 3)
"""Formats of snapshots whose items hold what is read here."""

LOOK_BACK_DAYS = 180
"""Scorings older than this say little about today's model."""

APART_DAYS = 7
"""Scorings nearer to each other repeat the same items: one a week is read."""

MIN_FOUND = 0.9
"""With fewer of its items in the ledger a scoring belongs to another one."""

_COLUMNS = [
    "as_of",
    "account_id",
    "invoice_id",
    "currency",
    "open_balance",
    "exposed",
    "fallback",
    "p_open_7",
    "p_open_14",
    "p_open_30",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastScoring:
    """A snapshot's folder and what was scored with what."""

    folder: Path
    manifest: SnapshotManifest


def past_scorings(home: Home, known_on: date) -> list[PastScoring]:
    """Return the scorings of the last 180 days, oldest first and at least a week apart.

    Of several scorings of one day the one published last counts.

    Raises
    ------
    NoSnapshotError
        When there is none.
    """
    newest: dict[date, tuple[float, PastScoring]] = {}
    for path in home.snapshots.glob("[!.]*/manifest.json"):
        try:
            manifest = read_snapshot_manifest(path.parent, formats=READABLE)
        except ValueError:
            continue  # of another format, from before an upgrade or after one
        if timedelta(0) <= known_on - manifest.as_of <= timedelta(days=LOOK_BACK_DAYS):
            made = path.stat().st_mtime
            if manifest.as_of not in newest or made > newest[manifest.as_of][0]:
                scoring = PastScoring(folder=path.parent, manifest=manifest)
                newest[manifest.as_of] = (made, scoring)
    if not newest:
        raise NoSnapshotError(
            f"{home.path} holds no scoring of the {LOOK_BACK_DAYS} days up to {known_on}. Make one "
            "with `rollrisk score LEDGER --as-of DATE --out DIR`."
        )
    kept: list[PastScoring] = []
    for day in sorted(newest, reverse=True):
        if not kept or (kept[-1].manifest.as_of - day).days >= APART_DAYS:
            kept.append(newest[day][1])
    return kept[::-1]


def scoring_model(scoring: PastScoring) -> Bundle:
    """Read the model that made a scoring, of whatever format the snapshot is."""
    return read_bundle(scoring.folder / "model", version=scoring.manifest.model_version)


def scored_items(scoring: PastScoring) -> pd.DataFrame:
    """Return the exposed items of a scoring that are no residuals."""
    rows: pd.DataFrame = pq.read_table(
        scoring.folder / "items.parquet", columns=_COLUMNS
    ).to_pandas()
    keep = rows["exposed"] & (rows["fallback"] != RESIDUAL_FALLBACK)
    exposed: pd.DataFrame = rows[keep].reset_index(drop=True)
    return exposed


def scored_values(scoring: PastScoring, names: Sequence[str]) -> pd.DataFrame:
    """Return account, invoice and the named feature values of every item of a scoring."""
    columns = ["account_id", "invoice_id", *(f"value_{name}" for name in names)]
    table = pq.read_table(scoring.folder / "evidence.parquet", columns=columns)
    values: pd.DataFrame = table.rename_columns(["account_id", "invoice_id", *names]).to_pandas()
    return values


def with_outcomes(
    scorings: Sequence[PastScoring], ledger: Ledger, known_on: date
) -> tuple[pd.DataFrame, list[str]]:
    """Return the items of past scorings with their outcomes as known on ``known_on``.

    Returns
    -------
    tuple of pandas.DataFrame and list of str
        ``scored_items`` with ``model_version`` and the columns of ``outcome_frame``; and the
        names of scorings left out because the ledger does not hold their items.
    """
    cut = replace(ledger, manifest=replace(ledger.manifest, known_through=known_on))
    outcomes = outcome_frame(cut, [scoring.manifest.as_of for scoring in scorings])
    parts, strange = [], []
    for scoring in scorings:
        items = scored_items(scoring)
        items["as_of"] = pd.to_datetime(items["as_of"])
        rows = items.merge(outcomes, on=["as_of", "account_id", "invoice_id"], how="left")
        found = rows["outcome_30"].notna().to_numpy(dtype=bool)
        if len(rows) and np.mean(found) < MIN_FOUND:
            strange.append(scoring.folder.name)
            continue
        parts.append(rows[found].assign(model_version=scoring.manifest.model_version))
    if not parts:
        raise NoSnapshotError(
            f"None of the scorings {', '.join(strange)} is of this ledger: fewer than "
            f"{MIN_FOUND:.0%} of their items stand in it. Give the ledger that was scored."
        )
    return pd.concat(parts, ignore_index=True), strange
