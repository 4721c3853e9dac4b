-- grain:  one row per as-of date and account
-- clock:  as_of
-- source: asked_accounts, known_returns, receipts (receipt_returns)
-- A refund is no failure, nor is what our own clerks voided.
with failed as (
    select as_of, account_no, receipt_id, kind, class, days_ago
    from known_returns
    where kind not in ('refund', 'void')
),

ever as (
    select
        as_of,
        account_no,
        min(days_ago) as days_since,
        min(case when class = 'funds' then days_ago end) as days_since_funds
    from failed
    group by as_of, account_no
),

year as (
    select
        failed.as_of,
        failed.account_no,
        count(*) as items,
        count(case when failed.class = 'funds' then 1 end) as funds,
        count(case when failed.class = 'account_data' then 1 end) as account_data,
        count(case when failed.class = 'unauthorised' then 1 end) as unauthorised,
        count(case when failed.class = 'dispute' then 1 end) as disputed,
        count(case when failed.kind = 'chargeback' then 1 end) as chargebacks,
        count(case when failed.kind = 'chargeback' and failed.class = 'dispute' then 1 end)
            as disputed_chargebacks,
        count(case when failed.kind = 'chargeback' and failed.class = 'fraud' then 1 end)
            as fraud_chargebacks,
        count(case when failed.kind = 'chargeback' and failed.class = 'processing' then 1 end)
            as processing_chargebacks,
        count(case when receipts.method in ('card', 'direct_debit', 'ach') then 1 end)
            as automatic
    from failed
    left join receipts
        on failed.receipt_id = receipts.receipt_id
        and receipts.visible_on <= failed.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > failed.as_of)
    where failed.days_ago < 365
    group by failed.as_of, failed.account_no
)

select
    accounts.as_of,
    accounts.account_no,
    coalesce(year.items, 0) as returns_365,
    coalesce(year.funds, 0) as funds_returns_365,
    coalesce(year.account_data, 0) as account_data_returns_365,
    coalesce(year.unauthorised, 0) as unauthorised_returns_365,
    coalesce(year.disputed, 0) as disputed_returns_365,
    coalesce(year.chargebacks, 0) as chargebacks_365,
    coalesce(year.disputed_chargebacks, 0) as disputed_chargebacks_365,
    coalesce(year.fraud_chargebacks, 0) as fraud_chargebacks_365,
    coalesce(year.processing_chargebacks, 0) as processing_chargebacks_365,
    coalesce(year.automatic, 0) as automatic_returns_365,
    ever.days_since as days_since_return,
    ever.days_since_funds as days_since_funds_return
from asked_accounts as accounts
left join ever
    on accounts.as_of = ever.as_of
    and accounts.account_no = ever.account_no
left join year
    on accounts.as_of = year.as_of
    and accounts.account_no = year.account_no
