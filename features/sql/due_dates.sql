-- grain:  one row per invoice whose due date is not simply its own, and period of that due date
-- clock:  known_from <= t < known_until; nulls are the beginning and the end
-- source: invoices, due_date_changes
-- A due date that was moved, and the first one of an invoice that was restated or re-billed: a
-- re-billed invoice inherits the due date of the one it replaces (two generations back), where the
-- books showed that one by then.
with concerned as (
    select invoice_id from invoices where superseded_on is not null
    union
    select invoice_id from invoices where replaces_invoice_id is not null
    union
    select replaces_invoice_id as invoice_id from invoices where replaces_invoice_id is not null
    union
    select invoice_id from due_date_changes
),

first_versions as (
    select invoice_id, due_on, replaces_invoice_id, visible_on
    from (
        select
            invoices.invoice_id,
            invoices.due_on,
            invoices.replaces_invoice_id,
            invoices.visible_on,
            row_number() over (
                partition by invoices.invoice_id order by invoices.known_on
            ) as version
        from invoices
        inner join concerned
            on invoices.invoice_id = concerned.invoice_id
        where invoices.superseded_on is null or invoices.superseded_on > invoices.visible_on
    ) as versions
    where version = 1
),

first_due as (
    select
        own.invoice_id,
        coalesce(older.due_on, old.due_on, own.due_on) as due_on
    from first_versions as own
    left join first_versions as old
        on own.replaces_invoice_id = old.invoice_id
        and old.visible_on <= own.visible_on
    left join first_versions as older
        on old.replaces_invoice_id = older.invoice_id
        and older.visible_on <= own.visible_on
),

shown as (
    select invoice_id, due_on, cast(null as date) as known_from, 0 as change
    from first_due
    union all
    select invoice_id, due_on, known_on as known_from, 1 as change
    from due_date_changes
    where superseded_on is null or superseded_on > visible_on
)

select
    shown.invoice_id,
    shown.due_on,
    first_due.due_on as first_due_on,
    shown.change as due_changed,
    shown.known_from,
    lead(shown.known_from) over (
        partition by shown.invoice_id order by shown.change, shown.known_from
    ) as known_until
from shown
inner join first_due
    on shown.invoice_id = first_due.invoice_id
