-- grain:  one row per as-of date, account, currency and source (receipt or credit)
-- clock:  as_of
-- source: receipts, receipt_returns, credits, applications
with sources as (
    select
        accounts.as_of,
        accounts.account_id,
        accounts.currency,
        receipts.receipt_id as source_id,
        'receipt' as source_kind,
        cast(receipts.amount * 100 as bigint) as cents
    from open_accounts as accounts
    inner join receipts
        on accounts.account_id = receipts.account_id
        and accounts.currency = receipts.currency
        and receipts.visible_on <= accounts.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > accounts.as_of)
    union all
    select
        accounts.as_of,
        accounts.account_id,
        accounts.currency,
        credits.credit_id as source_id,
        'credit' as source_kind,
        cast(credits.amount * 100 as bigint) as cents
    from open_accounts as accounts
    inner join credits
        on accounts.account_id = credits.account_id
        and accounts.currency = credits.currency
        and credits.visible_on <= accounts.as_of
        and (credits.superseded_on is null or credits.superseded_on > accounts.as_of)
),

movements as (
    select as_of, account_id, currency, source_kind, source_id, cents
    from sources
    union all
    select
        sources.as_of,
        sources.account_id,
        sources.currency,
        sources.source_kind,
        sources.source_id,
        -cast(applications.amount * 100 as bigint) as cents
    from sources
    inner join applications
        on sources.source_id = applications.source_id
        and applications.cause in ('cash', 'cash_return', 'credit', 'netting', 'unapply')
        and applications.visible_on <= sources.as_of
        and (applications.superseded_on is null or applications.superseded_on > sources.as_of)
    union all
    select
        sources.as_of,
        sources.account_id,
        sources.currency,
        sources.source_kind,
        sources.source_id,
        -cast(receipt_returns.amount * 100 as bigint) as cents
    from sources
    inner join receipt_returns
        on sources.source_id = receipt_returns.receipt_id
        and sources.source_kind = 'receipt'
        and receipt_returns.visible_on <= sources.as_of
        and (
            receipt_returns.superseded_on is null
            or receipt_returns.superseded_on > sources.as_of
        )
)

select
    as_of,
    account_id,
    currency,
    source_kind,
    source_id,
    cast(sum(cents) as bigint) as unapplied_cents
from movements
group by as_of, account_id, currency, source_kind, source_id
having sum(cents) <> 0
