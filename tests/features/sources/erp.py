"""A system of another vendor: the simulated ledger in a database, in words of its own."""

from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from features.ledger.tables import TABLES
from features.sources.base import Extract
from features.sources.database import DatabaseSource
from features.sources.database_url import parse_url
from features.sources.simulated import Simulation

BERLIN = ZoneInfo("Europe/Berlin")
KINDS: dict[str, Any] = {
    "text": sa.Text(),
    "date": sa.Date(),
    "money": sa.Numeric(18, 4),
    "integer": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "decimal": sa.Numeric(20, 10),
}
RENAMED = {
    "accounts": {"account_id": "Customer No", "name": "customer_name"},
    "invoices": {"invoice_id": "document_no", "known_on": "posted_at", "kind": "doc_type"},
    "applications": {"application_id": "clearing_no", "cause": "reason"},
}
DOCUMENT_TYPES = {"invoice": "RV", "debit_memo": "DM", "finance_charge": "FC"}
_FIRST_TABLES = """
known_through = 2023-12-31
time_zone = "Europe/Berlin"
reporting_currency = "USD"

[accounts]
table = "erp.accounts"
columns = { account_id = "Customer No", name = "customer_name" }

[invoices]
table = "erp.invoices"
columns = { invoice_id = "document_no", known_on = "posted_at", kind = "doc_type" }
values.kind = { RV = "invoice", DM = "debit_memo", FC = "finance_charge" }

[applications]
query = '''
with posted as (select * from erp.applications where amount::text like '%.%' or ':x' = '%s')
select clearing_no as application_id, invoice_id, account_id, lower(reason) as cause, source_id,
       applied_on, known_on, amount, return_code, 'no column of the ledger' as remark
from posted
'''
"""
MAPPING = "\n".join([_FIRST_TABLES, *(f'[{name}]\ntable = "erp.{name}"' for name in [*TABLES][3:])])


def load(server: sa.URL, simulation: Simulation) -> None:
    """Write the tables of a simulated ledger into the schema ``erp``."""
    engine = sa.create_engine(server, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("erp"))
        for name, table in TABLES.items():
            renamed = RENAMED.get(name, {})
            columns = {
                column.name: renamed.get(column.name, column.name) for column in table.columns
            }
            types = {column.name: KINDS[column.kind] for column in table.columns}
            if name == "invoices":
                types["known_on"] = sa.DateTime(timezone=True)
            stored = sa.Table(
                name,
                sa.MetaData(),
                *(sa.Column(columns[each], types[each]) for each in columns),
                schema="erp",
            )
            stored.create(connection)
            rows = [
                {columns[key]: _theirs(name, key, value) for key, value in row.items()}
                for row in reversed(simulation.tables[name].to_pylist())
            ]
            if rows:
                connection.execute(stored.insert(), rows)


def _theirs(table: str, column: str, value: Any) -> Any:  # noqa: ANN401 (any cell)
    """Return a value as the other system writes it."""
    if (table, column) == ("invoices", "known_on"):
        return datetime.combine(value, time(0, 30), BERLIN)
    if (table, column) == ("invoices", "kind"):
        return DOCUMENT_TYPES[value]
    return value.upper() if (table, column) == ("applications", "cause") else value


def run(server: sa.URL, statement: str) -> Any:  # noqa: ANN401 (any cell)
    """Run a statement as the owner and return the first cell it gives."""
    engine = sa.create_engine(server, poolclass=sa.NullPool)
    with engine.begin() as connection:
        result = connection.exec_driver_sql(statement)
        return result.scalar() if result.returns_rows else None


def contacts(lines: str) -> str:
    """Return the mapping with other lines for the contacts."""
    return MAPPING.replace('table = "erp.contacts"', lines)


def read(folder: Path, url: str, mapping: str = MAPPING, *, chunk_rows: int = 20_000) -> Extract:
    """Read a database through a mapping, which is written into ``folder``."""
    path = folder / "mapping.toml"
    path.write_text(mapping, "utf-8")
    return DatabaseSource(url=parse_url(url), chunk_rows=chunk_rows).read(path)
