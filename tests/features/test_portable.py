from importlib import resources

import pytest

from features.ledger.read import stored_query, visible_query
from features.ledger.tables import TABLES, Table
from features.portable import INPUT_FLOATS, departures, float_columns
from features.stages import FEATURE_STAGES, ITEM_STAGES, PEER_STAGES, query_text

STAGES = (*ITEM_STAGES, *FEATURE_STAGES, *PEER_STAGES, "outcomes")


def _float_columns_of_all_stages() -> frozenset[str]:
    return INPUT_FLOATS.union(*(float_columns(query_text(stage)) for stage in STAGES))


def test_every_sql_file_is_a_stage_and_so_is_held_to_the_subset() -> None:
    files = {file.name for file in resources.files("features.sql").iterdir()}
    assert {name for name in files if name.endswith(".sql")} == {f"{name}.sql" for name in STAGES}


@pytest.mark.parametrize("stage", STAGES)
def test_the_query_of_every_stage_is_portable(stage: str) -> None:
    assert departures(query_text(stage), _float_columns_of_all_stages()) == []


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_views_of_the_ledger_are_portable(table: Table) -> None:
    stored = f"stored_{table.name}"
    queries = [stored_query(table, []), stored_query(table, ["a", "b"])]
    queries += [visible_query(table, stored, versions=versions) for versions in (True, False)]
    assert [departures(query) for query in queries] == [[], [], [], []]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select due_on - issued_on as a from b", "a difference of dates is datediff"),
        ("select max(due_on) - coalesce(c_on, as_of) as a from b", "a difference of dates"),
        ("select due_on + 1 as a from b", "moved by an interval of days, not by a number"),
        ("select due_on + interval 1 day as a from b", "stands in cast(... as date)"),
        ("select cast(due_on + interval 1 month as date) as a from b", "the unit is days"),
        ("select datediff('month', a, b) as c from d", "the unit is days"),
        ("select date_trunc('week', a) as c from d", "not in the portable subset"),
        ("select isodow(a) as c from d", "not in the portable subset"),
        ("select dayofweek(a) as c from d", "not in the portable subset"),
        ("select a from b asof join c on b.d >= c.d", "inner, left or cross, not asof"),
        ("select a from b positional join c", "inner, left or cross, not positional"),
        ("select a from b, c", "inner, left or cross, not unnamed"),
        ("select a from b full join c on b.d = c.d", "inner, left or cross, not full"),
        ("select a from b inner join c using (d)", "a join says on"),
        ("select a from b qualify row_number() over (order by a) = 1", "qualify"),
        ("select * from b", "columns are named one by one"),
        ("select b.* from b", "columns are named one by one"),
        ("select a from b union by name select a from c", "by_name"),
        ("select a, count(*) as n from b group by all", "not by all"),
        ("select a, count(*) as n from b group by 1", "named, not counted"),
        ("select a from b order by 1", "named, not counted"),
        ("select distinct on (a) a from b", "on is not in the portable subset"),
        ("select a from b limit 3", "limit is not in the portable subset"),
        ("select cast(a as hugeint) as c from b", "the type is not one of"),
        ("select try_cast(a as integer) as c from b", "try_cast() is not"),
        ("select unnest([1, 2]) as a", "not in the portable subset"),
        ("select list_sum(a) as c from b", "list_sum() is not"),
        ("select string_agg(a) as c from b", "not in the portable subset"),
        ("select first(a) as c from b", "first() is not"),
        ("select avg(a) as c from b", "avg() is not"),
        ("select stddev(a) as c from b", "stddev() is not"),
        ("select regr_slope(a, b) as c from d", "regr_slope() is not"),
        ("select exp(a) as c from b", "exp() is not"),
        ("select ln(a) as c from b", "ln() is not"),
        ("select power(a, 2) as c from b", "power() is not"),
        ("select a // 2 as c from b", "intdiv is not"),
        ("select nobody_compared(a) as c from b", "nobody_compared() is not"),
        ("select sum(cast(a as double)) as c from b", "a sum of floats"),
        ("select sum(case when a then b / 2 else 0 end) as c from d", "a sum of floats"),
        ("with c as (select sqrt(a) as d from b) select sum(d) as e from c", "a sum of floats"),
        ("select sum(hazard) as c from usual_curve", "a sum of floats"),
        ("select cast(a / 2 as bigint) as c from b", "by floor or round first"),
        ("select max(a) / 100.0 as c from b", "a division of decimals"),
        ("select amount / 2 as c from invoices", "a division of decimals"),
        (
            "select max(a) over (order by b range between 3 preceding and current row) as c from d",
            "a window frame counts rows",
        ),
        (
            "with recursive a as (select 1 as b union all select b + 1 from a) select b from a",
            "recursive is not",
        ),
    ],
)
def test_what_another_engine_would_read_otherwise_is_refused(query: str, words: str) -> None:
    assert words in " ".join(departures(query))


@pytest.mark.parametrize(
    "query",
    [
        "select cast(due_on + interval 1 day as date) as a from b",
        "select cast(due_on + n * interval 1 day as date) as a from b",
        "select cast(floor(a / 2) as bigint) as c from b",
        "select cast(max(a) as double) / 100.0 as c from b",
        "select cast(amount as double) / 2 as c from invoices",
        "select sum(cast(round(a / 2) as bigint)) as c from b",
        "select count(*) filter (where a > 0) as n from b",
    ],
)
def test_the_portable_way_to_say_it_is_accepted(query: str) -> None:
    assert departures(query) == []


def test_a_departure_names_its_text_and_what_to_write_instead() -> None:
    assert departures("select a from b where due_on - as_of > 3") == [
        "due_on - as_of: a difference of dates is datediff('day', a, b)."
    ]
