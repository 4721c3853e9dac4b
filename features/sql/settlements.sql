-- grain:  one row per invoice and period in which the books showed it as paid
-- clock:  from_on <= t < until_on; a returned payment ends the period
-- source: invoices, applications, due_date_changes
-- Only cash, discounts taken and netting are payment behaviour: items resolved mostly by
-- credit or write-off, and items whose due date was moved, are not here.
select
    documents.account_id,
    documents.invoice_id,
    documents.issued_on,
    documents.due_on,
    documents.currency,
    documents.amount_cents,
    item_states.payments,
    item_states.last_paid_on as paid_on,
    datediff('day', documents.due_on, item_states.last_paid_on) as days_beyond_terms,
    datediff('day', documents.issued_on, item_states.last_paid_on) as days_to_pay,
    item_states.from_on,
    item_states.until_on
from item_states
inner join documents
    on item_states.invoice_id = documents.invoice_id
    and documents.from_on <= item_states.from_on
    and (documents.until_on is null or documents.until_on > item_states.from_on)
cross join settings
where (
    item_states.balance_cents <= settings.tolerance_cents
    or 20 * item_states.balance_cents < documents.amount_cents
)
and 2 * item_states.paid_cents
    > item_states.paid_cents + item_states.credited_cents + item_states.written_off_cents
and item_states.last_paid_on is not null
and documents.due_on is not null
and documents.due_changed = 0
