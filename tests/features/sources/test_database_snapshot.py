from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from features.sources.base import ContractError
from features.sources.database import DatabaseSource
from features.sources.database_url import parse_url
from features.sources.simulated import Simulation
from tests.features.sources.erp import contacts, read, run
from tests.features.sources.postgres import PASSWORD, as_reader


def test_all_tables_show_one_moment(loaded: str, server: sa.URL, tmp_path: Path) -> None:
    """What is posted while the tables are read is in none of them."""
    run(server, "create table erp.late (contact_id text)")
    mapping = contacts(
        "query = \"select contact_id, 'A-000001' as account_id, current_date as contacted_on "
        'from erp.late"'
    )
    posted = []

    def post(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "erp.invoices" in statement and not posted:
            posted.append(statement)
            run(server, "insert into erp.late values ('L')")

    sa.event.listen(sa.Engine, "before_cursor_execute", post)
    try:
        extract = read(tmp_path, loaded, mapping)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", post)
    assert posted
    assert extract.rows_read["contacts"] == 0
    assert read(tmp_path, loaded, mapping).rows_read["contacts"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "delete from erp.contacts returning *",
        "with gone as (delete from erp.contacts returning *) select * from gone",
        "select contact_id from erp.contacts; drop table erp.contacts",
        "select nextval('erp.numbers') as contact_id",
    ],
)
def test_a_query_can_only_read(
    loaded: str, server: sa.URL, erp_simulation: Simulation, tmp_path: Path, query: str
) -> None:
    """A statement that would write is refused even to the owner, and changes nothing."""
    del loaded
    owner = server.render_as_string(hide_password=False)
    run(server, "create sequence if not exists erp.numbers")
    with pytest.raises(ContractError, match=r"Table 'contacts' \(query\): "):
        read(tmp_path, owner, contacts(f'query = "{query}"'))
    assert run(server, "select count(*) from erp.contacts") == (
        erp_simulation.tables["contacts"].num_rows
    )
    assert run(server, "select is_called from erp.numbers") is False


def test_days_end_in_the_zone_of_the_mapping_inside_queries_too(
    loaded: str, tmp_path: Path
) -> None:
    """A cast to date on the server and a point in time read from it give the same day."""
    moment = "timestamptz '2023-06-30 23:30+00'"
    for expression in (moment, f"cast({moment} as date)"):
        query = f"select 'k' as contact_id, 'A-000001' as account_id, {expression} as contacted_on"
        extract = read(tmp_path, loaded, contacts(f'query = "{query}"'))
        assert extract.tables["contacts"]["contacted_on"].to_pylist() == [date(2023, 7, 1)]


def test_a_wrong_password_is_never_shown(loaded: str, server: sa.URL, tmp_path: Path) -> None:
    """The error names the address with *** for the password, and so does the source itself."""
    del loaded
    wrong = "wr0ng&secret/"
    with pytest.raises(ContractError, match="password authentication failed") as caught:
        read(tmp_path, as_reader(server, wrong))
    told = f"{caught.value} {caught.value!r} {DatabaseSource(url=parse_url(as_reader(server)))}"
    assert "postgresql+psycopg://reader:***@" in told
    for secret in (wrong, PASSWORD, "wr0ng", "p%40ss", "p@ss"):
        assert secret not in told


def test_an_unknown_database_or_a_missing_driver_is_named(tmp_path: Path) -> None:
    """The next step is told, and the password is not."""
    for url, message in (
        ("foo://u:s3cret@h/d", "SQLAlchemy knows no database 'foo'"),
        ("mysql+cymysql://u:s3cret@h/d", "the driver 'cymysql' is not installed"),
    ):
        with pytest.raises(ContractError, match=message) as caught:
            read(tmp_path, url)
        assert "s3cret" not in str(caught.value)
