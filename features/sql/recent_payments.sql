-- grain:  one row per as-of date and account
-- clock:  as pay_days
-- source: pay_days
-- The least-squares slope of days beyond terms over the last ten pay days of the year, in days
-- later per 30 days.
with ranked as (
    select
        as_of,
        account_no,
        days_ago,
        items,
        late,
        row_number() over (partition by as_of, account_no order by days_ago) as nth
    from pay_days
),

sums as (
    select
        as_of,
        account_no,
        cast(sum(items) as bigint) as n,
        cast(sum(-days_ago * items) as bigint) as x,
        cast(sum(late) as bigint) as y,
        cast(sum(days_ago * days_ago * items) as bigint) as xx,
        cast(sum(-days_ago * late) as bigint) as xy
    from ranked
    where nth <= 10
    group by as_of, account_no
)

select
    as_of,
    account_no,
    30 * cast(n * xy - x * y as double) / nullif(n * xx - x * x, 0) as dbt_slope_10
from sums
