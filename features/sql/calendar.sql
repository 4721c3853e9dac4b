-- grain:  one row per open item
-- clock:  as_of
-- source: open_items
-- Nothing here depends on as_of itself: a model trained on a few dozen dates would learn the
-- dates by heart.
select
    as_of,
    invoice_id,
    isodow(due_on) as due_weekday,
    day(due_on) as due_month_day
from open_items
