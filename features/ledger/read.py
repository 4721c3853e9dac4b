"""Open a ledger and show its tables to DuckDB as relations with visibility clocks.

Every table with a ``known_on`` column becomes a view with two more columns:

``visible_on``
    The first day on which a reader of the books could use the row: the later of its
    business date and ``known_on``.
``superseded_on``
    The day a newer version of the same key became known; null for the newest version.

A reader as of ``t`` keeps the rows with ``visible_on <= t`` and ``superseded_on`` null or
after ``t``. Of tables without ``known_on`` the newest batch's row of each key is shown. Tables
that the source does not have become empty views.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from features.ledger.manifest import LedgerError, Manifest, read_manifest
from features.ledger.tables import TABLES, Kind, Table
from features.stages import KEPT_STAGES, STATE_STAGES, query_text

SQL_TYPES: dict[Kind, str] = {
    "text": "varchar",
    "date": "date",
    "money": "decimal(18, 2)",
    "integer": "bigint",
    "boolean": "boolean",
    "decimal": "decimal(18, 8)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A readable ledger: its manifest and, per table, files or Arrow rows.

    Parameters
    ----------
    manifest : Manifest
        What the ledger says about itself.
    files : mapping of str to tuple of Path
        Data files per table in batch order; used for ledgers on disk.
    rows : mapping of str to pyarrow.Table
        Rows per table; used for ledgers in memory.
    digest : str
        SHA-256 over the content, in hexadecimal.
    states : mapping of str to Path
        Files of the stages that were worked out when the ledger was imported (see
        ``features.ledger.kept``); they save time and change nothing.
    """

    manifest: Manifest
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    rows: Mapping[str, pa.Table] = field(default_factory=dict)
    digest: str
    states: Mapping[str, Path] = field(default_factory=dict)

    @property
    def present(self) -> frozenset[str]:
        """Names of the tables that the source provides."""
        return frozenset(self.files) | frozenset(self.rows)


def open_ledger(folder: Path) -> Ledger:
    """Open the ledger in ``folder``.

    A manifest that lists batches names the files; without batches (a folder made by hand)
    the files are ``<table>.parquet`` or ``<table>.csv``.

    Raises
    ------
    LedgerError
        When the manifest, a listed file or a required table is missing.
    """
    manifest = read_manifest(folder)
    files: dict[str, tuple[Path, ...]] = {}
    if manifest.batches:
        for batch in manifest.batches:
            for entry in batch.files:
                files[entry.table] = (*files.get(entry.table, ()), folder / entry.file)
    else:
        for name in TABLES:
            found = [folder / f"{name}.{ending}" for ending in ("parquet", "csv")]
            if existing := tuple(path for path in found if path.is_file()):
                files[name] = existing[:1]
    lost = [str(path) for paths in files.values() for path in paths if not path.is_file()]
    if lost:
        raise LedgerError(f"{folder}: files listed in ledger.json are missing: {', '.join(lost)}.")
    missing = [name for name, table in TABLES.items() if table.required and name not in files]
    if missing:
        raise LedgerError(f"{folder}: required tables are missing: {', '.join(missing)}.")
    digest = _digest_files(files)
    return Ledger(
        manifest=manifest, files=files, digest=digest, states=_kept_states(folder, digest)
    )


def states_folder(folder: Path, digest: str) -> Path:
    """Return where the states of the ledger in ``folder`` with that digest stand, if they do."""
    definition = hashlib.sha256(digest.encode())
    for stage in (*STATE_STAGES, *KEPT_STAGES):
        definition.update(query_text(stage).encode())
    return folder / "states" / definition.hexdigest()[:32]


def _kept_states(folder: Path, digest: str) -> dict[str, Path]:
    place = states_folder(folder, digest)
    return {stage: place / f"{stage}.parquet" for stage in KEPT_STAGES} if place.is_dir() else {}


def ledger_from_rows(rows: Mapping[str, pa.Table], manifest: Manifest) -> Ledger:
    """Return a ledger held in memory; ``rows`` must have the contract's Arrow schemas."""
    digest = hashlib.sha256()
    for name in sorted(rows):
        digest.update(name.encode())
        for batch in rows[name].combine_chunks().to_batches():
            digest.update(batch.serialize())
    return Ledger(manifest=manifest, rows=dict(rows), digest=digest.hexdigest())


def _digest_files(files: Mapping[str, tuple[Path, ...]]) -> str:
    """Return the digest of the files by table; hashing lets other threads run."""
    digest = hashlib.sha256()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {name: pool.map(_digest_file, files[name]) for name in sorted(files)}
        for name, digests in found.items():
            digest.update(name.encode())
            for one in digests:
                digest.update(one)
    return digest.hexdigest()


