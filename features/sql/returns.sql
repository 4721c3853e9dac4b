-- grain:  one row per as-of date and account
-- clock:  as_of
-- source: receipts, receipt_returns
with received as (
    select
        accounts.as_of,
        accounts.account_id,
        cast(count(*) as bigint) as receipts,
        cast(count(*) filter (
            receipts.provisional_until > accounts.as_of
        ) as bigint) as provisional
    from (select distinct as_of, account_id from open_accounts) as accounts
    inner join receipts
        on accounts.account_id = receipts.account_id
        and receipts.visible_on <= accounts.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > accounts.as_of)
        and datediff('day', receipts.received_on, accounts.as_of) < 365
    group by accounts.as_of, accounts.account_id
),

returned as (
    select
        accounts.as_of,
        accounts.account_id,
        cast(count(*) filter (
            datediff('day', receipt_returns.returned_on, accounts.as_of) < 365
        ) as bigint) as returns_365,
        cast(count(*) filter (
            receipt_returns.code in ('R01', 'R09', 'AM04')
            and datediff('day', receipt_returns.returned_on, accounts.as_of) < 365
        ) as bigint) as funds_returns_365,
        cast(count(*) filter (
            receipt_returns.kind = 'chargeback'
            and datediff('day', receipt_returns.returned_on, accounts.as_of) < 365
        ) as bigint) as chargebacks_365,
        min(datediff('day', receipt_returns.returned_on, accounts.as_of)) as days_since_return
    from (select distinct as_of, account_id from open_accounts) as accounts
    inner join receipt_returns
        on accounts.account_id = receipt_returns.account_id
        and receipt_returns.visible_on <= accounts.as_of
        and (
            receipt_returns.superseded_on is null
            or receipt_returns.superseded_on > accounts.as_of
        )
        and receipt_returns.kind <> 'refund'
    group by accounts.as_of, accounts.account_id
)

select
    accounts.as_of,
    accounts.account_id,
    coalesce(returned.returns_365, 0) as returns_365,
    coalesce(returned.funds_returns_365, 0) as funds_returns_365,
    coalesce(returned.chargebacks_365, 0) as chargebacks_365,
    returned.days_since_return,
    1.0 * coalesce(returned.returns_365, 0) / nullif(received.receipts, 0) as returned_share_365,
    coalesce(received.provisional, 0) as provisional_receipts
from (select distinct as_of, account_id from open_accounts) as accounts
left join received
    on accounts.as_of = received.as_of
    and accounts.account_id = received.account_id
left join returned
    on accounts.as_of = returned.as_of
    and accounts.account_id = returned.account_id
