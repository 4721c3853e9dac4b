-- grain:  one row per open item and horizon
-- clock:  business date up to as_of + horizon, known by as_of + horizon + the maturity lag,
--         and not yet shown at as_of; cash reversed by then never counted
-- source: open_items, invoices, applications, credited_sources, due_date_changes
-- Judged against the balance and the due date known at as_of. A row that was shown at as_of and
-- restated since is taken back in full and counted anew; a restated invoice amount is no payment
-- and counts with the credits.
with windows as (
    select
        as_of_dates.as_of,
        horizons.horizon_days,
        cast(as_of_dates.as_of + horizons.horizon_days * interval 1 day as date) as horizon_on,
        cast(
            as_of_dates.as_of
            + (horizons.horizon_days + maturity.maturity_lag_days) * interval 1 day as date
        ) as judged_on,
        maturity.known_through
    from as_of_dates
    cross join horizons
    cross join maturity
),

items as (
    select
        open_items.as_of,
        open_items.invoice_id,
        open_items.due_on,
        open_items.balance_cents,
        windows.horizon_days,
        windows.horizon_on,
        windows.judged_on,
        windows.known_through
    from open_items
    inner join windows
        on open_items.as_of = windows.as_of
),

later as (
    select
        items.as_of,
        items.invoice_id,
        items.horizon_days,
        items.horizon_on,
        applications.source_id,
        applications.applied_on,
        case when applications.visible_on > items.as_of then 1 else -1 end
            * cast(applications.amount * 100 as bigint) as cents,
        case
            when applications.cause in ('cash', 'cash_return', 'discount', 'netting') then 'paid'
            when applications.cause = 'write_off' then 'written_off'
            when applications.cause = 'unapply' and credited_sources.source_id is null then 'paid'
            else 'credited'
        end as side
    from items
    inner join applications
        on items.invoice_id = applications.invoice_id
        and (
            (
                applications.visible_on > items.as_of
                and applications.known_on <= items.judged_on
                and applications.applied_on <= items.judged_on
                and (
                    applications.superseded_on is null
                    or applications.superseded_on > items.judged_on
                )
            )
            or (
                applications.visible_on <= items.as_of
                and applications.superseded_on > items.as_of
                and applications.superseded_on <= items.judged_on
            )
        )
    left join credited_sources
        on applications.cause = 'unapply'
        and applications.source_id = credited_sources.source_id
        and applications.visible_on >= credited_sources.first_on
),

restated as (
    select invoice_id, visible_on as day, -amount as amount
    from invoices
    where invoice_id in (select invoice_id from invoices where superseded_on is not null)
        and (superseded_on is null or superseded_on > visible_on)
    union all
    select invoice_id, superseded_on as day, amount
    from invoices
    where superseded_on > visible_on
),

-- what a source gave by the horizon counts less what it took back until judged_on, at least 0
by_source as (
    select
        as_of,
        invoice_id,
        horizon_days,
        coalesce(max(case when cents > 0 then side end), max(side)) as side,
        sum(case when applied_on <= horizon_on then cents else 0 end) as given,
        sum(case when applied_on > horizon_on then cents else 0 end) as changed
    from later
    group by as_of, invoice_id, horizon_days, coalesce(source_id, side)
),

counted as (
    select
        as_of,
        invoice_id,
        horizon_days,
        side,
        given + greatest(least(changed, 0), -greatest(given, 0)) as cents
    from by_source
    union all
    select
        items.as_of,
        items.invoice_id,
        items.horizon_days,
        'credited' as side,
        cast(restated.amount * 100 as bigint) as cents
    from items
    inner join restated
        on items.invoice_id = restated.invoice_id
        and restated.day > items.as_of
        and restated.day <= items.horizon_on
),

movements as (
    select
        as_of,
        invoice_id,
        horizon_days,
        sum(cents) as cents,
        sum(case when side = 'paid' then cents else 0 end) as paid,
        sum(case when side = 'credited' then cents else 0 end) as credited,
        sum(case when side = 'written_off' then cents else 0 end) as written_off
    from counted
    group by as_of, invoice_id, horizon_days
),

extensions as (
    select items.as_of, items.invoice_id, items.horizon_days, count(*) as changes
    from items
    inner join due_date_changes
        on items.invoice_id = due_date_changes.invoice_id
        and due_date_changes.visible_on > items.as_of
        and due_date_changes.known_on <= items.horizon_on
        and due_date_changes.due_on > items.due_on
    group by items.as_of, items.invoice_id, items.horizon_days
),

judged as (
    select
        items.as_of,
        items.invoice_id,
        items.horizon_days,
        items.balance_cents,
        greatest(items.balance_cents - coalesce(movements.cents, 0), 0) as remaining_cents,
        case
            when items.judged_on > items.known_through then 'unknown'
            when items.balance_cents - coalesce(movements.cents, 0) > settings.tolerance_cents
                and 20 * (items.balance_cents - coalesce(movements.cents, 0))
                    > items.balance_cents
            then case when extensions.changes is null then 'open' else 'extended' end
            when movements.written_off > movements.paid
                and movements.written_off > movements.credited
            then 'written_off'
            when movements.credited > movements.paid then 'credited'
            else 'paid'
        end as outcome
    from items
    cross join settings
    left join movements
        on items.as_of = movements.as_of
        and items.invoice_id = movements.invoice_id
        and items.horizon_days = movements.horizon_days
    left join extensions
        on items.as_of = extensions.as_of
        and items.invoice_id = extensions.invoice_id
        and items.horizon_days = extensions.horizon_days
)

select as_of, invoice_id, horizon_days, balance_cents, remaining_cents, outcome
from judged
