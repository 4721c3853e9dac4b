-- grain:  one row per receipt or credit and period in which its unapplied amount did not change
-- clock:  from_on <= t < until_on at every day t asked for
-- source: receipts, receipt_returns, credits, applications
-- What a receipt or credit gave, less what was applied of it and what came back. Between two
-- days asked for, movements of a source become one row; hardly any source keeps a balance.
with raw_moves as not materialized (
    select receipt_id as source_id, visible_on, superseded_on, amount
    from receipts
    union all
    select credit_id as source_id, visible_on, superseded_on, amount
    from credits
    union all
    select source_id, visible_on, superseded_on, -amount as amount
    from applications
    where cause in ('cash', 'cash_return', 'credit', 'netting', 'unapply')
        and source_id is not null
    union all
    select receipt_id as source_id, visible_on, superseded_on, -amount as amount
    from receipt_returns
),

signed as (
    select source_id, visible_on as day, cast(amount * 100 as bigint) as cents
    from raw_moves
    where superseded_on is null or superseded_on > visible_on
    union all
    select source_id, superseded_on as day, -cast(amount * 100 as bigint) as cents
    from raw_moves
    where superseded_on > visible_on
),

moves as (
    select signed.source_id, calendar.shown_on, cast(sum(signed.cents) as bigint) as cents
    from signed
    cross join settings
    inner join calendar
        on calendar.day = greatest(signed.day, settings.first_on)
    group by signed.source_id, calendar.shown_on
),

-- a source that never moved by more than nothing needs no history
unsettled as (
    select distinct source_id
    from moves
    where cents <> 0
)

select
    moves.source_id,
    moves.shown_on as from_on,
    lead(moves.shown_on) over (
        partition by moves.source_id order by moves.shown_on
    ) as until_on,
    cast(sum(moves.cents) over (
        partition by moves.source_id order by moves.shown_on
        rows between unbounded preceding and current row
    ) as bigint) as cents
from moves
inner join unsettled
    on moves.source_id = unsettled.source_id
