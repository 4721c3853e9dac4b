-- grain:  one row per as-of date, account and currency
-- clock:  as_of
-- source: open_items
select
    as_of,
    account_no,
    currency,
    cast(sum(balance_cents) as double) / 100 as account_balance,
    cast(count(*) as bigint) as account_open_items,
    cast(count(*) filter (where days_past_due > 0) as bigint) as account_past_due_items,
    cast(count(*) filter (where days_past_due > 30) as bigint) as account_31_plus_items,
    cast(count(*) filter (where days_past_due > 60) as bigint) as account_61_plus_items,
    cast(count(*) filter (where days_past_due > 90) as bigint) as account_91_plus_items,
    max(days_past_due) as account_oldest_days_past_due,
    min(days_past_due) as account_youngest_days_past_due,
    cast(sum(case when days_past_due > 0 then balance_cents else 0 end) as double)
        / sum(balance_cents) as account_past_due_share,
    cast(sum(case when days_past_due > 30 then balance_cents else 0 end) as double)
        / sum(balance_cents) as account_31_plus_share,
    cast(sum(case when days_past_due > 60 then balance_cents else 0 end) as double)
        / sum(balance_cents) as account_61_plus_share,
    cast(sum(case when days_past_due > 90 then balance_cents else 0 end) as double)
        / sum(balance_cents) as account_91_plus_share,
    cast(sum(case when due_on is not null then balance_cents * days_past_due end) as double)
        / sum(case when due_on is not null then balance_cents end)
        as account_mean_days_past_due,
    cast(max(balance_cents) as double) / sum(balance_cents) as largest_item_share
from open_items
group by as_of, account_no, currency
