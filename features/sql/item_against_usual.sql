-- grain:  one row per open item
-- clock:  as_of
-- source: open_items, open_accounts, billing, payment_behaviour, regularity
-- This item beside what is usual for its account.
select
    items.item_no,
    cast(items.balance_cents as double) / accounts.balance_cents as item_share_of_account,
    cast(items.amount_cents as double) / nullif(billing.usual_cents, 0) as amount_against_usual,
    datediff('day', items.issued_on, items.due_on) - billing.usual_terms_days
        as terms_against_usual,
    items.days_past_due - behaviour.dbt_mean_365 as days_beyond_usual,
    items.age_days - behaviour.days_to_pay_mean_365 as age_beyond_usual,
    items.days_past_due + regularity.days_to_usual_month_day as days_past_due_on_usual_day
from open_items as items
inner join open_accounts as accounts
    on items.as_of = accounts.as_of
    and items.account_no = accounts.account_no
    and items.currency = accounts.currency
left join billing
    on items.as_of = billing.as_of
    and items.account_no = billing.account_no
    and items.currency = billing.currency
left join payment_behaviour as behaviour
    on items.as_of = behaviour.as_of
    and items.account_no = behaviour.account_no
left join regularity
    on items.as_of = regularity.as_of
    and items.account_no = regularity.account_no
