-- grain:  one row per as-of date and account
-- clock:  as_of
-- source: accounts, account_changes
-- The segment and region of an account are what its newest change known at as_of says, else
-- what the account began with. Where the source has no account_changes they are not known to
-- have stood so at as_of, and are not used (see features.peers).
with changes as (
    select
        as_of_dates.as_of,
        account_changes.account_id,
        account_changes."column" as attribute,
        account_changes.value,
        row_number() over (
            partition by
                as_of_dates.as_of,
                account_changes.account_id,
                account_changes."column"
            order by account_changes.known_on desc
        ) as age_rank
    from as_of_dates
    inner join account_changes
        on account_changes.visible_on <= as_of_dates.as_of
        and (
            account_changes.superseded_on is null
            or account_changes.superseded_on > as_of_dates.as_of
        )
        and account_changes."column" in ('segment', 'region')
),

latest as (
    select as_of, account_id, attribute, value
    from changes
    where age_rank = 1
)

select
    as_of_dates.as_of,
    accounts.account_id,
    case when segments.account_id is null then accounts.segment else segments.value end as segment,
    case when regions.account_id is null then accounts.region else regions.value end as region
from as_of_dates
cross join accounts
left join latest as segments
    on as_of_dates.as_of = segments.as_of
    and accounts.account_id = segments.account_id
    and segments.attribute = 'segment'
left join latest as regions
    on as_of_dates.as_of = regions.as_of
    and accounts.account_id = regions.account_id
    and regions.attribute = 'region'
