-- grain:  one row per as-of date and account
-- clock:  as pay_days
-- source: pay_days
-- The commonest day of a week or month is found as the largest count; of equal counts the
-- earliest day counts. A month shorter than the commonest day pays on its last.
with days as (
    select
        as_of,
        account_no,
        days_ago,
        datediff('day', cast('1900-01-01' as date), paid_on) % 7 as weekday,
        day(paid_on) as month_day,
        case
            when day(last_day(paid_on)) - day(paid_on) <= 2 or day(paid_on) = 1 then 1
            else 0
        end as at_month_end
    from pay_days
),

month_days as (
    select as_of, account_no, month_day, cast(count(*) as bigint) as pay_days
    from days
    group by as_of, account_no, month_day
),

commonest as (
    select as_of, account_no, max(100 * pay_days + 31 - month_day) as code
    from month_days
    group by as_of, account_no
),

weekdays as (
    select
        as_of,
        account_no,
        cast(count(*) as bigint) as pay_days,
        min(days_ago) as last_ago,
        max(days_ago) as first_ago,
        cast(sum(at_month_end) as bigint) as month_ends,
        greatest(
            10 * count(case when weekday = 0 then 1 end) + 6,
            10 * count(case when weekday = 1 then 1 end) + 5,
            10 * count(case when weekday = 2 then 1 end) + 4,
            10 * count(case when weekday = 3 then 1 end) + 3,
            10 * count(case when weekday = 4 then 1 end) + 2,
            10 * count(case when weekday = 5 then 1 end) + 1,
            10 * count(case when weekday = 6 then 1 end)
        ) as code
    from days
    group by as_of, account_no
),

usual as (
    select
        weekdays.as_of,
        weekdays.account_no,
        weekdays.pay_days,
        weekdays.last_ago,
        weekdays.month_ends,
        cast(weekdays.first_ago - weekdays.last_ago as double)
            / nullif(weekdays.pay_days - 1, 0) as gap_days,
        cast(floor(weekdays.code / 10) as bigint) as on_weekday,
        6 - weekdays.code % 10 as weekday,
        cast(floor(commonest.code / 100) as bigint) as on_month_day,
        31 - commonest.code % 100 as month_day
    from weekdays
    inner join commonest
        on weekdays.as_of = commonest.as_of
        and weekdays.account_no = commonest.account_no
)

select
    as_of,
    account_no,
    pay_days as pay_days_365,
    gap_days as payment_gap_days,
    cast(last_ago as double) / nullif(gap_days, 0) as payment_gap_ratio,
    cast(on_weekday as double) / pay_days as weekday_share,
    cast(on_month_day as double) / pay_days as month_day_share,
    cast(month_ends as double) / pay_days as month_end_share,
    (7 + weekday - datediff('day', cast('1900-01-01' as date), as_of) % 7) % 7
        as days_to_usual_weekday,
    case
        when least(month_day, day(last_day(as_of))) >= day(as_of)
        then least(month_day, day(last_day(as_of))) - day(as_of)
        else day(last_day(as_of)) - day(as_of)
            + least(month_day, day(last_day(as_of + interval 28 day)))
    end as days_to_usual_month_day
from usual
