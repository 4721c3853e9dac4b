-- grain:  one row per open item
-- clock:  as peer_items
-- source: open_items, peer_items
-- What this account's other items did when they were as old as this one: of those unpaid at
-- this item's days past due that fell due long enough ago to be judged, the share still
-- unpaid 30 days later. Open items count, so slow payers are not flattered. Items that lasted
-- longer than this one so far, and younger ones, are two joins: a pair of items in neither is
-- the commonest, and says nothing.
with ages as (
    select distinct as_of, account_no, days_past_due
    from open_items
    where due_on is not null
),

longer as (
    select
        ages.as_of,
        ages.account_no,
        ages.days_past_due,
        sum(case when peers.first_day <= ages.days_past_due then peers.items else 0 end) as seen,
        sum(case
            when peers.first_day <= ages.days_past_due
                and peers.due_ago >= ages.days_past_due + 30
            then peers.items
            else 0
        end) as judged,
        sum(case
            when peers.first_day <= ages.days_past_due
                and peers.last_day + 1 - peers.paid > ages.days_past_due + 30
                and peers.due_ago >= ages.days_past_due + 30
            then peers.items
            else 0
        end) as rolled,
        sum(peers.paid * peers.items) as paid_later,
        sum(case
            when peers.last_day > ages.days_past_due + 30 then peers.paid * peers.items else 0
        end) as paid_much_later
    from ages
    inner join peer_items as peers
        on ages.as_of = peers.as_of
        and ages.account_no = peers.account_no
        and peers.last_day > ages.days_past_due
    group by ages.as_of, ages.account_no, ages.days_past_due
),

younger as (
    select
        ages.as_of,
        ages.account_no,
        ages.days_past_due,
        sum(peers.paid * peers.items) as paid,
        sum(case when peers.due_ago >= 0 then peers.items else 0 end) as due
    from ages
    inner join peer_items as peers
        on ages.as_of = peers.as_of
        and ages.account_no = peers.account_no
        and peers.due_ago < ages.days_past_due
    group by ages.as_of, ages.account_no, ages.days_past_due
),

paid_ever as (
    select as_of, account_no, sum(items) as paid_items
    from peer_items
    where paid = 1
    group by as_of, account_no
)

select
    open_items.item_no,
    cast(coalesce(longer.seen, 0) as bigint) as own_items_seen_at_age,
    cast(coalesce(longer.judged, 0) as bigint) as own_judged_items,
    cast(coalesce(longer.rolled, 0) as double) / nullif(longer.judged, 0) as own_roll_rate_at_age,
    cast(coalesce(longer.paid_later, 0) as double) / nullif(paid_ever.paid_items, 0) as own_share_paid_later,
    cast(10 * coalesce(longer.paid_much_later, 0) + 3 as double)
        / (10 * coalesce(longer.paid_later, 0) + 10) as own_share_paid_much_later,
    cast(coalesce(younger.paid, 0) as bigint) as younger_paid_items,
    cast(coalesce(younger.paid, 0) as double)
        / (coalesce(younger.due, 0) + 1) as younger_paid_share
from open_items
left join longer
    on open_items.as_of = longer.as_of
    and open_items.account_no = longer.account_no
    and open_items.days_past_due = longer.days_past_due
left join younger
    on open_items.as_of = younger.as_of
    and open_items.account_no = younger.account_no
    and open_items.days_past_due = younger.days_past_due
left join paid_ever
    on open_items.as_of = paid_ever.as_of
    and open_items.account_no = paid_ever.account_no
    and open_items.due_on is not null
