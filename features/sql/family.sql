-- grain:  one row per as-of date, account and currency
-- clock:  as_of; the parent is the one known at as_of
-- source: open_accounts, accounts, dated_terms, payment_behaviour (account_changes)
-- The family of an account is its parent and the accounts under the same parent, those with an
-- open item; the account itself is left out. An account without parent heads its own family.
-- The late share is of the balance that has a due date, as in the ageing of an account.
with parents as (
    select
        open_accounts.as_of,
        open_accounts.account_no,
        open_accounts.currency,
        open_accounts.dated_cents,
        open_accounts.past_due_cents,
        coalesce(
            case
                when moved.attribute is not null then moved.value
                else accounts.parent_account_id
            end,
            open_accounts.account_id
        ) as family_id
    from open_accounts
    inner join accounts
        on open_accounts.account_id = accounts.account_id
    left join dated_terms as moved
        on open_accounts.as_of = moved.as_of
        and open_accounts.account_no = moved.account_no
        and moved.attribute = 'parent_account_id'
),

families as (
    select
        parents.as_of,
        parents.family_id,
        parents.currency,
        cast(count(*) as bigint) as members,
        cast(sum(parents.dated_cents) as bigint) as dated_cents,
        cast(sum(parents.past_due_cents) as bigint) as past_due_cents,
        cast(sum(behaviour.late_365) as bigint) as late_365,
        cast(sum(behaviour.paid_items_365) as bigint) as paid_365
    from parents
    left join payment_behaviour as behaviour
        on parents.as_of = behaviour.as_of
        and parents.account_no = behaviour.account_no
    group by parents.as_of, parents.family_id, parents.currency
)

select
    parents.as_of,
    parents.account_no,
    parents.currency,
    families.members - 1 as family_members,
    cast(families.past_due_cents - parents.past_due_cents as double)
        / nullif(families.dated_cents - parents.dated_cents, 0) as family_past_due_share,
    cast(families.late_365 - coalesce(behaviour.late_365, 0) as double)
        / nullif(families.paid_365 - coalesce(behaviour.paid_items_365, 0), 0)
        as family_dbt_mean_365
from parents
inner join families
    on parents.as_of = families.as_of
    and parents.family_id = families.family_id
    and parents.currency = families.currency
left join payment_behaviour as behaviour
    on parents.as_of = behaviour.as_of
    and parents.account_no = behaviour.account_no
