-- grain:  one row per invoice and period in which neither its terms nor its balance changed;
--         account_no counts the accounts in the order of their ids
-- clock:  from_on <= t < until_on at every day t asked for (until_on null: still so)
-- source: invoices, due_dates, applied
with numbers as (
    select account_id, row_number() over (order by account_id) as account_no
    from (select distinct account_id from invoices) as billed
),

documents as (
    select
        invoices.invoice_id,
        invoices.account_id,
        invoices.currency,
        case
            when invoices.billing_kind = 'recurring' then 0
            when invoices.billing_kind = 'usage' then 1
            when invoices.billing_kind = 'one_off' then 2
        end as billing_kind,
        case
            when invoices.po_number_missing then 1
            when not invoices.po_number_missing then 0
        end as po_number_missing,
        case when invoices.kind = 'finance_charge' then 1 else 0 end as is_finance_charge,
        case when invoices.replaces_invoice_id is null then 0 else 1 end as is_rebilled,
        invoices.issued_on,
        case when due_dates.invoice_id is null then invoices.due_on else due_dates.due_on end
            as due_on,
        case
            when due_dates.invoice_id is null then invoices.due_on
            else due_dates.first_due_on
        end as first_due_on,
        coalesce(due_dates.due_changed, 0) as due_changed,
        cast(invoices.amount * 100 as bigint) as amount_cents,
        greatest(invoices.visible_on, coalesce(due_dates.known_from, invoices.visible_on))
            as from_on,
        least(
            coalesce(invoices.superseded_on, due_dates.known_until),
            coalesce(due_dates.known_until, invoices.superseded_on)
        ) as until_on
    from invoices
    left join due_dates
        on invoices.invoice_id = due_dates.invoice_id
    where (invoices.superseded_on is null or invoices.superseded_on > invoices.visible_on)
        and (due_dates.known_until is null or due_dates.known_until > invoices.visible_on)
        and (
            invoices.superseded_on is null
            or due_dates.known_from is null
            or due_dates.known_from < invoices.superseded_on
        )
)

select
    documents.invoice_id,
    numbers.account_no,
    documents.account_id,
    documents.currency,
    documents.billing_kind,
    documents.po_number_missing,
    documents.is_finance_charge,
    documents.is_rebilled,
    documents.issued_on,
    documents.due_on,
    documents.first_due_on,
    documents.due_changed,
    documents.amount_cents,
    documents.amount_cents - coalesce(applied.applied_cents, 0) as balance_cents,
    coalesce(applied.paid_cents, 0) as paid_cents,
    coalesce(applied.credited_cents, 0) as credited_cents,
    coalesce(applied.discounted_cents, 0) as discounted_cents,
    coalesce(applied.applied_cents, 0) as applied_cents,
    coalesce(applied.payments, 0) as payments,
    applied.last_paid_on,
    applied.changed_on,
    greatest(documents.from_on, coalesce(applied.from_on, documents.from_on)) as from_on,
    least(
        coalesce(documents.until_on, applied.until_on),
        coalesce(applied.until_on, documents.until_on)
    ) as until_on
from documents
inner join numbers
    on documents.account_id = numbers.account_id
left join applied
    on documents.invoice_id = applied.invoice_id
where (applied.until_on is null or applied.until_on > documents.from_on)
    and (
        documents.until_on is null
        or applied.from_on is null
        or applied.from_on < documents.until_on
    )
