-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, applications
with restored as (
    select
        open_items.item_no,
        cast(count(*) as bigint) as returned_payments,
        min(datediff('day', applications.applied_on, open_items.as_of)) as days_since
    from open_items
    inner join applications
        on open_items.invoice_id = applications.invoice_id
        and applications.cause = 'cash_return'
        and applications.visible_on <= open_items.as_of
        and (
            applications.superseded_on is null
            or applications.superseded_on > open_items.as_of
        )
    group by open_items.item_no
)

select
    open_items.item_no,
    coalesce(restored.returned_payments, 0) as item_returned_payments,
    restored.days_since as days_since_item_return
from open_items
left join restored
    on open_items.item_no = restored.item_no
