"""A small simulated ledger, and a judge of outcomes that knows the ledger's tables alone."""

from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest

from features.sources.simulated import Simulation, SimulationConfig, simulate

Query = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture(scope="session")
def small() -> Simulation:
    """1,500 accounts over 18 months."""
    return simulate(SimulationConfig(accounts=1500, months=18, seed=5))


@pytest.fixture(scope="session")
def ask(small: Simulation) -> Query:
    """SQL on the small ledger."""
    connection = duckdb.connect()
    for name, table in small.tables.items():
        connection.register(name, table)

    def query(sql: str) -> list[tuple[object, ...]]:
        return connection.execute(sql).fetchall()

    return query


_JUDGE = """
with seen as (
    select i.invoice_id, i.account_id, i.amount, i.amount - coalesce(sum(a.amount), 0) as balance
    from invoices i
    left join applications a
        on a.invoice_id = i.invoice_id and a.applied_on <= $t and a.known_on <= $t
    where i.issued_on <= $t and i.known_on <= $t
    group by i.invoice_id, i.account_id, i.amount
),
item as (
    select * from seen where balance > greatest(1.00, 0.05 * amount)
),
step as (
    select k, $t::date + (30 * k)::integer as until, $t::date + (30 * k + 7)::integer as known
    from range(1, 5) as r(k)
),
news as (
    select s.k, a.invoice_id, a.cause, a.amount
    from step s join applications a
        on a.known_on <= s.known and (a.applied_on <= s.until or a.cause = 'cash_return')
    where not (a.applied_on <= $t and a.known_on <= $t)
),
change as (
    select
        k, invoice_id, sum(amount) as total,
        coalesce(sum(amount) filter (where cause = 'write_off'), 0) as lost,
        coalesce(sum(amount) filter (where cause = 'credit'), 0) as credited
    from news group by all
),
moved as (
    select s.k, d.invoice_id from step s join due_date_changes d
        on d.known_on > $t and d.known_on <= s.until
    group by all
),
state as (
    select
        i.invoice_id, i.account_id, s.k,
        coalesce(c.lost, 0) > coalesce(c.credited, 0)
            and coalesce(c.lost, 0) > coalesce(c.total - c.lost - c.credited, 0) as mostly_lost,
        i.balance - coalesce(c.total, 0) <= greatest(1.00, 0.05 * i.balance) as cleared,
        m.invoice_id is not null as extended
    from item i cross join step s
    left join change c on c.invoice_id = i.invoice_id and c.k = s.k
    left join moved m on m.invoice_id = i.invoice_id and m.k = s.k
),
first_end as (
    select invoice_id, account_id,
        min(k) filter (where cleared or extended) as k,
        arg_min(mostly_lost and not extended, k) filter (where cleared or extended) as lost
    from state group by all
)
select invoice_id, account_id,
    (k is null or k > 1 or lost)::integer as open_30,
    (k is null or k > 2 or lost)::integer as open_60,
    (k is null or k > 3 or lost)::integer as open_90,
    (k is null or k > 4 or lost)::integer as open_120
from first_end order by invoice_id
"""

Judge = Callable[[Simulation, date], pa.Table]


@pytest.fixture(scope="session")
def judge() -> Judge:
    """What became of every item open at a date, read from the ledger's tables."""

    def outcomes(simulation: Simulation, as_of: date) -> pa.Table:
        assert as_of + timedelta(days=127) <= simulation.known_through
        connection = duckdb.connect()
        for name in ("invoices", "applications", "due_date_changes"):
            connection.register(name, simulation.tables[name])
        return connection.sql(_JUDGE, params={"t": as_of}).to_arrow_table()

    return outcomes
