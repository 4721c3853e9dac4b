-- grain:  one row per open item
-- clock:  as peer_items
-- source: open_items, peer_items, usual_curve
-- The account's own life table (Kaplan & Meier 1958; open items are censored): of its items
-- unpaid at this item's age, the share expected to be unpaid 30 days on. The hazard of a day is
-- (payments + k * usual) / (items at risk + k): with little history the usual curve answers.
-- Between event days the log of the usual curve is weighted by k / (at risk + k). Log survival
-- is summed in billionths, so that no result depends on the order of rows; -ln(1 - h) is
-- h (6 - h) / (6 - 4h) and exp(-x) is 1 / (1 + x + x^2/2 + x^3/6). What happened before the age
-- of the account's youngest open item is one day here; what happens past the oldest, none.
with reach as (
    select
        as_of,
        account_no,
        greatest(min(days_past_due), -400) as first_day,
        max(days_past_due) + 30 as last_day
    from open_items
    where due_on is not null
    group by as_of, account_no
),

moves as (
    select as_of, account_no, first_day + 1 as day, items as entered, 0 as gone, 0 as paid
    from peer_items
    where last_day > first_day
    union all
    select as_of, account_no, last_day as day, 0 as entered, items as gone, items * paid as paid
    from peer_items
    where last_day > first_day
    union all
    select as_of, account_no, first_day as day, 0 as entered, 0 as gone, 0 as paid
    from reach
),

days as (
    select
        moves.as_of,
        moves.account_no,
        greatest(moves.day, reach.first_day) as day,
        cast(sum(moves.entered) as bigint) as entered,
        cast(sum(moves.gone) as bigint) as gone,
        cast(sum(moves.paid) as bigint) as paid
    from moves
    inner join reach
        on moves.as_of = reach.as_of
        and moves.account_no = reach.account_no
        and moves.day <= reach.last_day
    group by moves.as_of, moves.account_no, greatest(moves.day, reach.first_day)
),

spans as (
    select
        as_of,
        account_no,
        day,
        paid,
        gone + cast(sum(entered - gone) over running as bigint) as at_risk,
        cast(sum(entered - gone) over running as bigint) as left_over,
        coalesce(lead(day) over (partition by as_of, account_no order by day), 10000) as next_day
    from days
    window running as (
        partition by as_of, account_no order by day
        rows between unbounded preceding and current row
    )
),

hazards as (
    select
        spans.as_of,
        spans.account_no,
        spans.day,
        spans.next_day,
        (spans.paid + 0.5 * usual.hazard) / (spans.at_risk + 0.5) as quick,
        (spans.paid + 2.0 * usual.hazard) / (spans.at_risk + 2.0) as slow,
        cast(0.5 as double) / (spans.left_over + 0.5) as quick_weight,
        cast(2.0 as double) / (spans.left_over + 2.0) as slow_weight
    from spans
    inner join usual_curve as usual
        on usual.day = least(spans.day, 4000)
),

log_hazards as (
    select
        as_of,
        account_no,
        day,
        next_day,
        round(1000000000.0 * quick * (6.0 - quick) / (6.0 - 4.0 * quick)) as quick,
        round(1000000000.0 * slow * (6.0 - slow) / (6.0 - 4.0 * slow)) as slow,
        quick_weight,
        slow_weight
    from hazards
),

ages as (
    select distinct as_of, account_no, days_past_due
    from open_items
    where due_on is not null
),

pieces as (
    select
        ages.as_of,
        ages.account_no,
        ages.days_past_due,
        case when spans.day > ages.days_past_due then spans.quick else 0 end as quick,
        case when spans.day > ages.days_past_due then spans.slow else 0 end as slow,
        spans.quick_weight,
        spans.slow_weight,
        greatest(spans.day, ages.days_past_due) as gap_start,
        greatest(
            least(spans.next_day - 1, ages.days_past_due + 30),
            greatest(spans.day, ages.days_past_due)
        ) as gap_end
    from ages
    inner join log_hazards as spans
        on ages.as_of = spans.as_of
        and ages.account_no = spans.account_no
        and spans.day <= ages.days_past_due + 30
        and spans.next_day > ages.days_past_due
),

expected as (
    select
        pieces.as_of,
        pieces.account_no,
        pieces.days_past_due,
        cast(sum(cast(round(
            pieces.quick + round(pieces.quick_weight * (later.total - earlier.total))
        ) as bigint)) as double) / 1000000000.0 as quick,
        cast(sum(cast(round(
            pieces.slow + round(pieces.slow_weight * (later.total - earlier.total))
        ) as bigint)) as double) / 1000000000.0 as slow
    from pieces
    inner join usual_curve as earlier
        on earlier.day = least(greatest(pieces.gap_start, -400), 4000)
    inner join usual_curve as later
        on later.day = least(greatest(pieces.gap_end, -400), 4000)
    group by pieces.as_of, pieces.account_no, pieces.days_past_due
)

select
    open_items.item_no,
    1.0 / (
        1.0 + expected.quick
        + expected.quick * expected.quick / 2.0
        + expected.quick * expected.quick * expected.quick / 6.0
    ) as own_survival_30,
    1.0 / (
        1.0 + expected.slow
        + expected.slow * expected.slow / 2.0
        + expected.slow * expected.slow * expected.slow / 6.0
    ) as own_survival_30_cautious
from open_items
left join expected
    on open_items.as_of = expected.as_of
    and open_items.account_no = expected.account_no
    and open_items.days_past_due = expected.days_past_due
