-- grain:  one row per invoice and period in which its balance did not change
-- clock:  from_on is the first day the books showed the state, until_on the first day they
--         showed the next one (null: still so); a reader as of t takes from_on <= t < until_on
-- source: invoices, applications, credits
with invoice_events as (
    select
        invoice_id,
        visible_on as day,
        cast(amount * 100 as bigint) as balance,
        cast(0 as bigint) as paid,
        cast(0 as bigint) as credited,
        cast(0 as bigint) as written_off,
        0 as payments,
        cast(null as date) as paid_on
    from invoices
    union all
    select
        invoice_id,
        greatest(superseded_on, visible_on) as day,
        -cast(amount * 100 as bigint) as balance,
        cast(0 as bigint) as paid,
        cast(0 as bigint) as credited,
        cast(0 as bigint) as written_off,
        0 as payments,
        cast(null as date) as paid_on
    from invoices
    where superseded_on is not null
),

-- an undone application takes back what its source gave: cash from a receipt, else a credit
classified as (
    select
        applications.invoice_id,
        applications.visible_on,
        applications.superseded_on,
        applications.applied_on,
        cast(applications.amount * 100 as bigint) as amount,
        case
            when applications.cause in ('cash', 'cash_return', 'discount', 'netting') then 'paid'
            when applications.cause = 'write_off' then 'written_off'
            when applications.cause = 'unapply' and credits.credit_id is null then 'paid'
            else 'credited'
        end as side,
        applications.cause
    from applications
    left join (select distinct credit_id from credits) as credits
        on applications.cause = 'unapply' and applications.source_id = credits.credit_id
),

signed as (
    select invoice_id, visible_on as day, applied_on, amount, side, cause
    from classified
    where superseded_on is null or superseded_on > visible_on
    union all
    select invoice_id, superseded_on as day, applied_on, -amount as amount, side, cause
    from classified
    where superseded_on > visible_on
),

application_events as (
    select
        signed.invoice_id,
        greatest(signed.day, issued.day) as day,
        -signed.amount as balance,
        case when signed.side = 'paid' then signed.amount else 0 end as paid,
        case when signed.side = 'credited' then signed.amount else 0 end as credited,
        case when signed.side = 'written_off' then signed.amount else 0 end as written_off,
        case
            when signed.side = 'paid' and signed.cause in ('cash', 'cash_return', 'unapply')
            then sign(signed.amount)
            else 0
        end as payments,
        case when signed.side = 'paid' and signed.amount > 0 then signed.applied_on end as paid_on
    from signed
    inner join (
        select invoice_id, min(visible_on) as day
        from invoices
        group by invoice_id
    ) as issued
        on signed.invoice_id = issued.invoice_id
),

days as (
    select
        invoice_id,
        day,
        sum(balance) as balance,
        sum(paid) as paid,
        sum(credited) as credited,
        sum(written_off) as written_off,
        sum(payments) as payments,
        max(paid_on) as paid_on
    from (
        select * from invoice_events
        union all
        select * from application_events
    ) as events
    group by invoice_id, day
)

select
    invoice_id,
    day as from_on,
    lead(day) over (partition by invoice_id order by day) as until_on,
    cast(sum(balance) over running as bigint) as balance_cents,
    cast(sum(paid) over running as bigint) as paid_cents,
    cast(sum(credited) over running as bigint) as credited_cents,
    cast(sum(written_off) over running as bigint) as written_off_cents,
    cast(sum(payments) over running as integer) as payments,
    max(paid_on) over running as last_paid_on
from days
window running as (
    partition by invoice_id order by day
    rows between unbounded preceding and current row
)
