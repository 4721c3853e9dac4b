"""Features of many days as a folder of Parquet files, one per day; days that stand are kept.

``FOLDER/as_of=2025-06-30/features.parquet`` holds one day, and in its metadata what it was made
from: the features, the rules, the tables that the source has, and the files of the ledger that say
something known by that day.
A later import hardly ever speaks of earlier days, so only new days are computed; where
it does, the days it speaks of are computed anew. Readers take the folder as one dataset with the
column ``as_of``.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.build import FeatureFrame, feature_parts
from features.catalogue import feature_digest
from features.engines import EngineOptions
from features.inputs import Rules
from features.ledger.read import Ledger
from features.ledger.tables import TABLES

RECORD = b"rollrisk"
"""Key of a file's metadata under which stands what it was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """What writing did: the days computed and the days that stood already."""

    computed: tuple[date, ...]
    kept: tuple[date, ...]


def write_partitions(
    ledger: Ledger,
    as_of: Sequence[date],
    folder: Path,
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> Partitions:
    """Write the features of every day in ``as_of`` that does not stand in ``folder`` already.

    Parameters
    ----------
    ledger : Ledger
        The ledger to read.
    as_of : sequence of date
        Observation dates.
    folder : Path
        Where the days lie; made when absent. Each day is written under a temporary name and
        renamed, so that a reader never sees half of one.
    rules, options : Rules, EngineOptions
        Business rules and the use of the machine.
    progress : callable
        Told the name of each stage before it runs.
    """
    rules = rules or Rules()
    days = sorted(set(as_of))
    records = {day: partition_record(ledger, day, rules) for day in days}
    missing = [day for day in days if _read_record(folder, day) != records[day]]
    unwritten = set(missing)
    if missing:
        for part in feature_parts(ledger, missing, rules=rules, options=options, progress=progress):
            days_of_rows = part.items["as_of"].dt.date
            for day in days_of_rows.unique():
                _write_day(folder, day, part.select((days_of_rows == day).to_numpy()), records[day])
                unwritten.discard(day)
        # A day on which nothing was open is a file without rows.
        for day in unwritten:
            _write_day(folder, day, part.select(np.zeros(len(part.items), bool)), records[day])
    kept = tuple(day for day in days if day not in missing)
    return Partitions(computed=tuple(missing), kept=kept)


def partition_record(ledger: Ledger, day: date, rules: Rules) -> dict[str, str]:
    """Return what the features of ``day`` are made from, as it stands in the file's metadata."""
    return {
        "as_of": str(day),
        "feature_digest": feature_digest(),
        "rules": hashlib.sha256(repr(rules).encode()).hexdigest()[:16],
        "tables": " ".join(sorted(ledger.present)),
        "books": books_digest(ledger, day),
    }


def books_digest(ledger: Ledger, day: date) -> str:
    """Return the digest of the ledger's files that say something known by ``day``.

    Files of ``accounts`` do not count where an import wrote them: it brings new accounts there,
    and what changes about one as dated rows of ``account_changes``.
    """
    if not ledger.manifest.batches:
        return ledger.digest
    digest = hashlib.sha256()
    paths = {path.name: path for files in ledger.files.values() for path in files}
    for batch in ledger.manifest.batches:
        for file in batch.files:
            if _speaks_by(file.table, paths[file.file], day):
                digest.update(f"{file.table} {file.sha256}\n".encode())
    return digest.hexdigest()


def _speaks_by(table: str, path: Path, day: date) -> bool:
    if "known_on" not in TABLES[table].column_names:
        return False
    first = _first_known(path)
    return first is None or first <= day


def _first_known(path: Path) -> date | None:
    """Return the earliest ``known_on`` of a file from its statistics; None if there are none."""
    metadata = pq.read_metadata(path)
    place = metadata.schema.to_arrow_schema().get_field_index("known_on")
    days = []
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        days.append(statistics.min)
    return min(days, default=None)


def _path(folder: Path, day: date) -> Path:
    return folder / f"as_of={day}" / "features.parquet"


def _read_record(folder: Path, day: date) -> dict[str, str] | None:
    path = _path(folder, day)
    if not path.is_file():
        return None
    text = (pq.read_schema(path).metadata or {}).get(RECORD)
    record: dict[str, str] | None = json.loads(text) if text else None
    return record


def _write_day(folder: Path, day: date, frame: FeatureFrame, record: dict[str, str]) -> None:
    path = _path(folder, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame.to_frame().drop(columns="as_of"), preserve_index=False)
    said = (table.schema.metadata or {}) | {RECORD: json.dumps(record).encode()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(table.replace_schema_metadata(said), temporary, compression="zstd")
    temporary.replace(path)
