-- grain:  one row per as-of date and account
-- clock:  as_of
-- source: asked_accounts, debtor_receipts, returns, known_returns (receipts, receipt_returns)
-- A receipt is provisional until the bank lets it stand; what was taken back is none any more.
with receipts_of_year as (
    select accounts.as_of, accounts.account_no, count(*) as items
    from asked_accounts as accounts
    inner join debtor_receipts as receipts
        on accounts.account_no = receipts.account_no
        and receipts.visible_on <= accounts.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > accounts.as_of)
        and datediff('day', receipts.received_on, accounts.as_of) < 365
    group by accounts.as_of, accounts.account_no
),

taken_back as (
    select distinct as_of, receipt_id
    from known_returns
),

provisional as (
    select accounts.as_of, accounts.account_no, count(*) as items
    from asked_accounts as accounts
    inner join debtor_receipts as receipts
        on accounts.account_no = receipts.account_no
        and receipts.provisional_until > accounts.as_of
        and receipts.visible_on <= accounts.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > accounts.as_of)
        and datediff('day', receipts.received_on, accounts.as_of) < 365
    left join taken_back
        on accounts.as_of = taken_back.as_of
        and receipts.receipt_id = taken_back.receipt_id
    where taken_back.receipt_id is null
    group by accounts.as_of, accounts.account_no
)

select
    accounts.as_of,
    accounts.account_no,
    cast(returns.returns_365 as double) / nullif(receipts_of_year.items, 0)
        as returned_share_365,
    coalesce(provisional.items, 0) as provisional_receipts
from asked_accounts as accounts
inner join returns
    on accounts.as_of = returns.as_of
    and accounts.account_no = returns.account_no
left join receipts_of_year
    on accounts.as_of = receipts_of_year.as_of
    and accounts.account_no = receipts_of_year.account_no
left join provisional
    on accounts.as_of = provisional.as_of
    and accounts.account_no = provisional.account_no
