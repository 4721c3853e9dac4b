-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, open_accounts, plan_states (installments, applications, credits)
-- What was missed is what instalments overdue beyond the grace lack of cash since the plan was
-- agreed. A plan that names no item is on all open items of its account and currency, on each by
-- its share of what is open.
with by_item as (
    select
        as_of,
        invoice_id,
        cast(sum(upcoming_cents) as bigint) as upcoming_cents,
        cast(sum(missed_cents) as bigint) as missed_cents,
        min(next_due_on) as next_due_on
    from plan_states
    where invoice_id is not null
    group by as_of, invoice_id
),

by_account as (
    select
        as_of,
        account_id,
        currency,
        cast(sum(upcoming_cents) as bigint) as upcoming_cents,
        cast(sum(missed_cents) as bigint) as missed_cents,
        min(next_due_on) as next_due_on
    from plan_states
    where invoice_id is null
    group by as_of, account_id, currency
),

shares as (
    select
        accounts.as_of,
        accounts.account_no,
        accounts.currency,
        cast(by_account.upcoming_cents as double) / accounts.balance_cents as upcoming,
        cast(by_account.missed_cents as double) / accounts.balance_cents as missed,
        by_account.next_due_on
    from open_accounts as accounts
    inner join by_account
        on accounts.as_of = by_account.as_of
        and accounts.account_id = by_account.account_id
        and accounts.currency = by_account.currency
)

select
    items.item_no,
    least(
        1.0,
        cast(coalesce(by_item.upcoming_cents, 0) as double) / items.balance_cents
            + coalesce(shares.upcoming, 0.0)
    ) as item_planned_share,
    least(
        1.0,
        cast(coalesce(by_item.missed_cents, 0) as double) / items.balance_cents
            + coalesce(shares.missed, 0.0)
    ) as item_missed_installment_share,
    datediff('day', items.as_of, least(by_item.next_due_on, shares.next_due_on))
        as days_to_installment
from open_items as items
left join by_item
    on items.as_of = by_item.as_of
    and items.invoice_id = by_item.invoice_id
left join shares
    on items.as_of = shares.as_of
    and items.account_no = shares.account_no
    and items.currency = shares.currency
