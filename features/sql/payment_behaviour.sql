-- grain:  one row per as-of date and account
-- clock:  settlements shown by the books at as_of; windows by the day of payment
-- source: settlements (invoices, applications, due_date_changes)
with history as (
    select
        accounts.as_of,
        accounts.account_id,
        datediff('day', settlements.paid_on, accounts.as_of) as days_ago,
        settlements.days_beyond_terms as dbt,
        settlements.days_to_pay,
        settlements.currency,
        settlements.amount_cents,
        settlements.payments
    from (select distinct as_of, account_id from open_accounts) as accounts
    inner join settlements
        on accounts.account_id = settlements.account_id
        and settlements.from_on <= accounts.as_of
        and (settlements.until_on is null or settlements.until_on > accounts.as_of)
)

select
    as_of,
    account_id,
    cast(count(*) as bigint) as paid_items,
    cast(count(*) filter (days_ago < 60) as bigint) as paid_items_60,
    cast(count(*) filter (days_ago < 180) as bigint) as paid_items_180,
    cast(count(*) filter (days_ago < 365) as bigint) as paid_items_365,
    1.0 * sum(dbt) / count(*) as dbt_mean,
    1.0 * sum(dbt) filter (days_ago < 60) / count(*) filter (days_ago < 60) as dbt_mean_60,
    1.0 * sum(dbt) filter (days_ago < 180) / count(*) filter (days_ago < 180) as dbt_mean_180,
    1.0 * sum(dbt) filter (days_ago < 365) / count(*) filter (days_ago < 365) as dbt_mean_365,
    median(dbt) filter (days_ago < 365) as dbt_median_365,
    sqrt(
        (1.0 * count(*) filter (days_ago < 365)
            * sum(cast(dbt as bigint) * dbt) filter (days_ago < 365)
        - 1.0 * sum(dbt) filter (days_ago < 365) * sum(dbt) filter (days_ago < 365))
    ) / nullif(count(*) filter (days_ago < 365), 0) as dbt_spread_365,
    max(dbt) filter (days_ago < 365) as dbt_worst_365,
    min(dbt) filter (days_ago < 365) as dbt_best_365,
    -- amounts of several currencies cannot be weighed against each other
    case
        when count(distinct currency) filter (days_ago < 365) = 1
        then 1.0 * sum(cast(dbt as hugeint) * amount_cents) filter (days_ago < 365)
            / sum(amount_cents) filter (days_ago < 365)
    end as dbt_amount_weighted_365,
    1.0 * sum(dbt * greatest(0, 180 - days_ago)) / nullif(sum(greatest(0, 180 - days_ago)), 0)
        as dbt_recent_weighted,
    1.0 * sum(dbt) filter (days_ago < 60) / count(*) filter (days_ago < 60)
        - 1.0 * sum(dbt) filter (days_ago < 365) / count(*) filter (days_ago < 365) as dbt_trend,
    1.0 * sum(days_to_pay) filter (days_ago < 365) / count(*) filter (days_ago < 365)
        as days_to_pay_mean_365,
    1.0 * count(*) filter (dbt > 0 and days_ago < 365) / count(*) filter (days_ago < 365)
        as late_share_365,
    1.0 * count(*) filter (dbt > 0 and days_ago < 60) / count(*) filter (days_ago < 60)
        as late_share_60,
    1.0 * count(*) filter (dbt > 30 and days_ago < 365) / count(*) filter (days_ago < 365)
        as late_30_share_365,
    1.0 * count(*) filter (dbt > 60 and days_ago < 365) / count(*) filter (days_ago < 365)
        as late_60_share_365,
    1.0 * count(*) filter (dbt > 30) / count(*) as late_30_share,
    1.0 * count(*) filter (payments > 1 and days_ago < 365) / count(*) filter (days_ago < 365)
        as paid_in_parts_share_365,
    min(days_ago) as days_since_last_payment,
    1.0 * (max(days_ago) - min(days_ago)) / nullif(count(distinct days_ago) - 1, 0)
        as payment_gap_days
from history
group by as_of, account_id
