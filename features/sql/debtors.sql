-- grain:  one row per account that owed something on a day asked for
-- clock:  every day asked for
-- source: item_states
select distinct item_states.account_no, item_states.account_id
from item_states
cross join settings
where item_states.balance_cents > settings.tolerance_cents
