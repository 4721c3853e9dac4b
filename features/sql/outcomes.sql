-- grain:  one row per open item and horizon
-- clock:  business date up to as_of + horizon, known by as_of + horizon + the maturity lag,
--         and not yet shown at as_of; cash reversed by then never counted
-- source: open_items, applications, credits, due_date_changes
-- Judged against the balance and the due date known at as_of.
with windows as (
    select
        as_of_dates.as_of,
        horizons.horizon_days,
        date_add(as_of_dates.as_of, to_days(horizons.horizon_days)) as horizon_on,
        date_add(
            as_of_dates.as_of,
            to_days(horizons.horizon_days + maturity.maturity_lag_days)
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
        cast(applications.amount * 100 as bigint) as cents,
        case
            when applications.cause in ('cash', 'cash_return', 'discount', 'netting') then 'paid'
            when applications.cause = 'write_off' then 'written_off'
            when applications.cause = 'unapply' and credits.credit_id is null then 'paid'
            else 'credited'
        end as side
    from items
    inner join applications
        on items.invoice_id = applications.invoice_id
        and applications.visible_on > items.as_of
        and applications.known_on <= items.judged_on
        and applications.applied_on <= items.judged_on
        and (
            applications.superseded_on is null
            or applications.superseded_on > items.judged_on
        )
    left join (select distinct credit_id from credits) as credits
        on applications.cause = 'unapply' and applications.source_id = credits.credit_id
),

reversed as (
    select as_of, invoice_id, horizon_days, source_id
    from later
    where cents > 0 and applied_on <= horizon_on and source_id is not null
    group by as_of, invoice_id, horizon_days, source_id
),

counted as (
    select later.as_of, later.invoice_id, later.horizon_days, later.side, later.cents
    from later
    left join reversed
        on later.as_of = reversed.as_of
        and later.invoice_id = reversed.invoice_id
        and later.horizon_days = reversed.horizon_days
        and later.source_id = reversed.source_id
    where later.applied_on <= later.horizon_on
        or (later.cents < 0 and reversed.source_id is not null)
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
