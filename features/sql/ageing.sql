-- grain:  one row per as-of date, account and currency
-- clock:  as_of
-- source: open_items
-- Items without a due date count in the balance and in nothing that has an age.
with sums as (
    select
        as_of,
        account_no,
        currency,
        cast(sum(balance_cents) as bigint) as cents,
        max(balance_cents) as largest_cents,
        cast(count(due_on) as bigint) as items,
        cast(sum(case when due_on is not null then balance_cents end) as bigint) as dated_cents,
        count(case when days_past_due > 0 then 1 end) as items_1,
        count(case when days_past_due > 30 then 1 end) as items_31,
        count(case when days_past_due > 60 then 1 end) as items_61,
        count(case when days_past_due > 90 then 1 end) as items_91,
        cast(sum(case when days_past_due > 0 then balance_cents else 0 end) as bigint)
            as cents_1,
        cast(sum(case when days_past_due > 30 then balance_cents else 0 end) as bigint)
            as cents_31,
        cast(sum(case when days_past_due > 60 then balance_cents else 0 end) as bigint)
            as cents_61,
        cast(sum(case when days_past_due > 90 then balance_cents else 0 end) as bigint)
            as cents_91,
        max(days_past_due) as oldest,
        min(days_past_due) as youngest,
        sum(cast(balance_cents * days_past_due as decimal(38, 0))) as cents_days
    from open_items
    group by as_of, account_no, currency
)

select
    as_of,
    account_no,
    currency,
    cast(cents as double) / 100 as account_balance,
    cast(largest_cents as double) / cents as largest_item_share,
    nullif(items, 0) as account_open_items,
    case when items > 0 then items_1 end as account_past_due_items,
    case when items > 0 then items_31 end as account_31_plus_items,
    case when items > 0 then items_61 end as account_61_plus_items,
    case when items > 0 then items_91 end as account_91_plus_items,
    oldest as account_oldest_days_past_due,
    youngest as account_youngest_days_past_due,
    cast(cents_1 as double) / dated_cents as account_past_due_share,
    cast(cents_31 as double) / dated_cents as account_31_plus_share,
    cast(cents_61 as double) / dated_cents as account_61_plus_share,
    cast(cents_91 as double) / dated_cents as account_91_plus_share,
    cast(cents_days as double) / dated_cents as account_mean_days_past_due
from sums
