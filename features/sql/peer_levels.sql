-- grain:  one row per as-of date, segment, region, terms and currency
-- clock:  as the books showed every invoice at as_of; payments of the year before it
-- source: as_of_dates, item_states, peer_groups (invoices, applications, credits,
--         due_date_changes, accounts, account_changes)
-- How all accounts of a kind pay, as sums: models.peers makes shrunken levels of them. What counts
-- as paid, and what is left out, is as in histories. Days beyond terms are held within 180, so that
-- one forgotten invoice moves no level. Of the items unpaid at an age (days past due) and due long
-- enough ago to be judged, passed_ counts those still unpaid 30 days on; reached_ all of them.
with lives as (
    select
        as_of_dates.as_of,
        coalesce(peer_groups.segment, '') as segment,
        coalesce(peer_groups.region, '') as region,
        states.currency,
        states.amount_cents,
        datediff('day', states.issued_on, states.due_on) as terms_days,
        datediff('day', states.due_on, as_of_dates.as_of) as due_ago,
        datediff('day', states.due_on, states.last_paid_on) as days_beyond_terms,
        datediff('day', states.issued_on, states.last_paid_on) as days_to_pay,
        datediff('day', states.last_paid_on, as_of_dates.as_of) as paid_ago,
        case
            when states.balance_cents > settings.tolerance_cents
                and 20 * states.balance_cents >= states.amount_cents
            then 0
            when 2 * states.paid_cents > states.applied_cents
                and states.last_paid_on is not null
            then 1
        end as is_paid
    from as_of_dates
    inner join item_states as states
        on states.from_on <= as_of_dates.as_of
        and (states.until_on is null or states.until_on > as_of_dates.as_of)
    inner join peer_groups
        on as_of_dates.as_of = peer_groups.as_of
        and states.account_id = peer_groups.account_id
    cross join settings
    where states.due_on is not null
        and states.due_changed = 0
),

judged as (
    select
        as_of,
        segment,
        region,
        currency,
        amount_cents,
        terms_days,
        due_ago,
        case when is_paid = 1 then days_beyond_terms else due_ago + 1 end as unpaid_days,
        case when is_paid = 1 and paid_ago between 0 and 364 then days_beyond_terms end as late,
        case when is_paid = 1 and paid_ago between 0 and 364 then days_to_pay end as days_to_pay
    from lives
    where is_paid is not null
)

select
    as_of,
    segment,
    region,
    terms_days,
    currency,
    cast(count(late) as bigint) as paid_items,
    count(case when late > 0 then 1 end) as late_items,
    count(case when late > 30 then 1 end) as late_30_items,
    cast(coalesce(sum(least(greatest(late, -180), 180)) filter (where late is not null), 0)
        as bigint) as late_days,
    cast(coalesce(sum(least(days_to_pay, 365)) filter (where late is not null), 0)
        as bigint) as days_to_pay,
    cast(coalesce(sum(amount_cents) filter (where late is not null), 0) as bigint) as paid_cents,
    cast(coalesce(sum(amount_cents) filter (where late > 0), 0) as bigint) as late_cents,
    count(case
        when due_ago between 0 and 364 and terms_days >= 30 and unpaid_days > -30
        then 1
    end) as reached_before_30,
    count(case
        when due_ago between 0 and 364 and terms_days >= 30 and unpaid_days > 0
        then 1
    end) as passed_before_30,
    count(case
        when due_ago between 15 and 379 and terms_days >= 15 and unpaid_days > -15
        then 1
    end) as reached_before_15,
    count(case
        when due_ago between 15 and 379 and terms_days >= 15 and unpaid_days > 15
        then 1
    end) as passed_before_15,
    count(case when due_ago between 30 and 394 and unpaid_days > 0 then 1 end) as reached_at_0,
    count(case when due_ago between 30 and 394 and unpaid_days > 30 then 1 end) as passed_at_0,
    count(case when due_ago between 45 and 409 and unpaid_days > 15 then 1 end) as reached_at_15,
    count(case when due_ago between 45 and 409 and unpaid_days > 45 then 1 end) as passed_at_15,
    count(case when due_ago between 60 and 424 and unpaid_days > 30 then 1 end) as reached_at_30,
    count(case when due_ago between 60 and 424 and unpaid_days > 60 then 1 end) as passed_at_30,
    count(case when due_ago between 90 and 454 and unpaid_days > 60 then 1 end) as reached_at_60,
    count(case when due_ago between 90 and 454 and unpaid_days > 90 then 1 end) as passed_at_60,
    count(case when due_ago between 120 and 484 and unpaid_days > 90 then 1 end) as reached_at_90,
    count(case when due_ago between 120 and 484 and unpaid_days > 120 then 1 end) as passed_at_90
from judged
group by as_of, segment, region, terms_days, currency
