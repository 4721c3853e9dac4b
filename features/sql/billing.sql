-- grain:  one row per as-of date, account and currency
-- clock:  as_of; billing windows by issue date
-- source: open_accounts, open_items, histories (invoices, applications, due_date_changes)
-- Billing is what was sold: a finance charge is none, and an invoice billed again was sold once.
with billed as (
    select
        accounts.as_of,
        accounts.account_no,
        accounts.currency,
        accounts.balance_cents,
        case
            when histories.is_sale = 1
            then datediff('day', histories.issued_on, accounts.as_of)
        end as days_ago,
        datediff('day', histories.issued_on, histories.due_on) as terms_days,
        datediff('day', histories.due_on, accounts.as_of) as due_ago,
        histories.amount_cents
    from open_accounts as accounts
    inner join histories
        on accounts.account_no = histories.account_no
        and accounts.currency = histories.currency
        and histories.from_on <= accounts.as_of
        and (histories.until_on is null or histories.until_on > accounts.as_of)
),

sums as (
    select
        as_of,
        account_no,
        currency,
        max(balance_cents) as balance_cents,
        cast(sum(case when days_ago < 90 then amount_cents else 0 end) as bigint) as billed_90,
        cast(sum(case when days_ago < 365 then amount_cents else 0 end) as bigint) as billed_365,
        median(amount_cents) filter (where days_ago < 365) as usual_cents,
        count(case when days_ago < 365 then 1 end) as invoices_365,
        min(days_ago) as last_ago,
        max(case when days_ago < 365 then days_ago end) as first_ago_365,
        max(days_ago) as first_ago,
        cast(sum(case when days_ago < 365 then terms_days else 0 end) as bigint) as terms_365,
        cast(count(case when days_ago < 365 then terms_days end) as bigint) as dated_365,
        max(case when days_ago < 365 then terms_days end) as longest_terms,
        min(case when days_ago < 365 then terms_days end) as shortest_terms,
        count(case when due_ago between 0 and 59 then 1 end) as due_60
    from billed
    group by as_of, account_no, currency
),

open_due as (
    select
        as_of,
        account_no,
        currency,
        cast(count(*) as bigint) as open_60
    from open_items
    where days_past_due between 0 and 59
    group by as_of, account_no, currency
)

select
    sums.as_of,
    sums.account_no,
    sums.currency,
    sums.billed_365 as billed_cents_365,
    sums.usual_cents,
    cast(sums.terms_365 as double) / nullif(sums.dated_365, 0) as usual_terms_days,
    sums.longest_terms - sums.shortest_terms as terms_range_365,
    case
        when sums.billed_365 > 0 then least(
            cast(sums.balance_cents as double) / sums.billed_365 * least(sums.first_ago + 1, 365),
            cast(3650 as double)
        )
    end as account_days_of_sales,
    (cast(coalesce(sums.billed_90, 0) as double) / least(sums.first_ago + 1, 90))
        / nullif(cast(sums.billed_365 as double) / least(sums.first_ago + 1, 365), 0)
        as billing_trend,
    sums.invoices_365,
    sums.last_ago as days_since_invoice,
    sums.last_ago * cast(sums.invoices_365 - 1 as double)
        / nullif(sums.first_ago_365 - sums.last_ago, 0) as billing_gap_ratio,
    cast(coalesce(open_due.open_60, 0) as double) / nullif(sums.due_60, 0)
        as open_share_due_60,
    case when sums.first_ago > 3650 then 3650 else sums.first_ago end as relationship_days
from sums
left join open_due
    on sums.as_of = open_due.as_of
    and sums.account_no = open_due.account_no
    and sums.currency = open_due.currency
