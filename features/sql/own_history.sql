-- grain:  one row per open item
-- clock:  as peer_items
-- source: open_items, peer_items
-- What this account's other items did when they were as old as this one: of those unpaid at
-- this item's days past due that fell due long enough ago to be judged, the share still
-- unpaid 30 days later. Open items count, so slow payers are not flattered.
with ages as (
    select distinct as_of, account_no, due_on, days_past_due
    from open_items
    where due_on is not null
),

compared as (
    select
        ages.as_of,
        ages.account_no,
        ages.due_on,
        sum(case
            when peers.first_day <= ages.days_past_due and peers.last_day > ages.days_past_due
            then peers.items
        end) as seen,
        sum(case
            when peers.first_day <= ages.days_past_due
                and peers.last_day > ages.days_past_due
                and datediff('day', peers.due_on, ages.as_of) >= ages.days_past_due + 30
            then peers.items
        end) as judged,
        sum(case
            when peers.first_day <= ages.days_past_due
                and peers.last_day + 1 - peers.paid > ages.days_past_due + 30
                and datediff('day', peers.due_on, ages.as_of) >= ages.days_past_due + 30
            then peers.items
        end) as rolled,
        sum(case
            when peers.paid = 1 and peers.last_day > ages.days_past_due then peers.items
        end) as paid_later,
        sum(case
            when peers.paid = 1 and peers.last_day > ages.days_past_due + 30 then peers.items
        end) as paid_much_later,
        sum(case when peers.paid = 1 then peers.items end) as paid,
        sum(case
            when peers.paid = 1 and peers.due_on > ages.due_on then peers.items
        end) as younger_paid,
        sum(case
            when peers.due_on > ages.due_on and peers.due_on <= ages.as_of then peers.items
        end) as younger_due
    from ages
    inner join peer_items as peers
        on ages.as_of = peers.as_of
        and ages.account_no = peers.account_no
    group by ages.as_of, ages.account_no, ages.due_on
)

select
    open_items.item_no,
    cast(coalesce(compared.seen, 0) as bigint) as own_items_seen_at_age,
    cast(coalesce(compared.judged, 0) as bigint) as own_judged_items,
    cast(coalesce(compared.rolled, 0) as double) / nullif(compared.judged, 0) as own_roll_rate_at_age,
    cast(coalesce(compared.paid_later, 0) as double) / nullif(compared.paid, 0) as own_share_paid_later,
    cast(10 * coalesce(compared.paid_much_later, 0) + 3 as double)
        / (10 * coalesce(compared.paid_later, 0) + 10) as own_share_paid_much_later,
    cast(coalesce(compared.younger_paid, 0) as bigint) as younger_paid_items,
    cast(coalesce(compared.younger_paid, 0) as double)
        / (coalesce(compared.younger_due, 0) + 1) as younger_paid_share
from open_items
left join compared
    on open_items.as_of = compared.as_of
    and open_items.account_no = compared.account_no
    and open_items.due_on = compared.due_on
