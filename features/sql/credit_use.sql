-- grain:  one row per as-of date, account and currency
-- clock:  as_of
-- source: open_accounts, unapplied (receipts, receipt_returns, credits, applications)
with issued as (
    select
        accounts.as_of,
        accounts.account_id,
        accounts.currency,
        sum(cast(credits.amount * 100 as bigint)) as cents,
        min(datediff('day', credits.issued_on, accounts.as_of)) as days_since
    from open_accounts as accounts
    inner join credits
        on accounts.account_id = credits.account_id
        and accounts.currency = credits.currency
        and credits.visible_on <= accounts.as_of
        and (credits.superseded_on is null or credits.superseded_on > accounts.as_of)
        and datediff('day', credits.issued_on, accounts.as_of) < 365
    group by accounts.as_of, accounts.account_id, accounts.currency
),

waiting as (
    select as_of, account_id, currency, sum(unapplied_cents) as cents
    from unapplied
    group by as_of, account_id, currency
)

select
    accounts.as_of,
    accounts.account_id,
    accounts.currency,
    1.0 * coalesce(issued.cents, 0) / accounts.balance_cents as credits_against_balance_365,
    issued.days_since as days_since_credit,
    1.0 * greatest(coalesce(waiting.cents, 0), 0) / accounts.balance_cents as unapplied_share
from open_accounts as accounts
left join issued
    on accounts.as_of = issued.as_of
    and accounts.account_id = issued.account_id
    and accounts.currency = issued.currency
left join waiting
    on accounts.as_of = waiting.as_of
    and accounts.account_id = waiting.account_id
    and accounts.currency = waiting.currency
