-- grain:  one row per as-of date, account and attribute with a dated history
-- clock:  as_of
-- source: asked_accounts, accounts, account_changes
-- An attribute of an account is what its newest change known at as_of says, else what the
-- account began with.
with latest as (
    select
        accounts.as_of,
        accounts.account_no,
        account_changes."column" as attribute,
        account_changes.value,
        row_number() over (
            partition by accounts.as_of, accounts.account_no, account_changes."column"
            order by account_changes.known_on desc
        ) as age_rank
    from asked_accounts as accounts
    inner join account_changes
        on accounts.account_id = account_changes.account_id
        and account_changes.visible_on <= accounts.as_of
        and (
            account_changes.superseded_on is null
            or account_changes.superseded_on > accounts.as_of
        )
        and account_changes."column" in ('autopay', 'credit_limit', 'parent_account_id')
)

select as_of, account_no, attribute, value
from latest
where age_rank = 1
