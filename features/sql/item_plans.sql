-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, plan_states (installments, applications, credits)
-- What was missed is what instalments overdue beyond the grace lack of cash since the plan was
-- agreed.
with by_item as (
    select
        as_of,
        invoice_id,
        cast(sum(upcoming_cents) as bigint) as upcoming_cents,
        cast(sum(missed_cents) as bigint) as missed_cents,
        min(datediff('day', as_of, next_due_on)) as days_to_next
    from plan_states
    where invoice_id is not null
    group by as_of, invoice_id
)

select
    items.item_no,
    least(1.0, cast(coalesce(by_item.upcoming_cents, 0) as double) / items.balance_cents)
        as item_planned_share,
    least(1.0, cast(coalesce(by_item.missed_cents, 0) as double) / items.balance_cents)
        as item_missed_installment_share,
    by_item.days_to_next as days_to_installment
from open_items as items
left join by_item
    on items.as_of = by_item.as_of
    and items.invoice_id = by_item.invoice_id
