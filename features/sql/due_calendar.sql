-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, billing
-- Nothing here depends on as_of alone: a model trained on a few dozen dates would learn the
-- dates by heart. The month speaks only where two years of the account's billing stand behind
-- it. Monday is 1; day 0 of the count of days is Monday 1 January 1900.
-- A quarter ends with the last five days of its last month. Business days past due are the days
-- from Monday to Friday from the due date on, as_of itself left out; no holidays are known.
with days as (
    select
        items.item_no,
        items.due_on,
        items.as_of,
        datediff('day', cast('1900-01-01' as date), items.due_on) as due_day,
        datediff('day', cast('1900-01-01' as date), items.as_of) as as_of_day,
        billing.relationship_days
    from open_items as items
    left join billing
        on items.as_of = billing.as_of
        and items.account_no = billing.account_no
        and items.currency = billing.currency
)

select
    item_no,
    due_day % 7 + 1 as due_weekday,
    day(due_on) as due_month_day,
    day(last_day(due_on)) - day(due_on) as due_before_month_end,
    case
        when month(due_on) % 3 = 0 and day(last_day(due_on)) - day(due_on) <= 4 then 1
        when due_on is not null then 0
    end as due_at_quarter_end,
    5 * cast(floor(cast(as_of_day as double) / 7) as bigint) + least(as_of_day % 7, 5)
        - 5 * cast(floor(cast(due_day as double) / 7) as bigint) - least(due_day % 7, 5)
        as business_days_past_due,
    case when relationship_days >= 730 then month(due_on) end as due_month
from days
