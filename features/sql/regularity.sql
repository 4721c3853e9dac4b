-- grain:  one row per as-of date and account
-- clock:  payments shown by the books at as_of, made in the 365 days before it
-- source: settlements (invoices, applications, due_date_changes)
with pay_days as (
    select
        accounts.as_of,
        accounts.account_id,
        settlements.paid_on,
        cast(count(*) as bigint) as items
    from (select distinct as_of, account_id from open_accounts) as accounts
    inner join settlements
        on accounts.account_id = settlements.account_id
        and settlements.from_on <= accounts.as_of
        and (settlements.until_on is null or settlements.until_on > accounts.as_of)
        and datediff('day', settlements.paid_on, accounts.as_of) < 365
    group by accounts.as_of, accounts.account_id, settlements.paid_on
),

days as (
    select
        as_of,
        account_id,
        isodow(paid_on) as weekday,
        day(paid_on) as month_day,
        day(last_day(paid_on)) - day(paid_on) as days_to_month_end
    from pay_days
),

month_days as (
    select as_of, account_id, month_day, cast(count(*) as bigint) as payments
    from days
    group by as_of, account_id, month_day
),

commonest as (
    select
        as_of,
        account_id,
        1.0 * max(payments) / sum(payments) as month_day_share,
        cast(sum(payments) as bigint) as pay_days
    from month_days
    group by as_of, account_id
),

weekdays as (
    select
        as_of,
        account_id,
        cast(count(*) as bigint) as pay_days,
        cast(count(*) filter (weekday = 1) as bigint) as mondays,
        cast(count(*) filter (weekday = 2) as bigint) as tuesdays,
        cast(count(*) filter (weekday = 3) as bigint) as wednesdays,
        cast(count(*) filter (weekday = 4) as bigint) as thursdays,
        cast(count(*) filter (weekday = 5) as bigint) as fridays,
        cast(count(*) filter (days_to_month_end <= 2 or month_day = 1) as bigint) as month_ends
    from days
    group by as_of, account_id
)

select
    weekdays.as_of,
    weekdays.account_id,
    weekdays.pay_days as pay_days_365,
    1.0 * greatest(mondays, tuesdays, wednesdays, thursdays, fridays) / weekdays.pay_days
        as weekday_share,
    commonest.month_day_share,
    1.0 * weekdays.month_ends / weekdays.pay_days as month_end_share
from weekdays
inner join commonest
    on weekdays.as_of = commonest.as_of
    and weekdays.account_id = commonest.account_id
