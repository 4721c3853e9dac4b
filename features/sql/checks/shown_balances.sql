-- grain:  one row per as-of date, currency and part of the balance that is no open item
-- clock:  as_of
-- source: item_states, receipts, receipt_returns, credits, applications
-- Parts are signed as they count in the total: what customers hold with us is negative.
-- Two parts bridge the clocks: an application counts for its item once the item is shown, and
-- for its receipt or credit once that is shown.
with small_states as (
    select
        as_of_dates.as_of,
        item_states.invoice_id,
        item_states.balance_cents
    from as_of_dates
    inner join item_states
        on item_states.from_on <= as_of_dates.as_of
        and (item_states.until_on is null or item_states.until_on > as_of_dates.as_of)
    cross join settings
    where item_states.balance_cents <= settings.tolerance_cents
        and item_states.balance_cents <> 0
),

first_invoices as (
    select
        invoice_id,
        max(currency) filter (superseded_on is null) as currency,
        min(visible_on) as day
    from invoices
    group by invoice_id
),

source_rows as (
    select
        'unapplied cash' as part,
        receipt_id as source_id,
        currency,
        visible_on,
        superseded_on,
        cast(amount * 100 as bigint) as cents
    from receipts
    union all
    select
        'unapplied credits' as part,
        credit_id as source_id,
        currency,
        visible_on,
        superseded_on,
        cast(amount * 100 as bigint) as cents
    from credits
),

first_sources as (
    select
        part,
        source_id,
        max(currency) filter (superseded_on is null) as currency,
        min(visible_on) as day
    from source_rows
    group by part, source_id
),

uses as (
    select
        applications.invoice_id,
        applications.source_id,
        applications.cause in ('cash', 'cash_return', 'credit', 'netting', 'unapply') as funded,
        applications.visible_on,
        applications.superseded_on,
        cast(applications.amount * 100 as bigint) as cents
    from applications
    union all
    select
        cast(null as varchar) as invoice_id,
        receipt_id as source_id,
        true as funded,
        visible_on,
        superseded_on,
        cast(amount * 100 as bigint) as cents
    from receipt_returns
),

signed_uses as (
    select invoice_id, source_id, funded, visible_on as day, cents
    from uses
    where superseded_on is null or superseded_on > visible_on
    union all
    select invoice_id, source_id, funded, superseded_on as day, -cents as cents
    from uses
    where superseded_on > visible_on
),

item_side as (
    select
        first_invoices.currency,
        first_invoices.day as item_day,
        signed_uses.day,
        signed_uses.cents
    from signed_uses
    inner join first_invoices
        on signed_uses.invoice_id = first_invoices.invoice_id
    where signed_uses.day < first_invoices.day
),

source_side as (
    select
        first_sources.part,
        first_sources.currency,
        first_sources.day as source_day,
        signed_uses.day,
        signed_uses.cents
    from signed_uses
    inner join first_sources
        on signed_uses.source_id = first_sources.source_id
    where signed_uses.funded
),

changes as (
    select part, currency, visible_on as day, -cents as cents
    from source_rows
    where superseded_on is null or superseded_on > visible_on
    union all
    select part, currency, superseded_on as day, cents
    from source_rows
    where superseded_on > visible_on
    union all
    select part, currency, greatest(day, source_day) as day, cents
    from source_side
    union all
    select 'applied before its source was shown' as part, currency, day, cents
    from source_side
    where day < source_day
    union all
    select
        'applied before its source was shown' as part,
        currency,
        source_day as day,
        -cents as cents
    from source_side
    where day < source_day
    union all
    select 'applied before its item was shown' as part, currency, day, -cents as cents
    from item_side
    union all
    select 'applied before its item was shown' as part, currency, item_day as day, cents
    from item_side
),

days as (
    select part, currency, day, sum(cents) as cents
    from changes
    group by part, currency, day
)

select
    small_states.as_of,
    first_invoices.currency,
    case
        when small_states.balance_cents > 0 then 'within tolerance' else 'over-applied items'
    end as part,
    cast(sum(small_states.balance_cents) as bigint) as cents
from small_states
inner join first_invoices
    on small_states.invoice_id = first_invoices.invoice_id
group by
    small_states.as_of,
    first_invoices.currency,
    case
        when small_states.balance_cents > 0 then 'within tolerance' else 'over-applied items'
    end
union all
select
    as_of_dates.as_of,
    days.currency,
    days.part,
    cast(sum(days.cents) as bigint) as cents
from as_of_dates
inner join days
    on days.day <= as_of_dates.as_of
group by as_of_dates.as_of, days.currency, days.part
