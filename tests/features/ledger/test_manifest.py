from datetime import date
from pathlib import Path

import pytest

from features.ledger.manifest import (
    FILE_NAME,
    Batch,
    BatchFile,
    LedgerError,
    Manifest,
    parse_manifest,
    read_manifest,
    write_manifest,
)

FULL = Manifest(
    known_through=date(2024, 6, 30),
    time_zone="America/New_York",
    maturity_lag_days=3,
    reporting_currency="USD",
    defaulted_clocks=("invoices", "receipts"),
    batches=(
        Batch(
            source="canonical",
            content_sha256="ab" * 32,
            known_through=date(2024, 6, 30),
            quarantined=2,
            files=(BatchFile(table="accounts", file="accounts.parquet", sha256="c", rows=7),),
        ),
    ),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Writing and reading changes nothing, and leaves no temporary file."""
    write_manifest(tmp_path, FULL)
    assert read_manifest(tmp_path) == FULL
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_new_manifest_replaces_the_old_one(tmp_path: Path) -> None:
    """The second writing is what is read."""
    write_manifest(tmp_path, FULL)
    write_manifest(tmp_path, Manifest(known_through=date(2024, 7, 31)))
    assert read_manifest(tmp_path).known_through == date(2024, 7, 31)


def test_a_manifest_made_by_hand_needs_only_its_last_day() -> None:
    """Lag of 7 days, UTC, no reporting currency, no batches."""
    made = parse_manifest('{"format": 1, "known_through": "2024-03-31"}', "L")
    assert made == Manifest(known_through=date(2024, 3, 31))
    assert (made.maturity_lag_days, made.time_zone) == (7, "UTC")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"L/ledger\.json: not valid JSON"),
        ('{"format": 9}', r"format must be 1, got 9\. Import the source again"),
        ("{}", r"format must be 1, got None"),
        ('{"format": 1}', r"known_through is missing\. Give the last day"),
    ],
)
def test_a_broken_manifest_says_what_is_wrong(text: str, message: str) -> None:
    """The error names the file, the rule and the next step."""
    with pytest.raises(LedgerError, match=message):
        parse_manifest(text, "L")


def test_a_folder_without_a_manifest_is_no_ledger(tmp_path: Path) -> None:
    """The error tells the command that makes one."""
    with pytest.raises(LedgerError, match=r"is no ledger: .*rollrisk import"):
        read_manifest(tmp_path)
