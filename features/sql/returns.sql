-- grain:  one row per as-of date and account
-- clock:  as_of
-- source: asked_accounts, receipts, receipt_returns, return_classes
-- Classes of return codes are versioned data (features/codes). A refund is no failure, nor is what
-- our own clerks voided, nor a bank's notification of change (Nacha's C codes).
with known as (
    select
        accounts.as_of,
        accounts.account_no,
        datediff('day', receipt_returns.returned_on, accounts.as_of) as days_ago,
        receipt_returns.kind,
        receipt_returns.receipt_id,
        coalesce(return_classes.class, 'unknown') as class
    from asked_accounts as accounts
    inner join receipt_returns
        on accounts.account_id = receipt_returns.account_id
        and receipt_returns.visible_on <= accounts.as_of
        and (
            receipt_returns.superseded_on is null
            or receipt_returns.superseded_on > accounts.as_of
        )
    left join return_classes
        on upper(trim(receipt_returns.code)) = return_classes.code
    where receipt_returns.kind <> 'ach_return'
        or receipt_returns.code is null
        or upper(trim(receipt_returns.code)) not in (
            'C01', 'C02', 'C03', 'C04', 'C05', 'C06', 'C07', 'C08', 'C09', 'C13', 'C14'
        )
),

taken_back as (
    select distinct as_of, receipt_id
    from known
),

received as (
    select
        accounts.as_of,
        accounts.account_no,
        cast(count(*) as bigint) as receipts,
        cast(count(*) filter (
            where receipts.provisional_until > accounts.as_of and taken_back.receipt_id is null
        ) as bigint) as provisional
    from asked_accounts as accounts
    inner join receipts
        on accounts.account_id = receipts.account_id
        and receipts.visible_on <= accounts.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > accounts.as_of)
        and datediff('day', receipts.received_on, accounts.as_of) < 365
    left join taken_back
        on accounts.as_of = taken_back.as_of
        and receipts.receipt_id = taken_back.receipt_id
    group by accounts.as_of, accounts.account_no
),

returned as (
    select
        known.as_of,
        known.account_no,
        cast(count(*) filter (where known.days_ago < 365) as bigint) as returns_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.class = 'funds'
        ) as bigint) as funds_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.class = 'account_data'
        ) as bigint) as account_data_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.class = 'unauthorised'
        ) as bigint) as unauthorised_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.class = 'dispute'
        ) as bigint) as disputed_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.kind = 'chargeback'
        ) as bigint) as chargebacks_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.kind = 'chargeback' and known.class = 'dispute'
        ) as bigint) as disputed_chargebacks_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.kind = 'chargeback' and known.class = 'fraud'
        ) as bigint) as fraud_chargebacks_365,
        cast(count(*) filter (
            where known.days_ago < 365 and known.kind = 'chargeback' and known.class = 'processing'
        ) as bigint) as processing_chargebacks_365,
        cast(count(*) filter (
            where known.days_ago < 365 and receipts.method in ('card', 'direct_debit', 'ach')
        ) as bigint) as automatic_365,
        min(known.days_ago) as days_since_return,
        min(known.days_ago) filter (where known.class = 'funds') as days_since_funds_return
    from known
    left join receipts
        on known.receipt_id = receipts.receipt_id
        and receipts.visible_on <= known.as_of
        and (receipts.superseded_on is null or receipts.superseded_on > known.as_of)
    where known.kind not in ('refund', 'void')
    group by known.as_of, known.account_no
)

select
    accounts.as_of,
    accounts.account_no,
    coalesce(returned.returns_365, 0) as returns_365,
    coalesce(returned.funds_365, 0) as funds_returns_365,
    coalesce(returned.account_data_365, 0) as account_data_returns_365,
    coalesce(returned.unauthorised_365, 0) as unauthorised_returns_365,
    coalesce(returned.disputed_365, 0) as disputed_returns_365,
    coalesce(returned.chargebacks_365, 0) as chargebacks_365,
    coalesce(returned.disputed_chargebacks_365, 0) as disputed_chargebacks_365,
    coalesce(returned.fraud_chargebacks_365, 0) as fraud_chargebacks_365,
    coalesce(returned.processing_chargebacks_365, 0) as processing_chargebacks_365,
    coalesce(returned.automatic_365, 0) as automatic_returns_365,
    returned.days_since_return,
    returned.days_since_funds_return,
    cast(coalesce(returned.returns_365, 0) as double) / nullif(received.receipts, 0)
        as returned_share_365,
    coalesce(received.provisional, 0) as provisional_receipts
from asked_accounts as accounts
left join received
    on accounts.as_of = received.as_of
    and accounts.account_no = received.account_no
left join returned
    on accounts.as_of = returned.as_of
    and accounts.account_no = returned.account_no
