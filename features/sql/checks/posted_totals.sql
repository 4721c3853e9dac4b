-- grain:  one row per as-of date, currency and kind of posting
-- clock:  everything as the books showed it by the end of as_of
-- source: invoices, receipts, receipt_returns, credits, applications
-- The total balance straight from the postings, without the item states: what was billed, less
-- what came in, plus what went back, less credits, less what was given up without cash.
-- funding(receipts_absent, credits_absent) says which sources the ledger does not have; there
-- an application is its own source.
with sources as (
    select receipt_id as source_id from receipts
    union all
    select credit_id as source_id from credits
),

own_sources as (
    select
        applications.invoice_id,
        applications.visible_on,
        applications.superseded_on,
        applications.amount
    from applications
    cross join funding
    anti join sources
        on applications.source_id = sources.source_id
    where (applications.cause in ('cash', 'cash_return') and funding.receipts_absent)
        or (applications.cause = 'credit' and funding.credits_absent)
        or (
            applications.cause = 'unapply'
            and (funding.receipts_absent or funding.credits_absent)
        )
        or (
            applications.cause = 'netting'
            and (applications.source_id is null or funding.credits_absent)
        )
),

cashless as (
    select
        'applied without cash' as posting,
        invoice_id,
        visible_on,
        superseded_on,
        amount
    from applications
    where cause in ('discount', 'write_off', 'adjustment', 'fx_rounding')
    union all
    select
        'applied without a source' as posting,
        invoice_id,
        visible_on,
        superseded_on,
        amount
    from own_sources
),

postings as (
    select 'invoices' as posting, currency, visible_on, superseded_on, amount
    from invoices
    union all
    select 'receipts' as posting, currency, visible_on, superseded_on, -amount as amount
    from receipts
    union all
    select 'returned receipts' as posting, currency, visible_on, superseded_on, amount
    from receipt_returns
    union all
    select 'credits' as posting, currency, visible_on, superseded_on, -amount as amount
    from credits
    union all
    select
        cashless.posting,
        coalesce(invoices.currency, '') as currency,
        cashless.visible_on,
        cashless.superseded_on,
        -cashless.amount as amount
    from cashless
    left join invoices
        on cashless.invoice_id = invoices.invoice_id
        and invoices.superseded_on is null
),

changes as (
    select posting, currency, visible_on as day, amount
    from postings
    where superseded_on is null or superseded_on > visible_on
    union all
    select posting, currency, superseded_on as day, -amount as amount
    from postings
    where superseded_on > visible_on
),

days as (
    select posting, currency, day, sum(amount) as amount
    from changes
    group by posting, currency, day
)

select
    as_of_dates.as_of,
    days.currency,
    days.posting,
    cast(sum(days.amount) * 100 as bigint) as cents
from as_of_dates
inner join days
    on days.day <= as_of_dates.as_of
group by as_of_dates.as_of, days.currency, days.posting
