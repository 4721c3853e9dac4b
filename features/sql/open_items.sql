-- grain:  one row per as-of date and open item
-- clock:  everything as the books showed it by the end of as_of
-- source: invoices, applications, due_date_changes
select
    as_of_dates.as_of,
    documents.invoice_id,
    documents.account_id,
    documents.currency,
    documents.kind,
    documents.billing_kind,
    documents.replaces_invoice_id,
    documents.po_number_missing,
    documents.issued_on,
    documents.due_on,
    documents.first_due_on,
    documents.due_changed,
    documents.terms_days,
    documents.amount_cents,
    item_states.balance_cents,
    item_states.paid_cents,
    item_states.credited_cents,
    item_states.payments,
    item_states.last_paid_on,
    datediff('day', documents.due_on, as_of_dates.as_of) as days_past_due,
    datediff('day', documents.issued_on, as_of_dates.as_of) as age_days,
    case
        when 20 * item_states.balance_cents < documents.amount_cents then 1
        else 0
    end as residual
from as_of_dates
inner join item_states
    on item_states.from_on <= as_of_dates.as_of
    and (item_states.until_on is null or item_states.until_on > as_of_dates.as_of)
inner join documents
    on item_states.invoice_id = documents.invoice_id
    and documents.from_on <= as_of_dates.as_of
    and (documents.until_on is null or documents.until_on > as_of_dates.as_of)
cross join settings
where item_states.balance_cents > settings.tolerance_cents
