-- grain:  one row per as-of date, account, currency and source (receipt or credit)
-- clock:  as_of
-- source: open_accounts, receipts, receipt_returns, credits, applications
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
),

states as (
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
),

waiting as (
    select as_of_dates.as_of, states.source_id, states.cents
    from as_of_dates
    inner join states
        on states.from_on <= as_of_dates.as_of
        and (states.until_on is null or states.until_on > as_of_dates.as_of)
        and states.cents <> 0
),

owned as (
    select
        waiting.as_of,
        waiting.source_id,
        waiting.cents,
        case when receipts.receipt_id is null then 'credit' else 'receipt' end as source_kind,
        coalesce(receipts.account_id, credits.account_id) as account_id,
        coalesce(receipts.currency, credits.currency) as currency
    from waiting
    left join receipts
        on waiting.source_id = receipts.receipt_id
        and receipts.visible_on <= waiting.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > waiting.as_of)
    left join credits
        on waiting.source_id = credits.credit_id
        and credits.visible_on <= waiting.as_of
        and (credits.superseded_on is null or credits.superseded_on > waiting.as_of)
)

select
    owned.as_of,
    accounts.account_no,
    accounts.account_id,
    owned.currency,
    owned.source_kind,
    owned.source_id,
    owned.cents as unapplied_cents
from owned
inner join open_accounts as accounts
    on owned.as_of = accounts.as_of
    and owned.account_id = accounts.account_id
    and owned.currency = accounts.currency