def _digest_file(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def show_tables(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, schema: str = "main"
) -> None:
    """Create one view per contract table in ``schema`` of ``connection``."""
    connection.execute(f'create schema if not exists "{schema}"')
    for table in TABLES.values():
        stored = f'"{schema}".stored_{table.name}'
        _show_stored(connection, ledger, table, schema)
        connection.execute(
            f'create or replace view "{schema}".{table.name} as '
            f"{_visible(connection, table, stored, ledger)}"
        )


def _show_stored(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, table: Table, schema: str
) -> None:
    if table.name in ledger.rows:
        rows = f"rows_{schema}_{table.name}"
        connection.register(rows, ledger.rows[table.name])
        sources = [f'"{rows}"']
    else:
        sources = [scan(path) for path in ledger.files.get(table.name, ())]
    connection.execute(
        f'create or replace view "{schema}".stored_{table.name} as {stored_query(table, sources)}'
    )


def stored_query(table: Table, sources: Sequence[str]) -> str:
    """Return the query that reads a table's batches in the contract's types.

    Parameters
    ----------
    table : Table
        The contract's table.
    sources : sequence of str
        What each batch is read from, as it stands behind ``from``; none for an absent table.
    """
    columns = ", ".join(
        f'cast("{column.name}" as {SQL_TYPES[column.kind]}) as "{column.name}"'
        for column in table.columns
    )
    if not sources:
        nothing = ", ".join(
            f'cast(null as {SQL_TYPES[column.kind]}) as "{column.name}"' for column in table.columns
        )
        return f"select {nothing}, 0 as batch where false"
    return " union all ".join(
        f"select {columns}, {batch} as batch from {source}" for batch, source in enumerate(sources)
    )


def read_stored(table: Table, path: Path) -> pa.Table:
    """Return the rows of one data file in the contract's types, whatever types it has."""
    with duckdb.connect(":memory:") as connection:
        return connection.sql(stored_query(table, [scan(path)])).to_arrow_table()


def scan(path: Path) -> str:
    """Return what a file is read from, as it stands behind ``from``."""
    literal = "'" + str(path).replace("'", "''") + "'"
    if path.suffix == ".csv":
        return f"read_csv({literal}, header = true, all_varchar = true)"
    return f"read_parquet({literal})"


def _visible(
    connection: duckdb.DuckDBPyConnection, table: Table, stored: str, ledger: Ledger
) -> str:
    if "known_on" not in table.column_names:
        return visible_query(table, stored)
    single = _single_versions(connection, table, stored, ledger)
    return visible_query(table, stored, versions=not single)


def visible_query(table: Table, stored: str, *, versions: bool = True) -> str:
    """Return the query that adds the visibility clocks to a stored table.

    Parameters
    ----------
    table : Table
        The contract's table.
    stored : str
        Name of the relation made by ``stored_query``.
    versions : bool
        Whether a key may stand in it more than once; the rows are the same either way, a
        table of single versions is read quicker.
    """
    columns = ", ".join(f'"{column}"' for column in table.column_names)
    key = ", ".join(f'"{column}"' for column in table.key)
    if "known_on" not in table.column_names:
        if not versions:
            return f"select {columns} from {stored}"
        return (
            f"select {columns} from (select {columns}, row_number() over "
            f"(partition by {key} order by batch desc) as age_rank from {stored}) as ranked "
            "where age_rank = 1"
        )
    visible_on = f"greatest({table.clock}, known_on)"
    if not versions:
        return (
            f"select {columns}, {visible_on} as visible_on, "
            f"cast(null as date) as superseded_on from {stored}"
        )
    return (
        f"select {columns}, {visible_on} as visible_on, lead(known_on) over "
        f"(partition by {key} order by known_on, batch) as superseded_on from {stored}"
    )


def _single_versions(
    connection: duckdb.DuckDBPyConnection, table: Table, stored: str, ledger: Ledger
) -> bool:
    """Tell whether no key has two rows; the manifest knows it of a table in one file."""
    files = [
        file
        for batch in ledger.manifest.batches
        for file in batch.files
        if file.table == table.name
    ]
    if len(files) == 1 and files[0].keys >= 0 and table.name not in ledger.rows:
        return files[0].keys == files[0].rows
    key = ", ".join(f'"{column}"' for column in table.key)
    row = connection.execute(f"select count(*) = count(distinct ({key})) from {stored}").fetchone()
    return row is not None and bool(row[0])
