-- grain:  one row per as-of date and return of a receipt of an account with an open item
-- clock:  as_of
-- source: asked_accounts, receipt_returns, return_classes
-- Classes of return codes are versioned data (features/codes). A bank's notification of change
-- (Nacha's C codes) takes nothing back.
select
    accounts.as_of,
    accounts.account_no,
    receipt_returns.receipt_id,
    receipt_returns.kind,
    coalesce(return_classes.class, 'unknown') as class,
    datediff('day', receipt_returns.returned_on, accounts.as_of) as days_ago
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
