-- grain:  one row per open item
-- clock:  as_of
-- source: open_items
select
    as_of,
    invoice_id,
    isodow(due_on) as due_weekday,
    day(due_on) as due_month_day,
    isodow(as_of) as as_of_weekday,
    day(as_of) as as_of_month_day,
    day(last_day(as_of)) - day(as_of) as days_to_month_end,
    isodow(date_add(as_of, interval 30 day)) as horizon_weekday,
    day(date_add(as_of, interval 30 day)) as horizon_month_day
from open_items
