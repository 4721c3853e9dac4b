-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, known_disputes (disputes)
with by_item as (
    select
        as_of,
        invoice_id,
        cast(sum(case when is_open = 1 then amount_cents else 0 end) as bigint)
            as disputed_cents,
        max(case when is_open = 1 then opened_ago end) as open_days,
        max(case when is_open = 0 then 1 else 0 end) as was_disputed
    from known_disputes
    where invoice_id is not null
    group by as_of, invoice_id
)

select
    items.item_no,
    least(1.0, cast(coalesce(by_item.disputed_cents, 0) as double) / items.balance_cents)
        as item_disputed_share,
    by_item.open_days as item_dispute_days,
    coalesce(by_item.was_disputed, 0) as item_was_disputed
from open_items as items
left join by_item
    on items.as_of = by_item.as_of
    and items.invoice_id = by_item.invoice_id
