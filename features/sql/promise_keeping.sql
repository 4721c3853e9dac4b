-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, promise_states (promises, applications, receipts, receipt_returns)
-- The rate kept is shrunk towards one half by two notional promises; counts alone are not
-- features, since promises are partly made by contacts.
with by_account as (
    select
        as_of,
        account_id,
        cast(count(*) filter (state = 'kept') as bigint) as kept,
        cast(count(*) filter (state = 'broken') as bigint) as broken,
        min(datediff('day', promised_on, as_of)) filter (state = 'broken') as days_since_broken
    from promise_states
    group by as_of, account_id
),

by_item as (
    select
        as_of,
        invoice_id,
        max(case when state = 'broken' then 1 else 0 end) as is_broken,
        sum(case when state = 'open' then amount_cents - received_cents else 0 end)
            as promised_cents,
        min(case when state = 'open' then datediff('day', as_of, promised_on) end)
            as days_to_promise
    from promise_states
    where invoice_id is not null
    group by as_of, invoice_id
)

select
    open_items.as_of,
    open_items.invoice_id,
    (1.0 * coalesce(by_account.kept, 0) + 1)
        / (coalesce(by_account.kept, 0) + coalesce(by_account.broken, 0) + 2)
        as promise_kept_rate,
    by_account.days_since_broken as days_since_broken_promise,
    coalesce(by_item.is_broken, 0) as item_promise_broken,
    least(1.0, 1.0 * coalesce(by_item.promised_cents, 0) / open_items.balance_cents)
        as item_promised_share,
    by_item.days_to_promise as days_to_item_promise
from open_items
left join by_account
    on open_items.as_of = by_account.as_of
    and open_items.account_id = by_account.account_id
left join by_item
    on open_items.as_of = by_item.as_of
    and open_items.invoice_id = by_item.invoice_id
