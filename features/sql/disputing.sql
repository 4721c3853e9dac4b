-- grain:  one row per as-of date, account and currency
-- clock:  as_of
-- source: open_accounts, open_items, known_disputes, billing (disputes, invoices)
-- Rates and states only: how often disputes are raised depends on how often we call.
with raised as (
    select
        disputes.as_of,
        disputes.account_no,
        disputes.currency,
        cast(sum(case
            when disputes.is_open = 0 then 0
            when disputes.invoice_id is null then disputes.amount_cents
            else least(disputes.amount_cents, coalesce(open_items.balance_cents, 0))
        end) as bigint) as open_cents,
        cast(sum(case when disputes.opened_ago < 365 then disputes.amount_cents else 0 end)
            as bigint) as cents_365
    from known_disputes as disputes
    left join open_items
        on disputes.as_of = open_items.as_of
        and disputes.invoice_id = open_items.invoice_id
    group by disputes.as_of, disputes.account_no, disputes.currency
),

settled as (
    select
        as_of,
        account_no,
        cast(count(days_to_close) as bigint) as closed,
        cast(sum(days_to_close) as bigint) as days
    from known_disputes
    group by as_of, account_no
)

select
    accounts.as_of,
    accounts.account_no,
    accounts.currency,
    least(1.0, cast(coalesce(raised.open_cents, 0) as double) / accounts.balance_cents)
        as account_disputed_share,
    cast(coalesce(raised.cents_365, 0) as double) / nullif(billing.billed_cents_365, 0)
        as disputed_share_of_billing_365,
    cast(settled.days as double) / nullif(settled.closed, 0) as dispute_days_to_close
from open_accounts as accounts
left join raised
    on accounts.as_of = raised.as_of
    and accounts.account_no = raised.account_no
    and accounts.currency = raised.currency
left join billing
    on accounts.as_of = billing.as_of
    and accounts.account_no = billing.account_no
    and accounts.currency = billing.currency
left join settled
    on accounts.as_of = settled.as_of
    and accounts.account_no = settled.account_no
