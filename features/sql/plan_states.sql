-- grain:  one row per as-of date, payment plan and item of an account with an open item
-- clock:  as_of; an instalment is cancelled once both cancelled_on and its known day have come
-- source: asked_accounts, installments, plan_cash (applications, invoices)
-- A plan is in good standing while cash since it was agreed covers the instalments that fell
-- due more than the grace ago, on each of its items. What counts as covered is what is not yet
-- due; due today is not yet past due.
with known as (
    select
        accounts.as_of,
        installments.plan_id,
        installments.account_id,
        installments.invoice_id,
        installments.currency,
        installments.agreed_on,
        installments.due_on,
        cast(installments.amount * 100 as bigint) as amount_cents
    from asked_accounts as accounts
    inner join installments
        on accounts.account_id = installments.account_id
        and installments.visible_on <= accounts.as_of
        and (installments.superseded_on is null or installments.superseded_on > accounts.as_of)
    where installments.cancelled_on is null
        or greatest(installments.cancelled_on, installments.cancelled_known_on) > accounts.as_of
),

plans as (
    select
        known.as_of,
        known.plan_id,
        known.account_id,
        known.currency,
        known.invoice_id,
        min(known.agreed_on) as agreed_on,
        sum(case
            when datediff('day', known.due_on, known.as_of) > settings.promise_grace_days
            then known.amount_cents
            else 0
        end) as overdue_cents,
        sum(case when known.due_on >= known.as_of then known.amount_cents else 0 end)
            as upcoming_cents,
        min(case when known.due_on >= known.as_of then known.due_on end) as next_due_on
    from known
    cross join settings
    group by known.as_of, known.plan_id, known.account_id, known.currency, known.invoice_id
),

received as (
    select
        plans.as_of,
        plans.plan_id,
        plans.currency,
        coalesce(plans.invoice_id, '') as invoice_id,
        sum(cash.cents) as cents
    from plans
    inner join plan_cash as cash
        on plans.account_id = cash.account_id
        and plans.currency = cash.currency
        and (plans.invoice_id is null or plans.invoice_id = cash.invoice_id)
        and cash.applied_on >= plans.agreed_on
        and cash.visible_on <= plans.as_of
        and (cash.superseded_on is null or cash.superseded_on > plans.as_of)
    group by plans.as_of, plans.plan_id, plans.currency, coalesce(plans.invoice_id, '')
)

select
    plans.as_of,
    plans.plan_id,
    plans.account_id,
    plans.currency,
    plans.invoice_id,
    cast(plans.upcoming_cents as bigint) as upcoming_cents,
    cast(greatest(plans.overdue_cents - coalesce(received.cents, 0), 0) as bigint)
        as missed_cents,
    plans.next_due_on,
    min(case
        when coalesce(received.cents, 0) + settings.tolerance_cents >= plans.overdue_cents then 1
        else 0
    end) over (partition by plans.as_of, plans.plan_id) as in_good_standing
from plans
cross join settings
left join received
    on plans.as_of = received.as_of
    and plans.plan_id = received.plan_id
    and plans.currency = received.currency
    and coalesce(plans.invoice_id, '') = received.invoice_id
