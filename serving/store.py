"""The served pair: a published snapshot and the model that scored it, swapped as one.

A request takes the pair once and keeps it to its end; a newly published snapshot is loaded
beside it and put in its place in one assignment. So no request sees half of each, and none is
dropped. What cannot be loaded leaves the old pair in place and is told in ``Store.trouble``.
"""

import gc
import logging
import threading
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import CATALOGUE
from features.ledger.tables import TABLES
from models.bundle import Bundle
from models.home import Home
from models.snapshot import (
    CURRENT,
    NoSnapshotError,
    SnapshotManifest,
    current_snapshot,
    map_tables,
    read_snapshot_manifest,
    read_snapshot_model,
)
from serving.errors import ApiError
from serving.score_table import ScoreTable, table_of

logger = logging.getLogger("rollrisk.store")

RANKING = (
    "account_id",
    "currency",
    "segment",
    "collector",
    "is_natural_person",
    "lane",
    "rank",
    "hold",
    "hold_reason",
    "hold_until",
    "action",
    "why",
    "overridden_by",
    "suggested_action",
    "suggested_why",
)
"""Account columns that decide the worklist, and those that feedback may change."""

Stamp = tuple[str, int, int]


class SnapshotError(ValueError):
    """A published snapshot that cannot be served; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedPair:
    """A snapshot and the model that scored it.

    Parameters
    ----------
    name : str
        Folder name of the snapshot.
    manifest : SnapshotManifest
        What was scored with what.
    bundle : Bundle
        The model.
    table : ScoreTable
        Scores by account.
    ranking : pandas.DataFrame
        The columns of ``RANKING`` by account row, for the worklist.
    evidence : pyarrow.Buffer
        ``evidence.parquet``, mapped into memory: it stays readable after the folder is gone.
    present : frozenset of str
        Optional ledger tables that the snapshot's features were made from.
    """

    name: str
    manifest: SnapshotManifest
    bundle: Bundle
    table: ScoreTable
    ranking: pd.DataFrame
    evidence: pa.Buffer
    present: frozenset[str]

    def evidence_of(self, account_id: str) -> pa.Table:
        """Return feature values and log-odds of an account's items, ordered by invoice."""
        rows = pq.read_table(
            pa.BufferReader(self.evidence), filters=[("account_id", "=", account_id)]
        )
        return rows.sort_by("invoice_id")


def load_pair(home: Home) -> ServedPair:
    """Load the published snapshot and the model that scored it.

    Raises
    ------
    NoSnapshotError
        When nothing is published.
    SnapshotError
        When the snapshot's files are broken or its model reads other features.
    """
    return load_snapshot(current_snapshot(home))


def load_snapshot(folder: Path) -> ServedPair:
    """Load a snapshot, published or not, and the model that scored it.

    Raises
    ------
    SnapshotError
        When its files are broken or its model reads other features.
    """
    try:
        manifest = read_snapshot_manifest(folder)
        bundle = read_snapshot_model(folder)
        table = table_of(map_tables(folder, manifest))
        evidence = pa.memory_map(str(folder / "evidence.parquet")).read_buffer()
        pq.read_schema(pa.BufferReader(evidence))
        present = _present(manifest)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SnapshotError(
            f"Snapshot {folder.name} cannot be read ({error}). Score again with `rollrisk score`."
        ) from error
    if bundle.feature_digest != manifest.feature_digest:
        raise SnapshotError(
            f"Snapshot {folder.name} was scored on features {manifest.feature_digest}, but its "
            f"model reads {bundle.feature_digest}. Score again with `rollrisk score`."
        )
    columns = {name: table.accounts[name].whole() for name in RANKING}
    # With its type told, pandas does not look at every text to find one.
    ranking = pd.DataFrame(
        {name: pd.Series(cells, dtype=cells.dtype) for name, cells in columns.items()}
    )
    return ServedPair(
        name=folder.name,
        manifest=manifest,
        bundle=bundle,
        table=table,
        ranking=ranking,
        evidence=evidence,
        present=present,
    )


def _present(manifest: SnapshotManifest) -> frozenset[str]:
    """Return the tables that the scored ledger had; those no feature needs count as present."""
    needed = {table for feature in CATALOGUE for table in feature.needs}
    had = manifest.present or ()
    return frozenset(name for name in TABLES if name in had or name not in needed)


class Store:
    """The pair that is served now, and the watch for the next one.

    Parameters
    ----------
    home : Home
        Whose snapshots.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._pair: ServedPair | None = None
        self._stamp: Stamp | None = None
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        self.trouble = ""

    @property
    def ready(self) -> bool:
        """Whether a pair is being served."""
        return self._pair is not None

    def pair(self) -> ServedPair:
        """Return the pair of this moment; ApiError 503 when there is none."""
        pair = self._pair
        if pair is None:
            raise ApiError(503, "not_ready", self.trouble or "Nothing is loaded yet. Try again.")
        return pair

    def refresh(self) -> bool:
        """Load what is published now, if it is not what is served; return whether it was."""
        try:
            stamp = _stamp(self._home)
            if stamp == self._stamp:
                return False
            pair = load_pair(self._home)
            if _stamp(self._home) != stamp:
                return False  # replaced while it was read: the next look finds the new one
        except (NoSnapshotError, SnapshotError) as error:
            self._complain(str(error))
            return False
        self._pair, self._stamp, self.trouble = pair, stamp, ""
        # The pair lives until the next one; the collector need not walk it on every pass.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        logger.info("Serving snapshot %s.", pair.name)
        return True

    def _complain(self, trouble: str) -> None:
        if trouble != self.trouble:
            logger.warning("%s", trouble)
        self.trouble = trouble

    def watch(self, seconds: float) -> None:
        """Look for a new snapshot every ``seconds`` until ``close``."""

        def look() -> None:
            while not self._stop.wait(seconds):
                try:
                    self.refresh()
                except Exception:  # the watch must outlive whatever one snapshot does to it
                    logger.exception("Looking for a new snapshot failed.")

        self._watcher = threading.Thread(target=look, name="snapshot-watch", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching and let the collector see the pair again."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join()
        gc.unfreeze()


def _stamp(home: Home) -> Stamp:
    """Return what changes when another snapshot, or the same one anew, is published."""
    folder = current_snapshot(home)
    try:
        state = (folder / "manifest.json").stat()
    except FileNotFoundError as error:
        raise NoSnapshotError(f"{home.snapshots / CURRENT} is being replaced.") from error
    return folder.name, state.st_mtime_ns, state.st_ino
