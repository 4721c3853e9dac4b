-- grain:  one row per as-of date and open item; item_no counts them in the order of the output,
--         account_no their accounts
-- clock:  everything as the books showed it by the end of as_of
-- source: item_states (invoices, applications, credits, due_date_changes)
with found as (
    select
        as_of_dates.as_of,
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
        states.last_paid_on
    from as_of_dates
    inner join item_states as states
        on states.from_on <= as_of_dates.as_of
        and (states.until_on is null or states.until_on > as_of_dates.as_of)
    cross join settings
    where states.balance_cents > settings.tolerance_cents
),

numbered as (
    select account_id, row_number() over (order by account_id) as account_no
    from (select distinct account_id from found) as accounts
)

select
    row_number() over (
        order by found.as_of, numbered.account_no, found.invoice_id
    ) as item_no,
    found.as_of,
    numbered.account_no,
    found.account_id,
    found.invoice_id,
    found.currency,
    found.is_finance_charge,
    found.billing_kind,
    found.is_rebilled,
    found.po_number_missing,
    found.issued_on,
    found.due_on,
    found.first_due_on,
    found.due_changed,
    found.amount_cents,
    found.balance_cents,
    found.paid_cents,
    found.credited_cents,
    found.payments,
    found.last_paid_on,
    datediff('day', found.due_on, found.as_of) as days_past_due,
    datediff('day', found.issued_on, found.as_of) as age_days,
    case when 20 * found.balance_cents < found.amount_cents then 1 else 0 end as residual
from found
inner join numbered
    on found.account_id = numbered.account_id
