"""Exports in object stores: copied to a temporary folder, read from there, deleted.

An address has ``://`` in it, such as ``s3://bucket/exports``. fsspec knows the stores; each needs
a package of its own (s3fs, gcsfs) and finds its credentials where that package looks for them.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from features.ledger.sensitive import redact
from features.ledger.tables import TABLES
from features.sources.base import ContractError
from features.sources.canonical import LEDGER_FILE


def shown_address(address: str) -> str:
    """Return an address without user, password and the signature behind a question mark.

    Examples
    --------
    >>> shown_address("sftp://reader:s3cret@host/exports?token=s3cret")
    'sftp://***@host/exports'
    """
    return redact(re.sub(r"//[^/]*@", "//***@", address.partition("?")[0]))


@contextmanager
def local_copy(address: str) -> Iterator[Path]:
    """Copy the file or folder at ``address`` and give the copy; it is deleted afterwards.

    Of a folder the tables of the contract are copied and the ledger file. Other CSV and Parquet
    files are there too, but empty: a reader warns of them by their names.

    Raises
    ------
    ContractError
        When the store is unknown, its package is missing, or it gives nothing; and again in the
        place of a ContractError of the reader, with the address for the path of the copy.
    """
    with tempfile.TemporaryDirectory(prefix="rollrisk-") as temporary:
        folder = Path(temporary)
        try:
            copy = _fetch(address, folder)
        except Exception as error:  # noqa: BLE001 (every store has errors of its own)
            said = redact(str(error).replace(address, shown_address(address)))
            raise ContractError(f"{shown_address(address)} cannot be read: {said}") from None
        if copy is None:
            raise ContractError(
                f"{shown_address(address)}: nothing is there. Give the folder of the tables."
            )
        try:
            yield copy
        except ContractError as error:
            told = str(error).replace(str(copy), shown_address(address))
            first, *details = told.split("\n- ")
            raise ContractError(first, tuple(details)) from None


def _fetch(address: str, folder: Path) -> Path | None:
    """Return the path of the copy in ``folder``; None when nothing is at the address."""
    from fsspec.core import url_to_fs  # noqa: PLC0415 (only who has an address needs it)

    store, root = url_to_fs(address)
    if store.isfile(root):
        copy = folder / PurePosixPath(root).name
        store.get_file(root, str(copy))
        return copy
    found = store.find(root, maxdepth=2)
    copy = folder / "export"
    for name in found:
        _copy_one(store, name, PurePosixPath(name).relative_to(root), copy)
    return copy if found else None


def _copy_one(store: Any, name: str, relative: PurePosixPath, copy: Path) -> None:  # noqa: ANN401
    """Copy one file if it is part of an export; its name alone if it looks like one."""
    target = copy / relative
    match relative.parts:
        case (file,) if file == LEDGER_FILE or relative.stem in TABLES:
            wanted = True
        case (table, _) if table in TABLES and relative.suffix == ".parquet":
            wanted = True
        case (_,) if relative.suffix in {".csv", ".parquet"}:
            wanted = False
        case _:
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    if wanted:
        store.get_file(name, str(target))
    else:
        target.touch()
