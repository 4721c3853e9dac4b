"""Whether the files of a ledger are the ones its imports wrote."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from features.ledger.finding import MAX_EXAMPLES, Finding
from features.ledger.read import Ledger


def file_digests(ledger: Ledger) -> dict[Path, str]:
    """Return the SHA-256 of every data file; empty for a ledger held in memory."""
    digests = {}
    for paths in ledger.files.values():
        for path in paths:
            with path.open("rb") as stream:
                digests[path] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests


def check_files(ledger: Ledger, digests: Mapping[Path, str]) -> list[Finding]:
    """Compare the files with ``ledger.json``.

    Parameters
    ----------
    ledger : Ledger
        The opened ledger.
    digests : mapping of Path to str
        From :func:`file_digests`.

    Returns
    -------
    list of Finding
        One; none for a ledger held in memory. A folder made by hand lists no digests, which
        is a warning: changes cannot be seen there.
    """
    if not digests:
        return []
    listed = {
        entry.file: entry.sha256 for batch in ledger.manifest.batches for entry in batch.files
    }
    if not listed:
        return [
            Finding(
                name="files_unchanged",
                outcome="warning",
                where="ledger.json",
                sentence="ledger.json lists no digests, so a changed file cannot be seen. "
                "Import the folder with `rollrisk import canonical` to have them.",
            )
        ]
    changed = sorted(
        path.name for path, digest in digests.items() if listed.get(path.name) != digest
    )
    if changed:
        return [
            Finding(
                name="files_unchanged",
                outcome="failed",
                where="ledger.json",
                count=len(changed),
                examples=tuple(changed[:MAX_EXAMPLES]),
                sentence=f"{len(changed)} of {len(digests)} files are not the ones that were "
                "imported: they were changed or damaged since. Restore them or import again.",
            )
        ]
    return [
        Finding(
            name="files_unchanged",
            outcome="passed",
            sentence=f"{len(digests)} files have the digests of ledger.json.",
        )
    ]
