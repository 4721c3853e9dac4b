-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, promise_states (promises, applications)
-- Broken promises on one item mostly promise the same cash again: the largest shortfall counts.
with by_item as (
    select
        as_of,
        invoice_id,
        max(case when state = 'broken' then 1 else 0 end) as is_broken,
        max(case when state = 'broken' then amount_cents - received_cents end)
            as broken_cents,
        cast(sum(case when state = 'open' then amount_cents - received_cents else 0 end)
            as bigint) as promised_cents,
        min(case when state = 'open' then datediff('day', as_of, promised_on) end)
            as days_to_promise
    from promise_states
    where invoice_id is not null
    group by as_of, invoice_id
)

select
    items.item_no,
    coalesce(by_item.is_broken, 0) as item_promise_broken,
    least(1.0, cast(coalesce(by_item.broken_cents, 0) as double) / items.balance_cents)
        as item_broken_promise_share,
    least(1.0, cast(coalesce(by_item.promised_cents, 0) as double) / items.balance_cents)
        as item_promised_share,
    by_item.days_to_promise as days_to_item_promise
from open_items as items
left join by_item
    on items.as_of = by_item.as_of
    and items.invoice_id = by_item.invoice_id
