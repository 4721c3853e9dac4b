-- grain:  one row per receipt of an account that owed something on a day asked for
-- clock:  visible_on and superseded_on of the receipt
-- source: receipts, debtors
-- Receipts of the year before any day asked for.
select
    debtors.account_no,
    receipts.receipt_id,
    receipts.received_on,
    receipts.provisional_until,
    receipts.visible_on,
    receipts.superseded_on
from receipts
inner join debtors
    on receipts.account_id = debtors.account_id
cross join settings
where datediff('day', receipts.received_on, settings.first_on) < 365
    and receipts.visible_on <= settings.last_on
