-- grain:  one row per as-of date and account
-- clock:  as peer_items
-- source: peer_items
-- How far the account's own items go: of those that fell due in a window and are old enough to
-- be judged, how many reached the first day of each bucket (touching, not standing). A cure is
-- an item that reached the second bucket and has been paid since. Open items of every age are
-- peers, those due in the last year alone are of the year.
with lives as (
    select
        as_of,
        account_no,
        items,
        paid,
        due_ago,
        last_day + 1 - paid as unpaid_days
    from peer_items
),

sums as (
    select
        as_of,
        account_no,
        cast(sum(case when due_ago between 1 and 180 then items else 0 end) as bigint) as due_1,
        cast(sum(case
            when due_ago between 1 and 180 and unpaid_days > 1 then items else 0
        end) as bigint) as reached_1,
        cast(sum(case
            when due_ago between 31 and 210 and unpaid_days > 1 then items else 0
        end) as bigint) as due_31,
        cast(sum(case
            when due_ago between 31 and 210 and unpaid_days > 31 then items else 0
        end) as bigint) as reached_31,
        cast(sum(case
            when due_ago between 61 and 240 and unpaid_days > 31 then items else 0
        end) as bigint) as due_61,
        cast(sum(case
            when due_ago between 61 and 240 and unpaid_days > 61 then items else 0
        end) as bigint) as reached_61,
        cast(sum(case
            when due_ago between 91 and 270 and unpaid_days > 61 then items else 0
        end) as bigint) as due_91,
        cast(sum(case
            when due_ago between 91 and 270 and unpaid_days > 91 then items else 0
        end) as bigint) as reached_91,
        cast(sum(case when due_ago between 31 and 364 then items else 0 end) as bigint)
            as judged_365,
        cast(sum(case
            when due_ago between 31 and 364 and unpaid_days > 31 then items else 0
        end) as bigint) as outer_365,
        cast(sum(case
            when due_ago between 31 and 364 and unpaid_days > 31 and paid = 1 then items else 0
        end) as bigint) as cured_365
    from lives
    group by as_of, account_no
)

select
    as_of,
    account_no,
    cast(reached_1 as double) / nullif(due_1, 0) as own_roll_current_180,
    cast(reached_31 as double) / nullif(due_31, 0) as own_roll_1_30_180,
    cast(reached_61 as double) / nullif(due_61, 0) as own_roll_31_60_180,
    cast(reached_91 as double) / nullif(due_91, 0) as own_roll_61_90_180,
    cast(outer_365 as double) / nullif(judged_365, 0) as outer_share_365,
    cast(cured_365 as double) / nullif(outer_365, 0) as cured_share_365
from sums
