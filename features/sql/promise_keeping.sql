-- grain:  one row per as-of date and account
-- clock:  as_of
-- source: asked_accounts, promise_states (promises, applications, receipts, receipt_returns)
-- The rate kept is shrunk towards one half by two notional promises; a promise partly kept
-- counts by what came in. Counts alone are no features, since promises are partly made by
-- contacts.
with fallen_due as (
    select
        as_of,
        account_no,
        cast(count(*) as bigint) as promises,
        cast(sum(case
            when state = 'kept' then 1000
            else cast(floor(
                1000 * cast(least(received_cents, amount_cents) as double) / amount_cents
            ) as bigint)
        end) as bigint) as kept_thousandths,
        count(case when state = 'kept' then 1 end) as kept,
        min(datediff('day', promised_on, as_of)) filter (where state = 'broken')
            as days_since_broken
    from promise_states
    where state in ('kept', 'broken')
    group by as_of, account_no
)

select
    accounts.as_of,
    accounts.account_no,
    cast(coalesce(fallen_due.kept, 0) + 1 as double) / (coalesce(fallen_due.promises, 0) + 2)
        as promise_kept_rate,
    cast(coalesce(fallen_due.kept_thousandths, 0) + 1000 as double)
        / (1000 * coalesce(fallen_due.promises, 0) + 2000) as promised_cash_rate,
    fallen_due.days_since_broken as days_since_broken_promise
from asked_accounts as accounts
left join fallen_due
    on accounts.as_of = fallen_due.as_of
    and accounts.account_no = fallen_due.account_no
