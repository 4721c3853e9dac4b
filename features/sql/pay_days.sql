-- grain:  one row per as-of date, account and day of the year before it on which the account paid
-- clock:  payments shown by the books at as_of
-- source: asked_accounts, histories (invoices, applications, credits, due_date_changes)
select
    accounts.as_of,
    accounts.account_no,
    histories.paid_on,
    datediff('day', histories.paid_on, accounts.as_of) as days_ago,
    cast(count(*) as bigint) as items,
    cast(sum(histories.days_beyond_terms) as bigint) as late
from asked_accounts as accounts
inner join histories
    on accounts.account_no = histories.account_no
    and histories.is_paid = 1
    and histories.from_on <= accounts.as_of
    and (histories.until_on is null or histories.until_on > accounts.as_of)
    and datediff('day', histories.paid_on, accounts.as_of) < 365
group by accounts.as_of, accounts.account_no, histories.paid_on
