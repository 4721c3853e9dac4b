-- grain:  one row per invoice and period of an account that owed something on a day asked for
-- clock:  from_on <= t < until_on, as item_states
-- source: item_states, debtors (invoices, applications, credits, due_date_changes)
-- An invoice was paid when cash, discounts taken and netting resolved the larger part of it.
-- Invoices resolved by credit or write-off, undated ones, and those whose due date was moved are
-- billing, and no payment behaviour.
with judged as (
    select
        states.account_no,
        states.currency,
        states.issued_on,
        states.due_on,
        states.from_on,
        states.until_on,
        states.amount_cents,
        states.balance_cents,
        states.discounted_cents,
        states.payments,
        states.last_paid_on,
        case when states.is_finance_charge = 0 and states.is_rebilled = 0 then 1 else 0 end
            as is_sale,
        case
            when (
                states.balance_cents <= settings.tolerance_cents
                or 20 * states.balance_cents < states.amount_cents
            )
            and 2 * states.paid_cents > states.applied_cents
            and states.last_paid_on is not null
            and states.due_on is not null
            and states.due_changed = 0
            then 1
            else 0
        end as is_paid
    from item_states as states
    inner join debtors
        on states.account_no = debtors.account_no
    cross join settings
)

select
    account_no,
    currency,
    issued_on,
    due_on,
    from_on,
    until_on,
    amount_cents,
    is_sale,
    is_paid,
    case when is_paid = 1 then last_paid_on end as paid_on,
    case when is_paid = 1 then datediff('day', due_on, last_paid_on) end as days_beyond_terms,
    case when is_paid = 1 then datediff('day', issued_on, last_paid_on) end as days_to_pay,
    case when is_paid = 1 and payments > 1 then 1 else 0 end as in_parts,
    case when is_paid = 1 and balance_cents > 0 then 1 else 0 end as is_short,
    case when is_paid = 1 and balance_cents < 0 then 1 else 0 end as is_over,
    case when is_paid = 1 and discounted_cents > 0 then 1 else 0 end as has_discount
from judged
