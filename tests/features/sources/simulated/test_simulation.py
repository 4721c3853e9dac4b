"""Laws of the simulated ledger."""

import hashlib
import io
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.ledger.arrow import arrow_schema
from features.ledger.tables import TABLES
from features.sources.simulated import Simulation, SimulationConfig, simulate
from features.sources.simulated.payers import NAMES

Query = Callable[[str], list[tuple[object, ...]]]


def digest(table: pa.Table) -> str:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def test_one_seed_gives_the_same_bytes() -> None:
    """Equal configurations give equal Parquet bytes in every table; another seed does not."""
    config = SimulationConfig(accounts=300, months=8, seed=9)
    first, second = simulate(config), simulate(config)
    other = simulate(SimulationConfig(accounts=300, months=8, seed=10))
    for name, table in first.tables.items():
        assert digest(table) == digest(second.tables[name])
        assert digest(table) != digest(other.tables[name])


@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables_keep_the_contract(small: Simulation, name: str) -> None:
    """Every table has its schema, its required values, its choices, signs and unique keys."""
    table = small.tables[name]
    assert table.schema == arrow_schema(TABLES[name])
    assert table.num_rows > 0
    table.validate(full=True)
    for column in TABLES[name].columns:
        values = table[column.name]
        assert not (column.required and values.null_count), column.name
        if column.choices:
            assert set(values.to_pylist()) <= {*column.choices, None}
        if column.sign != "any" and values.null_count < len(values):
            low = pc.min(values).as_py()
            assert low >= 0 or column.sign == "non-zero", column.name
            if column.sign in {"positive", "non-zero"}:
                assert not pc.any(pc.equal(values, pa.scalar(0, values.type))).as_py()
    keys = table.select(TABLES[name].key)
    assert keys.group_by(list(TABLES[name].key)).aggregate([]).num_rows == table.num_rows


def test_nothing_is_known_after_the_last_day(small: Simulation) -> None:
    """No row and no closing is known after ``known_through``."""
    for name, table in small.tables.items():
        for column in (
            "known_on",
            "closed_known_on",
            "closed_on",
            "cancelled_known_on",
            "withdrawn_on",
            "contacted_on",
            "until_on",
            "rate_on",
        ):
            if column in table.column_names:
                latest = pc.max(table[column]).as_py()
                assert latest is None or latest <= small.known_through, (name, column)


def test_the_truth_is_not_in_the_ledger(small: Simulation) -> None:
    """No text column of any table holds a payer type."""
    hidden = pa.array([name for name in NAMES if name != "autopay"])
    for table in small.tables.values():
        assert "payer_type" not in table.column_names
        for column in table.columns:
            if pa.types.is_string(column.type):
                assert not pc.any(pc.is_in(column, hidden)).as_py()


def test_receipts_balance_to_the_cent(ask: Query) -> None:
    """Applied plus returned never exceeds a receipt, and never falls below zero."""
    rows = ask("""
        with used as (select source_id, sum(amount) as applied from applications
                      where cause in ('cash', 'cash_return', 'unapply') group by all),
        back as (select receipt_id, sum(amount) as returned from receipt_returns group by all)
        select count(*) filter (where coalesce(applied, 0) + coalesce(returned, 0) > amount),
               count(*) filter (where applied < 0),
               count(*) filter (where coalesce(applied, 0) + coalesce(returned, 0) < amount)
        from receipts r left join used on source_id = r.receipt_id left join back using (receipt_id)
    """)
    over, negative, unapplied = rows[0]
    assert (over, negative) == (0, 0)
    assert isinstance(unapplied, int)
    assert unapplied > 0, "some cash stays unapplied"


def test_credits_balance_to_the_cent(ask: Query) -> None:
    """No credit is applied beyond its amount."""
    assert ask("""
        select count(*) from credits c join (
            select source_id, sum(amount) as applied from applications
            where cause in ('credit', 'netting') group by all
        ) on source_id = c.credit_id where applied > amount
    """) == [(0,)]


def test_applications_stay_within_account_and_currency(ask: Query) -> None:
    """Every application names an invoice and, for cash, a receipt of its own account."""
    assert ask("""
        select count(*) from applications a left join invoices i using (invoice_id)
        left join receipts r on r.receipt_id = a.source_id
        left join credits c on c.credit_id = a.source_id
        where i.account_id is distinct from a.account_id
           or coalesce(r.account_id, c.account_id, a.account_id) <> a.account_id
           or coalesce(r.currency, c.currency, i.currency) <> i.currency
           or (a.cause in ('write_off', 'discount', 'adjustment')) <> (a.source_id is null)
           or (a.source_id is not null and r.receipt_id is null and c.credit_id is null)
    """) == [(0,)]


