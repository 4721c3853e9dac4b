-- grain:  one row per as-of date, account and currency that has an open item
-- clock:  as open_items
-- source: open_items
select
    as_of,
    account_no,
    account_id,
    currency,
    cast(count(*) as bigint) as items,
    cast(sum(balance_cents) as bigint) as balance_cents,
    cast(sum(case when due_on is not null then balance_cents else 0 end) as bigint)
        as dated_cents,
    cast(sum(case when days_past_due > 0 then balance_cents else 0 end) as bigint)
        as past_due_cents
from open_items
group by as_of, account_no, account_id, currency
