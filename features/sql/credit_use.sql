-- grain:  one row per as-of date, account and currency
-- clock:  as_of
-- source: open_accounts, unapplied (receipts, receipt_returns, credits, applications)
with issued as (
    select
        accounts.as_of,
        accounts.account_no,
        accounts.currency,
        cast(sum(cast(credits.amount * 100 as bigint)) as bigint) as cents,
        min(datediff('day', credits.issued_on, accounts.as_of)) as days_since
    from open_accounts as accounts
    inner join credits
        on accounts.account_id = credits.account_id
        and accounts.currency = credits.currency
        and credits.visible_on <= accounts.as_of
        and (credits.superseded_on is null or credits.superseded_on > accounts.as_of)
        and datediff('day', credits.issued_on, accounts.as_of) < 365
    group by accounts.as_of, accounts.account_no, accounts.currency
),

waiting as (
    select
        as_of,
        account_no,
        currency,
        greatest(cast(sum(unapplied_cents) as bigint), 0) as cents
    from unapplied
    group by as_of, account_no, currency
)

select
    accounts.as_of,
    accounts.account_no,
    accounts.currency,
    cast(coalesce(issued.cents, 0) as double) / accounts.balance_cents
        as credits_against_balance_365,
    issued.days_since as days_since_credit,
    cast(coalesce(waiting.cents, 0) as double) / accounts.balance_cents as unapplied_share,
    cast(coalesce(waiting.cents, 0) as double) / nullif(accounts.past_due_cents, 0)
        as unapplied_against_past_due
from open_accounts as accounts
left join issued
    on accounts.as_of = issued.as_of
    and accounts.account_no = issued.account_no
    and accounts.currency = issued.currency
left join waiting
    on accounts.as_of = waiting.as_of
    and accounts.account_no = waiting.account_no
    and accounts.currency = waiting.currency
