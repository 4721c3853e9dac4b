-- grain:  one row per application of cash to an invoice of an account that ever had a plan
-- clock:  visible_on and superseded_on of the application
-- source: applications, invoices, installments, credited_sources
-- The currency is the invoice's; credit that was undone is no cash.
with currencies as (
    select invoices.invoice_id, max(invoices.currency) as currency
    from invoices
    inner join (select distinct account_id from installments) as planning
        on invoices.account_id = planning.account_id
    group by invoices.invoice_id
)

select
    applications.account_id,
    applications.invoice_id,
    currencies.currency,
    applications.applied_on,
    applications.visible_on,
    applications.superseded_on,
    cast(applications.amount * 100 as bigint) as cents
from applications
inner join currencies
    on applications.invoice_id = currencies.invoice_id
left join credited_sources
    on applications.cause = 'unapply'
    and applications.source_id = credited_sources.source_id
    and applications.visible_on >= credited_sources.first_on
where applications.cause in ('cash', 'cash_return', 'unapply')
    and credited_sources.source_id is null
