-- grain:  one row per open item
-- clock:  as_of; a dispute is closed once closed_known_on has come
-- source: open_items, open_accounts, disputes
-- Rates and states only: how often disputes are raised depends on how often we call.
with known as (
    select
        accounts.as_of,
        accounts.account_id,
        disputes.invoice_id,
        disputes.currency,
        datediff('day', disputes.opened_on, accounts.as_of) as open_days,
        cast(disputes.amount * 100 as bigint) as amount_cents,
        case
            when coalesce(disputes.closed_known_on, disputes.closed_on) <= accounts.as_of
                and disputes.closed_on <= accounts.as_of
            then 0
            else 1
        end as is_open,
        datediff('day', disputes.opened_on, disputes.closed_on) as days_to_close
    from (select distinct as_of, account_id from open_accounts) as accounts
    inner join disputes
        on accounts.account_id = disputes.account_id
        and disputes.visible_on <= accounts.as_of
        and (disputes.superseded_on is null or disputes.superseded_on > accounts.as_of)
),

by_account as (
    select
        as_of,
        account_id,
        1.0 * sum(days_to_close) filter (is_open = 0)
            / nullif(count(*) filter (is_open = 0), 0) as days_to_close
    from known
    group by as_of, account_id
),

by_currency as (
    select as_of, account_id, currency, sum(amount_cents) as disputed_cents
    from known
    where is_open = 1
    group by as_of, account_id, currency
),

by_item as (
    select
        as_of,
        invoice_id,
        sum(case when is_open = 1 then amount_cents else 0 end) as disputed_cents,
        max(case when is_open = 1 then open_days end) as open_days,
        max(case when is_open = 0 then 1 else 0 end) as was_disputed
    from known
    where invoice_id is not null
    group by as_of, invoice_id
)

select
    open_items.as_of,
    open_items.invoice_id,
    least(1.0, 1.0 * coalesce(by_item.disputed_cents, 0) / open_items.balance_cents)
        as item_disputed_share,
    by_item.open_days as item_dispute_days,
    coalesce(by_item.was_disputed, 0) as item_was_disputed,
    least(1.0, 1.0 * coalesce(by_currency.disputed_cents, 0) / accounts.balance_cents)
        as account_disputed_share,
    by_account.days_to_close as dispute_days_to_close
from open_items
inner join open_accounts as accounts
    on open_items.as_of = accounts.as_of
    and open_items.account_id = accounts.account_id
    and open_items.currency = accounts.currency
left join by_item
    on open_items.as_of = by_item.as_of
    and open_items.invoice_id = by_item.invoice_id
left join by_account
    on open_items.as_of = by_account.as_of
    and open_items.account_id = by_account.account_id
left join by_currency
    on open_items.as_of = by_currency.as_of
    and open_items.account_id = by_currency.account_id
    and open_items.currency = by_currency.currency
