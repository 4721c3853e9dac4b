-- grain:  one row per as-of date and account
-- clock:  payments shown by the books at as_of; windows by the day of payment
-- source: asked_accounts, histories, decay (invoices, applications, credits, due_date_changes)
-- The decayed mean halves the weight of a payment every 90 days. Amounts of several currencies
-- cannot be weighed against each other.
with paid as (
    select
        accounts.as_of,
        accounts.account_no,
        datediff('day', histories.paid_on, accounts.as_of) as days_ago,
        cast(histories.days_beyond_terms as bigint) as late,
        histories.days_to_pay,
        histories.currency,
        histories.amount_cents,
        histories.in_parts,
        histories.is_short,
        histories.is_over,
        histories.has_discount
    from asked_accounts as accounts
    inner join histories
        on accounts.account_no = histories.account_no
        and histories.is_paid = 1
        and histories.from_on <= accounts.as_of
        and (histories.until_on is null or histories.until_on > accounts.as_of)
),

ever as (
    select
        paid.as_of,
        paid.account_no,
        cast(count(*) as bigint) as items,
        min(paid.days_ago) as last_ago,
        max(paid.days_ago) as first_ago,
        cast(sum(paid.late) as bigint) as late,
        count(case when paid.late > 30 then 1 end) as over_30,
        cast(sum(paid.late * decay.weight) as bigint) as late_decayed,
        cast(sum(decay.weight) as bigint) as weights
    from paid
    left join decay
        on paid.days_ago = decay.days_ago
    group by paid.as_of, paid.account_no
),

year as (
    select
        as_of,
        account_no,
        count(case when days_ago < 30 then 1 end) as items_30,
        count(case when days_ago < 60 then 1 end) as items_60,
        count(case when days_ago < 90 then 1 end) as items_90,
        count(case when days_ago < 180 then 1 end) as items_180,
        cast(count(*) as bigint) as items_365,
        cast(sum(case when days_ago < 30 then late else 0 end) as bigint) as late_30,
        cast(sum(case when days_ago < 60 then late else 0 end) as bigint) as late_60,
        cast(sum(case when days_ago < 90 then late else 0 end) as bigint) as late_90,
        cast(sum(case when days_ago < 180 then late else 0 end) as bigint) as late_180,
        cast(sum(late) as bigint) as late_365,
        cast(sum(late * late) as bigint) as squares_365,
        median(late) as median_365,
        max(late) as worst_365,
        min(late) as best_365,
        cast(sum(days_to_pay) as bigint) as days_to_pay_365,
        min(currency) as first_currency,
        max(currency) as last_currency,
        sum(cast(late * amount_cents as decimal(38, 0))) as late_cents_365,
        sum(amount_cents) as cents_365,
        count(case when late > 0 and days_ago < 60 then 1 end) as over_0_60,
        count(case when late > 0 then 1 end) as over_0_365,
        count(case when late > 15 then 1 end) as over_15_365,
        count(case when late > 30 then 1 end) as over_30_365,
        count(case when late > 60 then 1 end) as over_60_365,
        cast(sum(in_parts) as bigint) as in_parts_365,
        cast(sum(is_short) as bigint) as short_365,
        cast(sum(is_over) as bigint) as over_365,
        cast(sum(has_discount) as bigint) as discounts_365
    from paid
    where days_ago < 365
    group by as_of, account_no
)

select
    ever.as_of,
    ever.account_no,
    30 * cast(items as double) / greatest(first_ago + 1, 30) as paid_items_a_month,
    coalesce(items_60, 0) as paid_items_60,
    coalesce(items_180, 0) as paid_items_180,
    coalesce(items_365, 0) as paid_items_365,
    coalesce(late_365, 0) as late_365,
    cast(late as double) / items as dbt_mean,
    cast(late_30 as double) / nullif(items_30, 0) as dbt_mean_30,
    cast(late_60 as double) / nullif(items_60, 0) as dbt_mean_60,
    cast(late_90 as double) / nullif(items_90, 0) as dbt_mean_90,
    cast(late_180 as double) / nullif(items_180, 0) as dbt_mean_180,
    cast(late_365 as double) / nullif(items_365, 0) as dbt_mean_365,
    median_365 as dbt_median_365,
    sqrt(cast(items_365 * squares_365 - late_365 * late_365 as double)) / nullif(items_365, 0)
        as dbt_spread_365,
    worst_365 as dbt_worst_365,
    best_365 as dbt_best_365,
    cast(late_decayed as double) / nullif(weights, 0) as dbt_decayed,
    case
        when first_currency = last_currency
        then cast(late_cents_365 as double) / cast(cents_365 as double)
    end as dbt_amount_weighted_365,
    case
        when first_currency = last_currency
        then cast(late_cents_365 as double) / cast(cents_365 as double)
            - cast(late_365 as double) / nullif(items_365, 0)
    end as dbt_large_premium_365,
    cast(late_60 as double) / nullif(items_60, 0)
        - cast(late_365 as double) / nullif(items_365, 0) as dbt_trend,
    cast(days_to_pay_365 as double) / nullif(items_365, 0) as days_to_pay_mean_365,
    cast(over_0_60 as double) / nullif(items_60, 0) as late_share_60,
    cast(over_0_365 as double) / nullif(items_365, 0) as late_share_365,
    cast(over_15_365 as double) / nullif(items_365, 0) as late_15_share_365,
    cast(over_30_365 as double) / nullif(items_365, 0) as late_30_share_365,
    cast(over_60_365 as double) / nullif(items_365, 0) as late_60_share_365,
    cast(over_30 as double) / items as late_30_share,
    cast(in_parts_365 as double) / nullif(items_365, 0) as paid_in_parts_share_365,
    cast(short_365 as double) / nullif(items_365, 0) as short_paid_share_365,
    cast(over_365 as double) / nullif(items_365, 0) as overpaid_share_365,
    cast(discounts_365 as double) / nullif(items_365, 0) as discount_share_365,
    last_ago as days_since_last_payment
from ever
left join year
    on ever.as_of = year.as_of
    and ever.account_no = year.account_no
