-- grain:  one row per as-of date and open item; item_no counts them in the order of the output
-- clock:  everything as the books showed it by the end of as_of
-- source: debts (invoices, applications, credits, due_date_changes)
-- Items are numbered by what orders them alone, and described after that: a sort of whole rows
-- takes half as long again.
with shown as (
    select as_of_dates.as_of, debts.account_no, debts.invoice_id, debts.from_on
    from as_of_dates
    inner join debts
        on debts.from_on <= as_of_dates.as_of
        and (debts.until_on is null or debts.until_on > as_of_dates.as_of)
),

numbered as (
    select
        as_of,
        invoice_id,
        from_on,
        row_number() over (order by as_of, account_no, invoice_id) as item_no
    from shown
)

select
    numbered.item_no,
    numbered.as_of,
    debts.account_no,
    debts.account_id,
    debts.invoice_id,
    debts.currency,
    debts.is_finance_charge,
    debts.billing_kind,
    debts.is_rebilled,
    debts.po_number_missing,
    debts.issued_on,
    debts.due_on,
    debts.first_due_on,
    debts.due_changed,
    debts.amount_cents,
    debts.balance_cents,
    debts.paid_cents,
    debts.credited_cents,
    debts.payments,
    debts.last_paid_on,
    datediff('day', debts.due_on, numbered.as_of) as days_past_due,
    datediff('day', debts.issued_on, numbered.as_of) as age_days,
    case when 20 * debts.balance_cents < debts.amount_cents then 1 else 0 end as residual
from numbered
inner join debts
    on numbered.invoice_id = debts.invoice_id
    and numbered.from_on = debts.from_on
