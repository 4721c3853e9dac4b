-- grain:  one row per as-of date and account that has an open item
-- clock:  as open_items
-- source: open_accounts
select distinct as_of, account_no, account_id
from open_accounts
