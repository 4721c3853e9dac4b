-- grain:  one row per as-of date and dispute of an account with an open item
-- clock:  as_of; a dispute is closed once both closed_on and the day that was known have come
-- source: asked_accounts, disputes
select
    accounts.as_of,
    accounts.account_no,
    accounts.account_id,
    disputes.invoice_id,
    disputes.currency,
    cast(disputes.amount * 100 as bigint) as amount_cents,
    datediff('day', disputes.opened_on, accounts.as_of) as opened_ago,
    case
        when greatest(disputes.closed_on, disputes.closed_known_on) <= accounts.as_of
            and disputes.closed_on is not null
        then 0
        else 1
    end as is_open,
    case
        when greatest(disputes.closed_on, disputes.closed_known_on) <= accounts.as_of
            and disputes.closed_on is not null
        then datediff('day', disputes.opened_on, disputes.closed_on)
    end as days_to_close
from asked_accounts as accounts
inner join disputes
    on accounts.account_id = disputes.account_id
    and disputes.visible_on <= accounts.as_of
    and (disputes.superseded_on is null or disputes.superseded_on > accounts.as_of)
