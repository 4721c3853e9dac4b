-- grain:  one row per invoice and version of its due date
-- clock:  from_on <= t < until_on, as in item_states
-- source: invoices, due_date_changes
-- A re-billed invoice inherits the due date of the one it replaces (two generations back).
with versions as (
    select
        invoice_id,
        account_id,
        kind,
        billing_kind,
        replaces_invoice_id,
        po_number_missing,
        issued_on,
        due_on,
        amount,
        currency,
        terms_days,
        visible_on,
        superseded_on,
        row_number() over (partition by invoice_id order by known_on) as version
    from invoices
    where superseded_on is null or superseded_on > visible_on
),

first_due as (
    select
        own.invoice_id,
        coalesce(older.due_on, old.due_on, own.due_on) as due_on
    from versions as own
    left join versions as old
        on own.replaces_invoice_id = old.invoice_id and old.version = 1
    left join versions as older
        on old.replaces_invoice_id = older.invoice_id and older.version = 1
    where own.version = 1
),

due_dates as (
    select invoice_id, due_on, cast(null as date) as known_on, 0 as change
    from first_due
    union all
    select invoice_id, due_on, known_on, 1 as change
    from due_date_changes
    where superseded_on is null or superseded_on > visible_on
),

due_periods as (
    select
        invoice_id,
        due_on,
        known_on as known_from,
        lead(known_on) over (partition by invoice_id order by change, known_on) as known_until,
        change
    from due_dates
)

select
    versions.invoice_id,
    versions.account_id,
    versions.kind,
    versions.billing_kind,
    versions.replaces_invoice_id,
    versions.po_number_missing,
    versions.issued_on,
    due_periods.due_on,
    first_due.due_on as first_due_on,
    due_periods.change as due_changed,
    cast(versions.amount * 100 as bigint) as amount_cents,
    versions.currency,
    versions.terms_days,
    greatest(versions.visible_on, coalesce(due_periods.known_from, versions.visible_on)) as from_on,
    least(
        coalesce(versions.superseded_on, due_periods.known_until),
        coalesce(due_periods.known_until, versions.superseded_on)
    ) as until_on
from versions
inner join first_due
    on versions.invoice_id = first_due.invoice_id
inner join due_periods
    on versions.invoice_id = due_periods.invoice_id
where (due_periods.known_until is null or due_periods.known_until > versions.visible_on)
    and (
        versions.superseded_on is null
        or due_periods.known_from is null
        or due_periods.known_from < versions.superseded_on
    )
