-- grain:  one row per as-of date and promise of an account with an open item
-- clock:  as_of; the state is derived from the cash that the books showed
-- source: promises, applications, receipts, receipt_returns, credited_sources
-- Promises on an item are judged by net cash on it, promises of an account by net receipts in the
-- promise's currency, made from made_on until the promised date plus the grace. Cash of that time
-- which came back later never counted. A promise that was withdrawn or replaced by the end of the
-- grace says nothing; later than that it stays what it was: a broken one is not erased.
with known as (
    select
        accounts.as_of,
        promises.promise_id,
        accounts.account_no,
        promises.account_id,
        promises.invoice_id,
        promises.made_on,
        promises.promised_on,
        promises.currency,
        cast(promises.amount * 100 as bigint) as amount_cents,
        case
            when promises.withdrawn_on <= accounts.as_of
                and datediff('day', promises.promised_on, promises.withdrawn_on)
                    <= settings.promise_grace_days
            then 1
            when datediff('day', promises.promised_on, later.made_on)
                <= settings.promise_grace_days
            then 1
            else 0
        end as is_void
    from asked_accounts as accounts
    cross join settings
    inner join promises
        on accounts.account_id = promises.account_id
        and promises.visible_on <= accounts.as_of
        and (promises.superseded_on is null or promises.superseded_on > accounts.as_of)
    left join promises as later
        on promises.superseded_by = later.promise_id
        and later.visible_on <= accounts.as_of
        and (later.superseded_on is null or later.superseded_on > accounts.as_of)
),

item_sources as (
    select
        known.as_of,
        known.promise_id,
        sum(case
            when datediff('day', known.promised_on, applications.applied_on)
                <= settings.promise_grace_days
            then cast(applications.amount * 100 as bigint)
            else 0
        end) as in_time,
        sum(case
            when datediff('day', known.promised_on, applications.applied_on)
                > settings.promise_grace_days
            then cast(applications.amount * 100 as bigint)
            else 0
        end) as later
    from known
    cross join settings
    inner join applications
        on known.invoice_id = applications.invoice_id
        and applications.cause in ('cash', 'cash_return', 'discount', 'unapply')
        and applications.applied_on >= known.made_on
        and applications.visible_on <= known.as_of
        and (applications.superseded_on is null or applications.superseded_on > known.as_of)
    left join credited_sources
        on applications.cause = 'unapply'
        and applications.source_id = credited_sources.source_id
        and applications.visible_on >= credited_sources.first_on
    where credited_sources.source_id is null
    group by known.as_of, known.promise_id, applications.source_id
),

item_cash as (
    select
        as_of,
        promise_id,
        sum(in_time + greatest(least(later, 0), -greatest(in_time, 0))) as cents
    from item_sources
    group by as_of, promise_id
),

account_cash as (
    select as_of, promise_id, sum(cents) as cents
    from (
        select
            known.as_of,
            known.promise_id,
            cast(receipts.amount * 100 as bigint) as cents
        from known
        cross join settings
        inner join receipts
            on known.account_id = receipts.account_id
            and known.currency = receipts.currency
            and receipts.received_on >= known.made_on
            and receipts.visible_on <= known.as_of
            and (receipts.superseded_on is null or receipts.superseded_on > known.as_of)
            and datediff('day', known.promised_on, receipts.received_on)
                <= settings.promise_grace_days
        where known.invoice_id is null
        union all
        select
            known.as_of,
            known.promise_id,
            -cast(receipt_returns.amount * 100 as bigint) as cents
        from known
        cross join settings
        inner join receipt_returns
            on known.account_id = receipt_returns.account_id
            and known.currency = receipt_returns.currency
            and receipt_returns.returned_on >= known.made_on
            and receipt_returns.visible_on <= known.as_of
            and (
                receipt_returns.superseded_on is null
                or receipt_returns.superseded_on > known.as_of
            )
        left join receipts
            on receipt_returns.receipt_id = receipts.receipt_id
            and receipts.visible_on <= known.as_of
            and (receipts.superseded_on is null or receipts.superseded_on > known.as_of)
        where known.invoice_id is null
            and datediff(
                'day',
                known.promised_on,
                least(
                    receipt_returns.returned_on,
                    case when receipts.received_on >= known.made_on then receipts.received_on end
                )
            ) <= settings.promise_grace_days
    ) as movements
    group by as_of, promise_id
)

select
    known.as_of,
    known.promise_id,
    known.account_no,
    known.account_id,
    known.invoice_id,
    known.made_on,
    known.promised_on,
    known.currency,
    known.amount_cents,
    cast(greatest(coalesce(item_cash.cents, account_cash.cents, 0), 0) as bigint)
        as received_cents,
    case
        when known.is_void = 1 then 'void'
        when coalesce(item_cash.cents, account_cash.cents, 0) + settings.tolerance_cents
            >= known.amount_cents then 'kept'
        when datediff('day', known.promised_on, known.as_of) <= settings.promise_grace_days
        then 'open'
        else 'broken'
    end as state
from known
cross join settings
left join item_cash
    on known.as_of = item_cash.as_of
    and known.promise_id = item_cash.promise_id
left join account_cash
    on known.as_of = account_cash.as_of
    and known.promise_id = account_cash.promise_id
