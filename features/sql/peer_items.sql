-- grain:  one row per as-of date, account and distinct life of an item (with its count)
-- clock:  as the books showed them at as_of; of paid items those due in the year before it
-- source: asked_accounts, histories, open_items (invoices, applications, due_date_changes)
-- Days count from the due date: first_day is the issue date, last_day the last day on which
-- the item was unpaid (for paid items the day of payment, for open items as_of), due_ago as_of.
-- What is left of an item paid a little short is no second item, and an item whose due date was
-- moved says as little while it is open as once it is paid.
select
    accounts.as_of,
    accounts.account_no,
    datediff('day', histories.due_on, accounts.as_of) as due_ago,
    datediff('day', histories.due_on, histories.issued_on) as first_day,
    histories.days_beyond_terms as last_day,
    1 as paid,
    cast(count(*) as bigint) as items
from asked_accounts as accounts
inner join histories
    on accounts.account_no = histories.account_no
    and histories.is_paid = 1
    and histories.from_on <= accounts.as_of
    and (histories.until_on is null or histories.until_on > accounts.as_of)
    and datediff('day', histories.due_on, accounts.as_of) < 365
group by
    accounts.as_of,
    accounts.account_no,
    histories.due_on,
    histories.issued_on,
    histories.days_beyond_terms
union all
select
    as_of,
    account_no,
    days_past_due as due_ago,
    datediff('day', due_on, issued_on) as first_day,
    days_past_due as last_day,
    0 as paid,
    cast(count(*) as bigint) as items
from open_items
where due_on is not null
    and residual = 0
    and due_changed = 0
group by as_of, account_no, due_on, issued_on, days_past_due
