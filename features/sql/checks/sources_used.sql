-- grain:  one row per receipt or credit that gave more than it holds at the last known day
-- clock:  last_day(through, settled): what the books showed by the end of through; returns
--         shown after settled may still wait for their items to be re-opened
-- source: receipts, receipt_returns, credits, applications
with sources as (
    select
        receipt_id as source_id,
        'receipts' as source_table,
        currency,
        amount,
        visible_on,
        superseded_on
    from receipts
    union all
    select
        credit_id as source_id,
        'credits' as source_table,
        currency,
        amount,
        visible_on,
        superseded_on
    from credits
),

shown as (
    select
        sources.source_id,
        sources.source_table,
        sources.currency,
        cast(sources.amount * 100 as bigint) as cents
    from sources
    cross join last_day
    where sources.visible_on <= last_day.through
        and (sources.superseded_on is null or sources.superseded_on > last_day.through)
),

used as (
    select
        applications.source_id,
        sum(cast(applications.amount * 100 as bigint)) as cents
    from applications
    cross join last_day
    where applications.cause in ('cash', 'cash_return', 'credit', 'netting', 'unapply')
        and applications.source_id is not null
        and applications.visible_on <= last_day.through
        and (
            applications.superseded_on is null
            or applications.superseded_on > last_day.through
        )
    group by applications.source_id
),

returned as (
    select
        receipt_returns.receipt_id as source_id,
        sum(cast(receipt_returns.amount * 100 as bigint)) as cents,
        max(receipt_returns.visible_on) as newest_on
    from receipt_returns
    cross join last_day
    where receipt_returns.visible_on <= last_day.through
        and (
            receipt_returns.superseded_on is null
            or receipt_returns.superseded_on > last_day.through
        )
    group by receipt_returns.receipt_id
)

select
    shown.source_table,
    shown.source_id,
    shown.currency,
    shown.cents as source_cents,
    cast(coalesce(used.cents, 0) as bigint) as used_cents,
    cast(coalesce(returned.cents, 0) as bigint) as returned_cents,
    coalesce(returned.newest_on > last_day.settled, false) as is_fresh
from shown
cross join last_day
left join used
    on shown.source_id = used.source_id
left join returned
    on shown.source_id = returned.source_id
    and shown.source_table = 'receipts'
where coalesce(used.cents, 0) + coalesce(returned.cents, 0) > shown.cents + 1
