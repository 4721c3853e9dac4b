-- grain:  one row per open item
-- clock:  as_of; billing windows by issue date
-- source: open_items, documents (invoices, due_date_changes)
with billing as (
    select
        accounts.as_of,
        accounts.account_id,
        accounts.currency,
        sum(documents.amount_cents) filter (
            datediff('day', documents.issued_on, accounts.as_of) < 90
        ) as billed_90,
        sum(documents.amount_cents) filter (
            datediff('day', documents.issued_on, accounts.as_of) < 365
        ) as billed_365,
        median(documents.amount_cents) filter (
            datediff('day', documents.issued_on, accounts.as_of) < 365
        ) as median_365,
        cast(count(*) filter (
            datediff('day', documents.issued_on, accounts.as_of) < 365
        ) as bigint) as invoices_365,
        min(datediff('day', documents.issued_on, accounts.as_of)) as days_since_invoice,
        max(datediff('day', documents.issued_on, accounts.as_of)) as days_since_first_invoice,
        cast(count(*) filter (
            documents.due_on <= accounts.as_of
            and datediff('day', documents.due_on, accounts.as_of) < 60
        ) as bigint) as due_items_60
    from open_accounts as accounts
    inner join documents
        on accounts.account_id = documents.account_id
        and accounts.currency = documents.currency
        and documents.from_on <= accounts.as_of
        and (documents.until_on is null or documents.until_on > accounts.as_of)
    group by accounts.as_of, accounts.account_id, accounts.currency
),

open_due as (
    select
        as_of,
        account_id,
        currency,
        cast(count(*) filter (days_past_due >= 0 and days_past_due < 60) as bigint)
            as open_due_items_60
    from open_items
    group by as_of, account_id, currency
)

select
    open_items.as_of,
    open_items.invoice_id,
    accounts.balance_cents / 100.0 as account_balance,
    1.0 * open_items.balance_cents / accounts.balance_cents as item_share_of_account,
    1.0 * accounts.balance_cents / nullif(billing.billed_365, 0)
        * least(billing.days_since_first_invoice + 1, 365) as account_days_of_sales,
    (1.0 * billing.billed_90 / least(billing.days_since_first_invoice + 1, 90))
        / nullif(1.0 * billing.billed_365 / least(billing.days_since_first_invoice + 1, 365), 0)
        as billing_trend,
    1.0 * open_items.amount_cents / nullif(billing.median_365, 0) as amount_against_usual,
    billing.invoices_365,
    billing.days_since_invoice,
    1.0 * open_due.open_due_items_60 / nullif(billing.due_items_60, 0) as open_share_due_60,
    billing.days_since_first_invoice as relationship_days
from open_items
inner join open_accounts as accounts
    on open_items.as_of = accounts.as_of
    and open_items.account_id = accounts.account_id
    and open_items.currency = accounts.currency
inner join billing
    on open_items.as_of = billing.as_of
    and open_items.account_id = billing.account_id
    and open_items.currency = billing.currency
inner join open_due
    on open_items.as_of = open_due.as_of
    and open_items.account_id = open_due.account_id
    and open_items.currency = open_due.currency
