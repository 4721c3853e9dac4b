"""``ledger.json``: what a ledger folder says about itself.

The manifest is the commit point of an import: data files are written first and become part
of the ledger only when a new manifest, which lists them, is renamed into place.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

FORMAT = 1
FILE_NAME = "ledger.json"


class LedgerError(ValueError):
    """A ledger that cannot be read or written; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """One data file of a batch: its name in the folder, its digest and its number of rows.

    ``keys`` is the number of different keys among the rows; -1 where nobody counted.
    """

    table: str
    file: str
    sha256: str
    rows: int
    keys: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One import: where it came from, the digest of what was read and the files it added."""

    source: str
    content_sha256: str
    known_through: date
    quarantined: int
    files: tuple[BatchFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The facts about a ledger that no table holds.

    Parameters
    ----------
    known_through : date
        Last day whose postings the ledger holds; outcomes after it are unknown.
    time_zone : str
        Zone in which the source's days end.
    maturity_lag_days : int
        Days after a horizon before its outcome is final (returns still come in).
    reporting_currency : str or None
        Currency of ``fx_rates``; None when nothing is converted.
    defaulted_clocks : tuple of str
        Tables whose ``known_on`` was copied from the business date.
    batches : tuple of Batch
        Imports in order; empty for a folder made by hand.
    """

    known_through: date
    time_zone: str = "UTC"
    maturity_lag_days: int = 7
    reporting_currency: str | None = None
    defaulted_clocks: tuple[str, ...] = ()
    batches: tuple[Batch, ...] = field(default=())

    def to_json(self) -> str:
        """Render as JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, default=str) + "\n"


def parse_manifest(text: str, where: str) -> Manifest:
    """Parse the text of ``ledger.json``.

    Raises
    ------
    LedgerError
        When it is not JSON, has another format number or lacks ``known_through``.

    Examples
    --------
    >>> parse_manifest('{"format": 1, "known_through": "2024-03-31"}', "L").maturity_lag_days
    7
    """
    try:
        content: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise LedgerError(f"{where}/{FILE_NAME}: not valid JSON ({error}).") from error
    if content.get("format") != FORMAT:
        raise LedgerError(
            f"{where}/{FILE_NAME}: format must be {FORMAT}, got {content.get('format')!r}. "
            "Import the source again with this version of rollrisk."
        )
    if "known_through" not in content:
        raise LedgerError(
            f"{where}/{FILE_NAME}: known_through is missing. "
            "Give the last day whose postings the files hold."
        )
    defaults = Manifest(known_through=date.fromisoformat(content["known_through"]))
    return Manifest(
        known_through=defaults.known_through,
        time_zone=content.get("time_zone", defaults.time_zone),
        maturity_lag_days=int(content.get("maturity_lag_days", defaults.maturity_lag_days)),
        reporting_currency=content.get("reporting_currency"),
        defaulted_clocks=tuple(content.get("defaulted_clocks", ())),
        batches=tuple(_parse_batch(batch) for batch in content.get("batches", ())),
    )


def _parse_batch(content: Mapping[str, Any]) -> Batch:
    return Batch(
        source=content["source"],
        content_sha256=content["content_sha256"],
        known_through=date.fromisoformat(content["known_through"]),
        quarantined=content["quarantined"],
        files=tuple(BatchFile(**file) for file in content["files"]),
    )


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the ledger in ``folder``; LedgerError when there is none."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise LedgerError(
            f"{folder} is no ledger: it has no {FILE_NAME}. "
            "Make one with `rollrisk import SOURCE PATH --out LEDGER`."
        )
    return parse_manifest(path.read_text("utf-8"), str(folder))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put ``manifest`` into place in one step: written under a temporary name, then renamed."""
    temporary = folder / f".{FILE_NAME}.{os.getpid()}"
    temporary.write_text(manifest.to_json(), "utf-8")
    temporary.replace(folder / FILE_NAME)
