-- grain:  one row per application of cash to an invoice of an account that ever had a plan, and
--         version of the invoice that stood meanwhile
-- clock:  visible_on and superseded_on: while the books showed both
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
)

select
    cash.account_id,
    cash.invoice_id,
    invoices.currency,
    cash.applied_on,
    greatest(cash.visible_on, invoices.visible_on) as visible_on,
    least(cash.superseded_on, invoices.superseded_on) as superseded_on,
    cash.cents
from cash
inner join invoices
    on cash.invoice_id = invoices.invoice_id
where least(cash.superseded_on, invoices.superseded_on) is null
    or least(cash.superseded_on, invoices.superseded_on)
        > greatest(cash.visible_on, invoices.visible_on)
