-- grain:  one row per as-of date, account and currency
-- clock:  the balances that the books showed 30 and 90 days before as_of
-- source: open_accounts, looks, debts (invoices, applications, credits, due_date_changes)
-- Late shares are of the balance that has a due date, as in the ageing of as_of.
with shown as (
    select
        looks.as_of,
        looks.days_back,
        debts.account_no,
        debts.currency,
        debts.balance_cents,
        case when debts.due_on is not null then debts.balance_cents end as dated_cents,
        case when debts.due_on < looks.looked_on then debts.balance_cents else 0 end
            as past_due_cents
    from looks
    inner join debts
        on debts.from_on <= looks.looked_on
        and (debts.until_on is null or debts.until_on > looks.looked_on)
),

balances as (
    select
        as_of,
        account_no,
        currency,
        cast(sum(case when days_back = 30 then dated_cents end) as bigint) as dated_30,
        cast(sum(case when days_back = 30 then past_due_cents else 0 end) as bigint)
            as past_due_30,
        cast(sum(case when days_back = 90 then balance_cents end) as bigint) as cents_90,
        cast(sum(case when days_back = 90 then dated_cents end) as bigint) as dated_90,
        cast(sum(case when days_back = 90 then past_due_cents else 0 end) as bigint)
            as past_due_90
    from shown
    group by as_of, account_no, currency
)

select
    accounts.as_of,
    accounts.account_no,
    accounts.currency,
    cast(accounts.past_due_cents as double) / nullif(accounts.dated_cents, 0)
        - cast(balances.past_due_30 as double) / balances.dated_30 as past_due_share_change_30,
    cast(accounts.past_due_cents as double) / nullif(accounts.dated_cents, 0)
        - cast(balances.past_due_90 as double) / balances.dated_90 as past_due_share_change_90,
    cast(accounts.balance_cents as double) / balances.cents_90 as balance_against_90_days_ago
from open_accounts as accounts
left join balances
    on accounts.as_of = balances.as_of
    and accounts.account_no = balances.account_no
    and accounts.currency = balances.currency
