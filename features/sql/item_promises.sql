-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, promise_states (promises, applications)
-- Broken promises on one item mostly promise the same cash again: the largest shortfall counts.
with of_items as (
    select
        items.item_no,
        max(case when promises.state = 'broken' then 1 else 0 end) as is_broken,
        max(case
            when promises.state = 'broken' then promises.amount_cents - promises.received_cents
        end) as broken_cents,
        cast(sum(case
            when promises.state = 'open' then promises.amount_cents - promises.received_cents
            else 0
        end) as bigint) as promised_cents,
        min(case
            when promises.state = 'open'
            then datediff('day', promises.as_of, promises.promised_on)
        end) as days_to_promise
    from open_items as items
    inner join promise_states as promises
        on items.as_of = promises.as_of
        and items.invoice_id = promises.invoice_id
    group by items.item_no
)

select
    items.item_no,
    coalesce(of_items.is_broken, 0) as item_promise_broken,
    least(1.0, cast(coalesce(of_items.broken_cents, 0) as double) / items.balance_cents)
        as item_broken_promise_share,
    least(1.0, cast(coalesce(of_items.promised_cents, 0) as double) / items.balance_cents)
        as item_promised_share,
    of_items.days_to_promise as days_to_item_promise
from open_items as items
left join of_items
    on items.item_no = of_items.item_no
