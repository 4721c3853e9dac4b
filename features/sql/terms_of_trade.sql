-- grain:  one row per as-of date, account and currency
-- clock:  as_of; account attributes only where their dated history exists
-- source: open_accounts, accounts, dated_terms (account_changes)
-- A credit limit is in the account's own currency; balances in another are not held against it.
with terms as (
    select
        open_accounts.as_of,
        open_accounts.account_no,
        open_accounts.currency,
        open_accounts.balance_cents,
        case
            when autopay.attribute is not null then
                case
                    when lower(autopay.value) in ('true', '1') then 1
                    when autopay.value is not null then 0
                end
            when accounts.autopay then 1
            when not accounts.autopay then 0
        end as autopay,
        case
            when accounts.currency <> open_accounts.currency then null
            when credit_limit.attribute is not null
            then cast(credit_limit.value as decimal(18, 2))
            else accounts.credit_limit
        end as credit_limit
    from open_accounts
    inner join accounts
        on open_accounts.account_id = accounts.account_id
    left join dated_terms as autopay
        on open_accounts.as_of = autopay.as_of
        and open_accounts.account_no = autopay.account_no
        and autopay.attribute = 'autopay'
    left join dated_terms as credit_limit
        on open_accounts.as_of = credit_limit.as_of
        and open_accounts.account_no = credit_limit.account_no
        and credit_limit.attribute = 'credit_limit'
)

select
    as_of,
    account_no,
    currency,
    autopay,
    cast(balance_cents as double)
        / nullif(cast(cast(credit_limit * 100 as bigint) as double), 0) as credit_limit_used
from terms
