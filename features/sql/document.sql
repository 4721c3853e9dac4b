-- grain:  one row per open item
-- clock:  as_of
-- source: open_items
select
    item_no,
    days_past_due,
    age_days,
    datediff('day', issued_on, due_on) as terms_days,
    datediff('day', first_due_on, due_on) as due_moved_days,
    cast(amount_cents as double) / 100 as item_amount,
    cast(balance_cents as double) / 100 as item_balance,
    cast(least(greatest(paid_cents, 0), amount_cents) as double) / amount_cents
        as item_paid_share,
    cast(least(greatest(credited_cents, 0), amount_cents) as double) / amount_cents
        as item_credited_share,
    greatest(payments, 0) as item_payments,
    case when payments > 0 then datediff('day', last_paid_on, as_of) end
        as days_since_part_payment,
    billing_kind,
    po_number_missing,
    is_finance_charge,
    is_rebilled
from open_items
