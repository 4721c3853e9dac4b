-- grain:  one row per as-of date, account and distinct life of an item (with its count)
-- clock:  paid and open items as the books showed them at as_of; due in the year before it
-- source: settlements, open_items (invoices, applications, due_date_changes)
-- Days count from the due date: first_day is the issue date, last_day the last day on which
-- the item was unpaid (for paid items the day of payment, for open items as_of).
select
    accounts.as_of,
    accounts.account_id,
    settlements.due_on,
    datediff('day', settlements.due_on, settlements.issued_on) as first_day,
    settlements.days_beyond_terms as last_day,
    1 as paid,
    cast(count(*) as bigint) as items
from (select distinct as_of, account_id from open_accounts) as accounts
inner join settlements
    on accounts.account_id = settlements.account_id
    and settlements.from_on <= accounts.as_of
    and (settlements.until_on is null or settlements.until_on > accounts.as_of)
    and datediff('day', settlements.due_on, accounts.as_of) < 365
group by
    accounts.as_of,
    accounts.account_id,
    settlements.due_on,
    settlements.issued_on,
    settlements.days_beyond_terms
union all
select
    as_of,
    account_id,
    due_on,
    datediff('day', due_on, issued_on) as first_day,
    days_past_due as last_day,
    0 as paid,
    cast(count(*) as bigint) as items
from open_items
where due_on is not null
group by as_of, account_id, due_on, issued_on, days_past_due
