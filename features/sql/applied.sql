-- grain:  one row per invoice and period in which nothing more was applied to it
-- clock:  from_on <= t < until_on at every day t asked for; a null from_on is the beginning
-- source: applications, credited_sources
-- What was applied between two days asked for becomes one row, so that a single day costs one
-- aggregate per invoice. An undone application takes back what its source gave: cash from a
-- receipt, else a credit. The day of payment is the latest of cash or netting that still stands:
-- a discount is none, nor is what came back or was taken off again.
with classified as not materialized (
    select
        applications.invoice_id,
        applications.visible_on,
        applications.superseded_on,
        applications.applied_on,
        cast(applications.amount * 100 as bigint) as cents,
        applications.cause,
        coalesce(applications.source_id, '') as source_id,
        case
            when applications.cause in ('cash', 'cash_return', 'discount', 'netting') then 'paid'
            when applications.cause = 'write_off' then 'written_off'
            when applications.cause = 'unapply' and credited_sources.source_id is null then 'paid'
            else 'credited'
        end as side
    from applications
    left join credited_sources
        on applications.cause = 'unapply'
        and applications.source_id = credited_sources.source_id
        and applications.visible_on >= credited_sources.first_on
),

signed as (
    select
        invoice_id,
        visible_on as day,
        cents,
        cause,
        side,
        case when side = 'paid' and cause <> 'discount' and cents > 0 then applied_on end
            as paid_on,
        case
            when superseded_on is not null then 1
            when side = 'paid' and cents < 0 then 1
            else 0
        end as is_undone
    from classified
    where superseded_on is null or superseded_on > visible_on
    union all
    select
        invoice_id,
        superseded_on as day,
        -cents as cents,
        cause,
        side,
        cast(null as date) as paid_on,
        1 as is_undone
    from classified
    where superseded_on > visible_on
),

dated as not materialized (
    select
        signed.invoice_id,
        signed.day,
        calendar.shown_on,
        signed.cents,
        signed.cause,
        signed.side,
        signed.paid_on,
        signed.is_undone
    from signed
    cross join settings
    inner join calendar
        on calendar.day = greatest(signed.day, settings.first_on)
),

totals as (
    select
        invoice_id,
        min(shown_on) as first_shown_on,
        max(shown_on) as last_shown_on,
        max(is_undone) as is_undone,
        cast(sum(cents) as bigint) as cents,
        cast(sum(case when side = 'paid' then cents else 0 end) as bigint) as paid,
        cast(sum(case when side = 'credited' then cents else 0 end) as bigint) as credited,
        cast(sum(case when cause = 'discount' then cents else 0 end) as bigint) as discounted,
        cast(sum(case
            when side = 'paid' and cause in ('cash', 'cash_return', 'unapply')
            then case when cents > 0 then 1 else -1 end
            else 0
        end) as integer) as payments,
        max(paid_on) as paid_on,
        max(day) as changed_on
    from dated
    group by invoice_id
),

-- most invoices move between two days asked for and never again: the others need a history
moves as (
    select
        dated.invoice_id,
        dated.shown_on,
        cast(sum(cents) as bigint) as cents,
        cast(sum(case when side = 'paid' then cents else 0 end) as bigint) as paid,
        cast(sum(case when side = 'credited' then cents else 0 end) as bigint) as credited,
        cast(sum(case when cause = 'discount' then cents else 0 end) as bigint) as discounted,
        cast(sum(case
            when side = 'paid' and cause in ('cash', 'cash_return', 'unapply')
            then case when cents > 0 then 1 else -1 end
            else 0
        end) as integer) as payments,
        max(paid_on) as paid_on,
        max(day) as changed_on,
        max(repeated.is_undone) as is_undone
    from dated
    inner join (
        select invoice_id as repeated_id, is_undone
        from totals
        where first_shown_on < last_shown_on or is_undone = 1
    ) as repeated
        on dated.invoice_id = repeated.repeated_id
    group by dated.invoice_id, dated.shown_on
),

periods as (
    select
        invoice_id,
        shown_on as from_on,
        lead(shown_on) over (partition by invoice_id order by shown_on) as until_on,
        max(changed_on) over running as changed_on,
        cast(sum(cents) over running as bigint) as applied_cents,
        cast(sum(paid) over running as bigint) as paid_cents,
        cast(sum(credited) over running as bigint) as credited_cents,
        cast(sum(discounted) over running as bigint) as discounted_cents,
        cast(sum(payments) over running as integer) as payments,
        max(paid_on) over running as last_paid_on,
        is_undone
    from moves
    window running as (
        partition by invoice_id order by shown_on
        rows between unbounded preceding and current row
    )
),

-- what was undone or restated is a day of payment until the books show that: few invoices
standing as (
    select
        periods.invoice_id,
        periods.from_on,
        classified.source_id,
        max(case when classified.cents > 0 then classified.applied_on end) as paid_on,
        sum(classified.cents) as cents
    from periods
    inner join classified
        on periods.invoice_id = classified.invoice_id
        and periods.is_undone = 1
        and classified.side = 'paid'
        and classified.cause <> 'discount'
        and classified.visible_on <= periods.from_on
        and (classified.superseded_on is null or classified.superseded_on > periods.from_on)
    group by periods.invoice_id, periods.from_on, classified.source_id
),

stood as (
    select invoice_id, from_on, max(paid_on) as paid_on
    from standing
    where cents > 0
    group by invoice_id, from_on
)

select
    invoice_id,
    first_shown_on as from_on,
    cast(null as date) as until_on,
    changed_on,
    cents as applied_cents,
    paid as paid_cents,
    credited as credited_cents,
    discounted as discounted_cents,
    payments,
    paid_on as last_paid_on
from totals
where first_shown_on = last_shown_on and is_undone = 0
union all
select
    periods.invoice_id,
    periods.from_on,
    periods.until_on,
    periods.changed_on,
    periods.applied_cents,
    periods.paid_cents,
    periods.credited_cents,
    periods.discounted_cents,
    periods.payments,
    case when periods.is_undone = 1 then stood.paid_on else periods.last_paid_on end
        as last_paid_on
from periods
left join stood
    on periods.invoice_id = stood.invoice_id
    and periods.from_on = stood.from_on
union all
select
    totals.invoice_id,
    cast(null as date) as from_on,
    totals.first_shown_on as until_on,
    cast(null as date) as changed_on,
    cast(0 as bigint) as applied_cents,
    cast(0 as bigint) as paid_cents,
    cast(0 as bigint) as credited_cents,
    cast(0 as bigint) as discounted_cents,
    0 as payments,
    cast(null as date) as last_paid_on
from totals
cross join settings
where totals.first_shown_on > settings.first_on
