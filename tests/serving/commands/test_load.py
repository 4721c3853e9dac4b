import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from serving.cli import main

MAPPING = """
known_through = 2024-03-31
[accounts]
query = "select 'A' as account_id"
[invoices]
table = "items"
[applications]
query = '''
select 1 as application_id, 1 as invoice_id, 1 as account_id, 'cash' as cause,
       '2024-01-01' as applied_on, 1 as amount
where false
'''
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """A mapping of one account with one invoice."""
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING, "utf-8")
    return path


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with one invoice."""
    address = f"sqlite:///{tmp_path / 'erp.db'}"
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "create table items as select '1' as invoice_id, 'A' as account_id, 5 as amount, "
            "'2024-01-31' as issued_on, '2024-02-29' as due_on, 'USD' as currency"
        )
    engine.dispose()
    return address


def _run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["import", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_database_is_imported_by_url_or_by_the_environment(
    mapping: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways give the same ledger, and the second import of one finds nothing new."""
    first = _run("sql", mapping, "--url", url, "--out", tmp_path / "a", "--json")
    assert first.exit_code == 0
    counts = {table["table"]: table["new"] for table in json.loads(first.output)["tables"]}
    assert counts == {"accounts": 1, "invoices": 1, "applications": 0}
    monkeypatch.setenv("ROLLRISK_DATABASE_URL", url)
    assert _run("sql", mapping, "--out", tmp_path / "b").exit_code == 0
    assert _run("sql", mapping, "--out", tmp_path / "b").exit_code == 0
    manifests = [(tmp_path / name / "ledger.json").read_text("utf-8") for name in "ab"]
    assert manifests[0] == manifests[1]
    assert "erp.db" not in manifests[0]


def test_the_url_belongs_to_the_source_sql(
    mapping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for there and refused elsewhere; the environment does not disturb others."""
    out = ("--out", tmp_path / "ledger")
    missing = _run("sql", mapping, *out)
    assert missing.exit_code == 2
    assert "The source sql needs --url or ROLLRISK_DATABASE_URL" in missing.output
    for source in ("canonical", "highradius"):
        refused = _run(source, mapping, "--url", "postgresql://u:s3cret@h/d", *out)
        assert refused.exit_code == 2
        assert "--url is for the source sql" in refused.output
        assert "s3cret" not in refused.output
    monkeypatch.setenv("ROLLRISK_DATABASE_URL", "postgresql://u:s3cret@h/d")
    other = _run("canonical", tmp_path, *out)
    assert other.exit_code == 1
    assert "breaks the ledger contract" in other.output


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@127.0.0.1:1/d", "postgresql://u:s3cret"])
def test_a_refusal_never_shows_the_password(mapping: Path, tmp_path: Path, url: str) -> None:
    """An address that nobody answers at and one that cannot be read end with code 1."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install .[sql]")
    result = _run("sql", mapping, "--url", url, "--out", tmp_path / "ledger")
    assert result.exit_code == 1
    assert "s3cret" not in result.output
    assert not (tmp_path / "ledger").exists()


def test_an_export_in_a_store_is_imported_like_one_on_disk(tmp_path: Path) -> None:
    """The address of a folder gives the same ledger as its path; a ledger stays on disk."""
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "accounts.csv").write_text("account_id\nA\n", "utf-8")
    (folder / "applications.csv").write_text(
        "application_id,invoice_id,account_id,cause,applied_on,amount\n", "utf-8"
    )
    (folder / "invoices.csv").write_text(
        "invoice_id,account_id,issued_on,amount,currency\n1,A,2024-01-31,5.00,USD\n", "utf-8"
    )
    for name, place in (("a", folder), ("b", f"file://{folder}")):
        done = _run("canonical", place, "--known-through", "2024-03-31", "--out", tmp_path / name)
        assert done.exit_code == 0, done.output
    manifests = [(tmp_path / name / "ledger.json").read_text("utf-8") for name in "ab"]
    assert manifests[0] == manifests[1]
    refused = _run("canonical", folder, "--out", "s3://bucket/ledger")
    assert refused.exit_code == 2
    assert "must be a folder on disk" in refused.output
    nowhere = _run("canonical", f"file://{tmp_path}/nowhere", "--out", tmp_path / "c")
    assert nowhere.exit_code == 1
    assert "nothing is there" in nowhere.output