def test_returned_payments_restore_their_items(ask: Query) -> None:
    """Each return takes back exactly what its receipt had paid, on the day of the return."""
    assert ask("""
        with back as (select source_id, applied_on, return_code, sum(amount) as amount
                      from applications where cause = 'cash_return' group by all)
        select count(*) from receipt_returns r full join back b
            on b.source_id = r.receipt_id and b.applied_on = r.returned_on
           and b.return_code = r.code and b.amount = -r.amount
        where (r.return_id is null or b.source_id is null) and r.kind is distinct from 'refund'
    """) == [(0,)]


def test_balances_are_never_negative_but_for_misapplied_cash(ask: Query) -> None:
    """At the end only invoices with wrongly applied cash not yet corrected are over-applied."""
    assert ask("""
        with total as (select invoice_id, sum(amount) as applied from applications group by all),
        receipts_on as (select invoice_id, source_id, sum(amount) as amount from applications
                        where cause in ('cash', 'unapply') group by all having sum(amount) > 0)
        select count(*) from invoices i join total using (invoice_id)
        where applied > i.amount
          and (select count(*) from receipts_on x where x.invoice_id = i.invoice_id) < 2
    """) == [(0,)]


def test_back_dated_postings_are_at_most_twelve_days_late(ask: Query) -> None:
    """A small share of receipts is known 1 to 12 days after its business date."""
    longest, share = ask("""
        select max(known_on - received_on), avg((known_on > received_on)::integer) from receipts
    """)[0]
    assert longest in range(5, 13)
    assert isinstance(share, float)
    assert 0.005 < share < 0.06


def test_every_kind_of_event_occurs(ask: Query) -> None:
    """Whatever the ledger can express, it contains."""
    counts = ask("""
        select
            (select count(distinct cause) from applications),
            (select count(distinct kind) from receipt_returns),
            (select count(distinct outcome) from disputes),
            (select count(withdrawn_on) from promises),
            (select count(superseded_by) from promises),
            (select count(cancelled_on) from installments),
            (select count(replaces_invoice_id) from invoices),
            (select count(distinct flag) from account_flags),
            (select count(distinct "column") from account_changes),
            (select count(*) from due_date_changes),
            (select count(distinct currency) from accounts),
            (select count(parent_account_id) from accounts)
    """)[0]
    causes, returns, outcomes, *others = counts
    assert (causes, returns, outcomes) == (8, 4, 4)
    assert all(isinstance(count, int) and count > 2 for count in others)


def test_contacts_follow_lateness(ask: Query) -> None:
    """Collectors only call accounts that hold an item more than two days past due."""
    assert ask("""
        with cleared as (
            select a.invoice_id, max(a.known_on) as on_day
            from applications a join invoices i using (invoice_id)
            group by a.invoice_id, i.amount having sum(a.amount) >= 0.95 * i.amount)
        select count(*) from contacts c where not exists (
            select 1 from invoices i left join cleared k using (invoice_id)
            where i.account_id = c.account_id and i.due_on + 2 < c.contacted_on
              and coalesce(k.on_day, c.contacted_on) >= c.contacted_on)
    """) == [(0,)]


def test_the_outer_buckets_are_well_populated(ask: Query) -> None:
    """Open dollars lie near 60 / 20 / 9 / 5 / 6 % in the five buckets."""
    row = ask("""
        with due as (select i.*, coalesce(
                (select max(d.due_on) from due_date_changes d where d.invoice_id = i.invoice_id
                 and d.known_on <= date '2024-05-15'), i.due_on) as current_due from invoices i
            where i.known_on <= date '2024-05-15'),
        balance as (select d.invoice_id, date '2024-05-15' - current_due as dpd,
                d.amount - coalesce(sum(a.amount), 0) as open from due d
            left join applications a on a.invoice_id = d.invoice_id
                and a.known_on <= date '2024-05-15'
            group by d.invoice_id, d.amount, d.current_due)
        select sum(open) filter (where dpd <= 0) / sum(open),
               sum(open) filter (where dpd between 1 and 30) / sum(open),
               sum(open) filter (where dpd between 31 and 60) / sum(open),
               sum(open) filter (where dpd between 61 and 90) / sum(open),
               sum(open) filter (where dpd > 90) / sum(open)
        from balance where open > 1
    """)[0]
    for share, wanted, slack in zip(
        row, (0.60, 0.20, 0.09, 0.05, 0.06), (0.08, 0.06, 0.04, 0.03, 0.03), strict=True
    ):
        assert share == pytest.approx(wanted, abs=slack)


def test_progress_runs_from_zero_to_one() -> None:
    """Progress never goes back and ends at 1."""
    seen: list[float] = []
    simulate(SimulationConfig(accounts=5, months=4, seed=0), seen.append)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)
