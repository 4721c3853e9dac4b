-- grain:  one row per as-of date, account, currency and source (receipt or credit)
-- clock:  as_of
-- source: open_accounts, source_states, receipts, credits (receipt_returns, applications)
with waiting as (
    select as_of_dates.as_of, states.source_id, states.cents
    from as_of_dates
    inner join source_states as states
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
