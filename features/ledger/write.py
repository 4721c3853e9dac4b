"""Append a batch to a ledger: validated, idempotent and atomic.

A batch either becomes part of the ledger as a whole or not at all. Data files are written
under names that no manifest lists yet; the new manifest is renamed into place last. Rows that
break the contract go to ``quarantine/``; rows that the ledger already holds are skipped; the
same key with other content is recorded as what it is:

* accounts: a dated row of ``account_changes`` per column that changed;
* an invoice whose due date changed: a row of ``due_date_changes``;
* a row whose empty late columns were filled in (a dispute closed, a plan cancelled) on a day
  after those that the ledger covers: a newer version known from the same day, since those
  columns carry clocks of their own;
* anything else: a newer version known from the day the batch was extracted.

The same content with a later last known day says that nothing was posted since: the last known
day moves on, and no row is written.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.ledger.kept import keep_states
from features.ledger.manifest import (
    FILE_NAME,
    Batch,
    BatchFile,
    LedgerError,
    Manifest,
    read_manifest,
    write_manifest,
)
from features.ledger.quarantine import Rejected, quarantine_table, rejected_rows
from features.ledger.read import open_ledger
from features.ledger.restate import restate
from features.ledger.sensitive import refuse_sensitive
from features.ledger.tables import TABLES
from features.ledger.validate import known_keys, validate
from features.sources.base import Extract

MAX_QUARANTINED_SHARE = 0.01
"""An import with a larger share of broken rows is refused: it is the wrong file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did with the rows of one table.

    ``read`` is the sum of the four others: ``new`` and ``changed`` rows were written,
    ``repeated`` rows were there already, ``quarantined`` rows broke the contract.
    """

    table: str
    read: int
    new: int
    changed: int
    repeated: int
    quarantined: int


class ImportRefusedError(LedgerError):
    """An import that would quarantine more rows than allowed; nothing was written."""


def import_extract(
    folder: Path,
    extract: Extract,
    *,
    source: str,
    known_through: date | None = None,
    max_quarantined_share: float = MAX_QUARANTINED_SHARE,
) -> list[ImportReport]:
    """Add ``extract`` to the ledger in ``folder``, which is made when it does not exist.

    Parameters
    ----------
    folder : Path
        The ledger.
    extract : Extract
        What a source read.
    source : str
        Name of the source, for the manifest.
    known_through : date
        Last day whose postings the extract holds, where the source cannot tell.
    max_quarantined_share : float
        Share of read rows, in [0, 1], above which nothing is imported.

    Raises
    ------
    SensitiveDataError
        When a card number, an IBAN or a forbidden column is found; nothing was written.
    ImportRefusedError
        When too many rows break the contract; nothing was written but the quarantine.
    LedgerError
        When the last known day is neither in the source nor given, or an older export says
        otherwise than a newer one that is in the ledger already.
    """
    through = known_through or extract.known_through
    if through is None:
        raise LedgerError(
            "The source does not say through which day its postings are complete. "
            "Give it with --known-through YYYY-MM-DD."
        )
    refuse_sensitive(extract.tables, document_numbers=extract.document_numbers)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        manifest = read_manifest(folder) if (folder / FILE_NAME).is_file() else None
        content = _content_digest(extract.tables)
        if manifest and any(
            batch.content_sha256 == content and batch.known_through >= through
            for batch in manifest.batches
        ):
            keep_states(folder)
            return _unchanged(extract)
        ledger = open_ledger(folder) if manifest else None
        checked = validate(extract.tables, source_rows=extract.source_rows, **known_keys(ledger))
        rejected = [*extract.rejected, *checked.rejected]
        lost = rejected_rows(rejected)
        _check_share(folder, extract, rejected, lost, max_quarantined_share)
        written, changed = restate(ledger, checked.accepted, known_on=through)
        if manifest and through < manifest.known_through:
            _refuse_older(through, manifest, sum(known.changed for known in changed.values()))
        number = len(manifest.batches) + 1 if manifest else 1
        batch = Batch(
            source=source,
            content_sha256=content,
            known_through=through,
            quarantined=sum(lost.values()),
            files=tuple(_write_files(folder, written, number)),
        )
        _write_quarantine(folder, rejected, f"batch-{number:04d}")
        write_manifest(folder, _next_manifest(manifest, extract, batch))
        keep_states(folder)
    return [
        ImportReport(
            table=name,
            read=extract.rows_read.get(name, extract.tables[name].num_rows),
            new=checked.accepted[name].num_rows - changed[name].known,
            changed=changed[name].changed,
            repeated=extract.rows_read.get(name, extract.tables[name].num_rows)
            - lost.get(name, 0)
            - checked.accepted[name].num_rows
            + changed[name].known
            - changed[name].changed,
            quarantined=lost.get(name, 0),
        )
        for name in TABLES
        if name in extract.tables
    ]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the ledger's lock, so that two imports run one after the other."""
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _content_digest(tables: Mapping[str, pa.Table]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update(name.encode())
        for batch in tables[name].combine_chunks().to_batches():
            digest.update(batch.serialize())
    return digest.hexdigest()


def _unchanged(extract: Extract) -> list[ImportReport]:
    lost = rejected_rows(extract.rejected)
    return [
        ImportReport(
            table=name,
            read=(read := extract.rows_read.get(name, rows.num_rows)),
            new=0,
            changed=0,
            repeated=read - lost.get(name, 0),
            quarantined=lost.get(name, 0),
        )
        for name, rows in extract.tables.items()
    ]


def _refuse_older(through: date, manifest: Manifest, changed: int) -> None:
    """Refuse an older export that would overrule newer rows; new rows alone may come late."""
    if changed:
        raise LedgerError(
            f"This export is complete through {through}, the ledger through "
            f"{manifest.known_through}, and {changed} rows differ from what the newer export "
            "says. Nothing was imported. Import exports in order of their dates."
        )


def _check_share(
    folder: Path,
    extract: Extract,
    rejected: list[Rejected],
    lost: Mapping[str, int],
    limit: float,
) -> None:
    read = sum(extract.rows_read.get(name, t.num_rows) for name, t in extract.tables.items())
    quarantined = sum(lost.values())
    if quarantined <= limit * read:
        return
    path = _write_quarantine(folder, rejected, "refused")
    worst = max(lost, key=lambda name: lost[name])
    raise ImportRefusedError(
        f"{quarantined} of {read} rows break the ledger contract ({quarantined / read:.1%}, "
        f"allowed {limit:.1%}), most of them in {worst!r}. Nothing was imported. The rows, "
        f"their rules and values are in {path}; mend the export or raise "
        "--max-quarantined-share."
    )


def _write_files(folder: Path, tables: Mapping[str, pa.Table], number: int) -> Iterator[BatchFile]:
    for name in TABLES:
        rows = tables.get(name)
        if rows is None:
            continue
        file = f"{name}.parquet" if number == 1 else f"{name}.{number:04d}.parquet"
        temporary = folder / f".{file}.{os.getpid()}"
        pq.write_table(rows, temporary, compression="zstd")
        with temporary.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        temporary.replace(folder / file)
        keys = rows.select(list(TABLES[name].key)).group_by(list(TABLES[name].key)).aggregate([])
        yield BatchFile(
            table=name, file=file, sha256=digest, rows=rows.num_rows, keys=keys.num_rows
        )


def _write_quarantine(folder: Path, rejected: list[Rejected], name: str) -> Path:
    path = folder / "quarantine" / f"{name}.parquet"
    if rejected:
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        pq.write_table(quarantine_table(rejected), temporary)
        temporary.replace(path)
    return path


def _next_manifest(manifest: Manifest | None, extract: Extract, batch: Batch) -> Manifest:
    if manifest is None:
        settings = dict(extract.settings)
        currency = settings.get("reporting_currency")
        return Manifest(
            known_through=batch.known_through,
            time_zone=str(settings.get("time_zone", "UTC")),
            maturity_lag_days=int(settings.get("maturity_lag_days", 7)),
            reporting_currency=str(currency) if currency else None,
            defaulted_clocks=tuple(sorted(extract.defaulted_clocks)),
            batches=(batch,),
        )
    return replace(
        manifest,
        known_through=max(manifest.known_through, batch.known_through),
        defaulted_clocks=tuple(sorted({*manifest.defaulted_clocks, *extract.defaulted_clocks})),
        batches=(*manifest.batches, batch),
    )
