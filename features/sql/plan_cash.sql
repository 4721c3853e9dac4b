-- grain:  one row per application of cash to an invoice of an account that ever had a plan
-- clock:  visible_on and superseded_on of the application
-- source: applications, invoices, installments, credited_sources
-- Cash since the account's first plan was agreed. The currency is the invoice's; credit that was
-- undone is no cash.
with agreed as (
    select account_id, min(agreed_on) as first_on
    from installments
    group by account_id
),

cash as (
    select
        applications.account_id,
        applications.invoice_id,
        applications.applied_on,
        applications.visible_on,
        applications.superseded_on,
        cast(applications.amount * 100 as bigint) as cents
    from applications
    inner join agreed
        on applications.account_id = agreed.account_id
        and applications.applied_on >= agreed.first_on
    left join credited_sources
        on applications.cause = 'unapply'
        and applications.source_id = credited_sources.source_id
        and applications.visible_on >= credited_sources.first_on
    where applications.cause in ('cash', 'cash_return', 'unapply')
        and credited_sources.source_id is null
),

currencies as (
    select invoices.invoice_id, max(invoices.currency) as currency
    from invoices
    inner join agreed
        on invoices.account_id = agreed.account_id
    group by invoices.invoice_id
)

select
    cash.account_id,
    cash.invoice_id,
    currencies.currency,
    cash.applied_on,
    cash.visible_on,
    cash.superseded_on,
    cash.cents
from cash
inner join currencies
    on cash.invoice_id = currencies.invoice_id
