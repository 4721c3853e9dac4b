-- grain:  one row per as-of date, account and currency
-- clock:  as_of
-- source: open_items
select
    as_of,
    account_id,
    currency,
    cast(count(*) as bigint) as account_open_items,
    cast(count(*) filter (days_past_due > 0) as bigint) as account_past_due_items,
    max(days_past_due) as account_oldest_days_past_due,
    min(days_past_due) as account_youngest_days_past_due,
    1.0 * sum(case when days_past_due > 0 then balance_cents else 0 end) / sum(balance_cents)
        as account_past_due_share,
    1.0 * sum(case when days_past_due > 30 then balance_cents else 0 end) / sum(balance_cents)
        as account_31_plus_share,
    1.0 * sum(case when days_past_due > 60 then balance_cents else 0 end) / sum(balance_cents)
        as account_61_plus_share,
    1.0 * sum(case when days_past_due > 90 then balance_cents else 0 end) / sum(balance_cents)
        as account_91_plus_share,
    1.0 * sum(balance_cents * days_past_due) / sum(balance_cents) as account_mean_days_past_due
from open_items
where due_on is not null
group by as_of, account_id, currency
