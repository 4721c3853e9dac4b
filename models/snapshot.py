"""A published scoring: the folder that the service answers from.

A snapshot is written under a temporary name and renamed into place, then ``CURRENT`` is
replaced in one step: a reader sees the old one or the new one, never half of one. A snapshot
never changes once it has its name; the same day scored with other costs gets another name.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.bundle import Bundle, read_bundle, write_bundle
from models.home import Home

FORMAT = 3
FORMATS = (1, 2, 3)
"""Every format that was ever written: old snapshots are not served, but pruned and erased."""
CURRENT = "CURRENT"
ONLINE = "online"
"""Folder of the tables that are mapped into memory."""
ROWS_IN_A_GROUP = 8192
"""Rows of a Parquet group: to read one account, one group is read and not the whole book."""


class NoSnapshotError(LookupError):
    """No scoring is published; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotManifest:
    """What was scored with what.

    Parameters
    ----------
    ledger : str
        Folder of the ledger, as an absolute path of this machine.
    ledger_digest : str
        Digest of its content when it was scored.
    as_of : date
        Observation date.
    model : str
        Reference with which the registry finds the model again.
    model_version, feature_digest : str
        What scored.
    present : sequence of str or None
        Tables that the scored ledger had; None where the snapshot does not say.
    mapped : mapping of str to str
        SHA-256 of each file in ``online``; empty before format 3.
    """

    ledger: str
    ledger_digest: str
    as_of: date
    model: str
    model_version: str
    feature_digest: str
    present: Sequence[str] | None = None
    mapped: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the snapshot's folder."""
        return f"{self.as_of}-m{self.model_version}-{self.ledger_digest[:12]}"


def write_scores(
    folder: Path,
    manifest: SnapshotManifest,
    tables: Mapping[str, pd.DataFrame],
    texts: Mapping[str, str],
    bundle: Bundle,
    mapped: Mapping[str, pa.Table] | None = None,
) -> None:
    """Write a scoring to ``folder``, all of it or nothing; a folder that is there is replaced.

    The model that scored goes into its ``model`` folder: the pair that is served stays whole,
    whatever becomes of the registry.
    """
    temporary = _write_aside(folder, manifest, tables, texts, bundle, mapped or {})
    if folder.exists():
        old = folder.parent / f".{folder.name}.old.{os.getpid()}"
        folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old)
    else:
        temporary.rename(folder)


def publish_scores(
    home: Home,
    manifest: SnapshotManifest,
    tables: Mapping[str, pd.DataFrame],
    texts: Mapping[str, str],
    bundle: Bundle,
    mapped: Mapping[str, pa.Table] | None = None,
) -> Path:
    """Write a scoring into the home's snapshots and make it the one that is served.

    Returns
    -------
    Path
        The snapshot's folder, called ``manifest.name``. Where a folder of that name is there
        with the same content it is kept; with other content (another policy) the new one gets
        a digest of its content behind the name.
    """
    folder = home.snapshots / manifest.name
    temporary = _write_aside(folder, manifest, tables, texts, bundle, mapped or {})
    digest = _content_digest(temporary)
    if folder.exists() and _content_digest(folder) != digest:
        folder = home.snapshots / f"{manifest.name}-{digest[:8]}"
    if folder.exists():
        shutil.rmtree(temporary)
        # The time tells a reader that the snapshot was published anew.
        (folder / "manifest.json").touch()
    else:
        temporary.rename(folder)
    publish(home, folder.name)
    return folder


def _content_digest(folder: Path) -> str:
    """Return the digest of all files of a folder, names included."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(_file_digest(path).encode())
    return digest.hexdigest()


def _write_aside(
    folder: Path,
    manifest: SnapshotManifest,
    tables: Mapping[str, pd.DataFrame],
    texts: Mapping[str, str],
    bundle: Bundle,
    mapped: Mapping[str, pa.Table],
) -> Path:
    """Write a scoring beside ``folder`` under a temporary name, which is returned."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f".{folder.name}.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        for name, table in tables.items():
            rows = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
            pq.write_table(
                rows,
                temporary / f"{name}.parquet",
                compression="zstd",
                row_group_size=ROWS_IN_A_GROUP,
            )
        for name, text in texts.items():
            (temporary / name).write_text(text, "utf-8")
        write_bundle(bundle, temporary / "model")
        write_manifest(temporary, replace(manifest, mapped=write_mapped(temporary, mapped)))
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return temporary


def write_manifest(folder: Path, manifest: SnapshotManifest) -> None:
    """Write ``manifest.json``."""
    content = {"format": FORMAT, **asdict(manifest)}
    (folder / "manifest.json").write_text(json.dumps(content, indent=1, default=str), "utf-8")


def write_mapped(folder: Path, tables: Mapping[str, pa.Table]) -> dict[str, str]:
    """Write tables so that they can be mapped into memory; return the digest of each file."""
    digests = {}
    for name, table in tables.items():
        path = folder / ONLINE / f"{name}.arrow"
        path.parent.mkdir(exist_ok=True)
        with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, table.schema) as writer:
            writer.write_table(table)
        digests[path.name] = _file_digest(path)
    return digests


def map_tables(folder: Path, manifest: SnapshotManifest) -> dict[str, pa.Table]:
    """Map the tables of a snapshot into memory; they stay readable after the folder is gone.

    Raises
    ------
    ValueError
        When a file is not the one that was published.
    """
    tables = {}
    for name, digest in manifest.mapped.items():
        path = folder / ONLINE / name
        if _file_digest(path) != digest:
            raise ValueError(f"{path.relative_to(folder)} is not what was published")
        tables[path.stem] = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    return tables


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def publish(home: Home, name: str) -> None:
    """Make the snapshot called ``name`` the one that is served."""
    temporary = home.snapshots / f".{CURRENT}.{os.getpid()}"
    temporary.write_text(name + "\n", "utf-8")
    temporary.replace(home.snapshots / CURRENT)


def current_snapshot(home: Home) -> Path:
    """Return the folder of the published snapshot; NoSnapshotError when there is none."""
    pointer = home.snapshots / CURRENT
    if pointer.is_file():
        folder = home.snapshots / pointer.read_text("utf-8").strip()
        if (folder / "manifest.json").is_file():
            return folder
    raise NoSnapshotError(
        f"No scoring is published in {home.path}. Make one with "
        "`rollrisk score LEDGER --as-of DATE --out DIR`."
    )


def read_snapshot_manifest(folder: Path, *, formats: Sequence[int] = (FORMAT,)) -> SnapshotManifest:
    """Read ``manifest.json`` of a snapshot; ValueError when its format is none of ``formats``."""
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    if content.pop("format", None) not in formats:
        raise ValueError(
            f"{folder}/manifest.json: format must be {FORMAT}. Score again with `rollrisk score`."
        )
    content["as_of"] = date.fromisoformat(content["as_of"])
    return SnapshotManifest(**content)


def read_snapshot_model(folder: Path) -> Bundle:
    """Read the model that scored a snapshot."""
    return read_bundle(folder / "model", version=read_snapshot_manifest(folder).model_version)
