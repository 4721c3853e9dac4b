import tempfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.sources.base import ContractError, Extract
from features.sources.canonical import CanonicalSource
from features.sources.remote import local_copy

FILES = {
    "accounts.csv": "account_id\nA\n",
    "applications.csv": (
        "application_id,invoice_id,account_id,cause,applied_on,known_on,amount\n"
        "p,1,A,cash,2024-02-10,2024-02-12,5.00\n"
    ),
    "ledger.json": '{"known_through": "2024-03-31"}',
    "order.csv": "id\n1\n",
    "readme.txt": "not read",
    "old/accounts.csv": "account_id\nB\n",
}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export on disk, one table of it in two Parquet files."""
    folder = tmp_path / "my exports"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (folder / "invoices").mkdir()
    for number in (1, 2):
        row = {"invoice_id": [str(number)], "account_id": ["A"], "amount": [5], "currency": ["USD"]}
        rows = pa.table(row | {"issued_on": ["2024-01-31"]})
        pq.write_table(rows, folder / "invoices" / f"part-{number}.parquet")
    return folder


@pytest.fixture
def in_memory(export: Path) -> Iterator[str]:
    """The same export in a store that is no disk."""
    store = fsspec.filesystem("memory")
    store.put(str(export), "/bucket/exports", recursive=True)
    yield "memory://bucket/exports"
    store.rm("/bucket", recursive=True)


def _read(address: str) -> Extract:
    with local_copy(address) as folder:
        return CanonicalSource().read(folder)


def test_an_export_in_a_store_is_read_as_the_one_on_disk(export: Path, in_memory: str) -> None:
    """Tables, last known day and warnings are the same, from memory:// and from file://."""
    wanted = CanonicalSource().read(export)
    assert wanted.rows_read == {"accounts": 1, "invoices": 2, "applications": 1}
    assert any("order.csv" in warning for warning in wanted.warnings)
    for address in (in_memory, f"{in_memory}/", f"file://{export}"):
        found = _read(address)
        assert found.tables == wanted.tables
        assert (found.known_through, found.warnings) == (wanted.known_through, wanted.warnings)


def test_the_copy_is_gone_afterwards(in_memory: str) -> None:
    """Nothing of the export stays on disk, whether it was read or refused."""
    with local_copy(in_memory) as folder:
        assert folder.is_relative_to(tempfile.gettempdir())
        assert sorted(path.name for path in folder.iterdir()) == [
            "accounts.csv",
            "applications.csv",
            "invoices",
            "ledger.json",
            "order.csv",
        ]
        assert (folder / "order.csv").stat().st_size == 0
    assert not folder.parent.exists()


def test_a_refusal_names_the_address(in_memory: str) -> None:
    """Errors of the reader say where the export is, not where its copy was."""
    fsspec.filesystem("memory").rm("/bucket/exports/accounts.csv")
    with pytest.raises(ContractError) as caught:
        _read(in_memory)
    assert str(caught.value).startswith("memory://bucket/exports breaks the ledger contract")
    assert len(caught.value.details) == 1
    assert tempfile.gettempdir() not in str(caught.value)


def test_one_file_can_be_copied_too(in_memory: str) -> None:
    """A source that reads a file gets it under its own name."""
    with local_copy(f"{in_memory}/accounts.csv") as file:
        assert (file.name, file.read_text("utf-8")) == ("accounts.csv", "account_id\nA\n")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("memory://nowhere", "memory://nowhere: nothing is there"),
        ("foo://u:s3cret@h/exports", r"foo://\*\*\*@h/exports cannot be read: Protocol not known"),
        ("file:///nowhere/at/all", "nothing is there"),
    ],
)
def test_an_address_that_gives_nothing_is_refused(address: str, message: str) -> None:
    """Unknown stores and empty places are told, without the password."""
    with pytest.raises(ContractError, match=message) as caught, local_copy(address):
        pass
    assert "s3cret" not in str(caught.value)


def test_names_cannot_leave_the_copy(in_memory: str) -> None:
    """A key with dots for folders is no part of an export."""
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/exports/../accounts.csv", b"account_id\nB\n")
    store.pipe("/bucket/exports/invoices/../../x.parquet", b"x")
    with local_copy(in_memory) as folder:
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert [path.name for path in folder.parent.iterdir()] == ["export"]
    assert not [name for name in files if ".." in name or name.endswith("x.parquet")]
