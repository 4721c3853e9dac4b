-- grain:  one row per invoice and period in which it was owed and nothing about it changed
-- clock:  from_on <= t < until_on at every day t asked for (until_on null: still so)
-- source: item_states (invoices, applications, credits, due_date_changes)
select
    states.account_no,
    states.account_id,
    states.invoice_id,
    states.currency,
    states.is_finance_charge,
    states.billing_kind,
    states.is_rebilled,
    states.po_number_missing,
    states.issued_on,
    states.due_on,
    states.first_due_on,
    states.due_changed,
    states.amount_cents,
    states.balance_cents,
    states.paid_cents,
    states.credited_cents,
    states.payments,
    states.last_paid_on,
    states.from_on,
    states.until_on
from item_states as states
cross join settings
where states.balance_cents > settings.tolerance_cents
