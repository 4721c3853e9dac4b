"""States that stand beside a ledger: what its books showed of each item, worked out once.

Most of what a day costs is the pass over all applications that says what each invoice's balance
was. An import makes that pass for every day at once and keeps the result in ``states/``; a
session reads from it the days it was asked for. The name of the folder inside is a digest of the
ledger's files and of the queries' text, so states of other rows or of another definition are
never found. Without them every answer is the same, and takes longer.
"""

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb

from features.engines import EngineOptions, open_duckdb_session
from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger, open_ledger, states_folder
from features.stages import STATE_STAGES

ORDER = {
    "item_states": "account_id, invoice_id, from_on",
    "source_states": "source_id, from_on",
}
"""Order of the rows in the files: those of an account stand together."""

FOLDERS = 2
"""Folders that stay: the newest, and the one before it for those who still read it."""


def keep_states(folder: Path) -> None:
    """Work out the states of the ledger in ``folder``, unless they stand there already.

    Raises
    ------
    LedgerError
        When ``folder`` is no ledger, or there is no room for its states; it is whole without.
    """
    ledger = open_ledger(folder)
    place = states_folder(folder, ledger.digest)
    if place.is_dir():
        return
    place.parent.mkdir(exist_ok=True)
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        _write_states(ledger, temporary)
        temporary.rename(place)
    except (OSError, duckdb.Error) as error:
        raise LedgerError(
            f"{folder} is imported and whole, but the states of its items could not be kept in "
            f"{place.parent.name}/: {str(error).splitlines()[0]}. Answers take longer without "
            "them; make room and import the same export once more."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _remove_old(place)


def _write_states(ledger: Ledger, folder: Path) -> None:
    spill = folder / "spill"
    days = [ledger.manifest.known_through]
    options = EngineOptions(spill_folder=str(spill))
    with open_duckdb_session(ledger, days, options=options) as session:
        ends = session.arrow(_ENDS).to_pylist()[0]
    if ends["first_on"] is not None:
        days = _every_day(ends["first_on"] - timedelta(days=1), ends["last_on"])
    with open_duckdb_session(ledger, days[-1:], options=options, watched=days) as session:
        session.run((*STATE_STAGES, *ORDER))
        for stage, order in ORDER.items():
            session.write(f'from "{stage}" order by {order}', folder / f"{stage}.parquet")
    shutil.rmtree(spill, ignore_errors=True)


_ENDS = """
    select min(day) as first_on, max(day) as last_on
    from (
        select visible_on as day from invoices
        union all select visible_on as day from applications
        union all select superseded_on as day from applications
        union all select visible_on as day from receipts
        union all select superseded_on as day from receipts
        union all select visible_on as day from receipt_returns
        union all select superseded_on as day from receipt_returns
        union all select visible_on as day from credits
        union all select superseded_on as day from credits
    ) as days
"""
"""The first and the last day on which the books changed."""


def _every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _remove_old(newest: Path) -> None:
    """Remove all folders but ``newest`` and the youngest of the others, which is whole."""
    others = [path for path in newest.parent.iterdir() if path.is_dir() and path != newest]
    whole = [path for path in others if not path.name.startswith(".")]
    whole.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in {*others} - {*whole[: FOLDERS - 1]}:
        shutil.rmtree(path, ignore_errors=True)
