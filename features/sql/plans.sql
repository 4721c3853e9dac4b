-- grain:  one row per open item
-- clock:  as_of; an instalment is cancelled once both cancelled_on and its known day have come
-- source: open_items, installments
with known as (
    select
        accounts.as_of,
        accounts.account_id,
        installments.invoice_id,
        installments.due_on,
        cast(installments.amount * 100 as bigint) as amount_cents
    from (select distinct as_of, account_id from open_accounts) as accounts
    inner join installments
        on accounts.account_id = installments.account_id
        and installments.visible_on <= accounts.as_of
        and (installments.superseded_on is null or installments.superseded_on > accounts.as_of)
    where installments.cancelled_on is null
        or greatest(installments.cancelled_on, installments.cancelled_known_on) > accounts.as_of
),

by_item as (
    select
        as_of,
        invoice_id,
        sum(case when due_on >= as_of then amount_cents else 0 end) as planned_cents,
        min(case when due_on >= as_of then datediff('day', as_of, due_on) end) as days_to_next
    from known
    where invoice_id is not null
    group by as_of, invoice_id
)

select
    open_items.as_of,
    open_items.invoice_id,
    least(1.0, 1.0 * coalesce(by_item.planned_cents, 0) / open_items.balance_cents)
        as item_planned_share,
    by_item.days_to_next as days_to_installment
from open_items
left join by_item
    on open_items.as_of = by_item.as_of
    and open_items.invoice_id = by_item.invoice_id
