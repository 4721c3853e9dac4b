-- grain:  one row per as-of date, account and currency
-- clock:  as_of; account attributes only where their dated history exists
-- source: open_accounts, accounts, account_changes
with latest as (
    select as_of, account_id, changed, value
    from (
        select
            open_accounts.as_of,
            open_accounts.account_id,
            account_changes."column" as changed,
            account_changes.value,
            row_number() over (
                partition by
                    open_accounts.as_of,
                    open_accounts.account_id,
                    account_changes."column"
                order by account_changes.known_on desc
            ) as age_rank
        from (select distinct as_of, account_id from open_accounts) as open_accounts
        inner join account_changes
            on open_accounts.account_id = account_changes.account_id
            and account_changes.visible_on <= open_accounts.as_of
            and (
                account_changes.superseded_on is null
                or account_changes.superseded_on > open_accounts.as_of
            )
            and account_changes."column" in ('autopay', 'credit_limit')
    ) as ranked
    where age_rank = 1
),

terms as (
    select
        open_accounts.as_of,
        open_accounts.account_id,
        open_accounts.currency,
        open_accounts.balance_cents,
        case
            when autopay.changed is not null then
                case
                    when lower(autopay.value) in ('true', '1') then 1
                    when autopay.value is not null then 0
                end
            when accounts.autopay then 1
            when not accounts.autopay then 0
        end as autopay,
        case
            when credit_limit.changed is not null
            then cast(credit_limit.value as decimal(18, 2))
            else accounts.credit_limit
        end as credit_limit
    from open_accounts
    inner join accounts
        on open_accounts.account_id = accounts.account_id
    left join latest as autopay
        on open_accounts.as_of = autopay.as_of
        and open_accounts.account_id = autopay.account_id
        and autopay.changed = 'autopay'
    left join latest as credit_limit
        on open_accounts.as_of = credit_limit.as_of
        and open_accounts.account_id = credit_limit.account_id
        and credit_limit.changed = 'credit_limit'
)

select
    as_of,
    account_id,
    currency,
    autopay,
    balance_cents / 100.0 / nullif(credit_limit, 0) as credit_limit_used
from terms
