-- grain:  one row per account that owed something on a day asked for; account_no counts them in
--         the order of their ids
-- clock:  the number says nothing but which account
-- source: item_states
select account_id, row_number() over (order by account_id) as account_no
from (
    select distinct item_states.account_id
    from item_states
    cross join settings
    where item_states.balance_cents > settings.tolerance_cents
) as owing
