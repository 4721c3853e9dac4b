"""What is allowed in a ledger but deserves a look: warnings, never failures."""

from collections.abc import Iterable, Iterator

from features.ledger.finding import MAX_EXAMPLES, Finding, money
from features.session import Session
from features.stages import STATE_STAGES

_OVER_APPLIED = f"""
    select states.currency, count(*) as n,
        cast(sum(states.balance_cents) as bigint) as cents,
        min(states.invoice_id, {MAX_EXAMPLES}) as examples
    from last_day
    inner join item_states as states
        on states.balance_cents < 0
        and states.from_on <= last_day.through
        and (states.until_on is null or states.until_on > last_day.through)
    group by states.currency
    order by states.currency
"""  # noqa: S608 (a number)

_UNDATED = f"""
    select states.currency, count(*) as n,
        cast(sum(states.balance_cents) as bigint) as cents,
        min(states.invoice_id, {MAX_EXAMPLES}) as examples
    from last_day
    cross join settings
    inner join item_states as states
        on states.due_on is null
        and states.balance_cents > settings.tolerance_cents
        and states.from_on <= last_day.through
        and (states.until_on is null or states.until_on > last_day.through)
    group by states.currency
    order by states.currency
"""  # noqa: S608 (a number)

_TWO_ACCOUNTS = f"""
    select currency, count(*) as n, cast(sum(amount) * 100 as bigint) as cents,
        min(invoice_id, {MAX_EXAMPLES}) as examples
    from (
        select invoice_id, currency, amount
        from stored_invoices
        group by invoice_id, issued_on, due_on, amount, currency
        having count(distinct account_id) > 1
    ) as twins
    group by currency
    order by currency
"""  # noqa: S608 (a number)

_NEWEST_IN_ACCOUNTS = f"""
    select count(*) filter (where as_now = changed) as n, count(*) as changed,
        min(account_id, {MAX_EXAMPLES}) filter (where as_now = changed) as examples
    from (
        select changes.account_id, count(*) as changed,
            count(*) filter (
                where changes.value = case changes."column"
                    when 'autopay' then cast(accounts.autopay as varchar)
                    when 'credit_limit' then cast(accounts.credit_limit as varchar)
                    when 'parent_account_id' then accounts.parent_account_id
                    when 'segment' then accounts.segment
                    when 'region' then accounts.region
                end
            ) as as_now
        from (
            select account_id, "column", arg_max(value, known_on) as value
            from stored_account_changes
            where "column" in ('autopay', 'credit_limit', 'parent_account_id', 'segment', 'region')
            group by account_id, "column"
        ) as changes
        inner join (
            select account_id, min(autopay) as autopay, min(credit_limit) as credit_limit,
                min(parent_account_id) as parent_account_id, min(segment) as segment,
                min(region) as region
            from stored_accounts
            where batch = 0
            group by account_id
        ) as accounts
            on changes.account_id = accounts.account_id
        group by changes.account_id
    ) as accounts
"""  # noqa: S608 (a number)

_OWN_SOURCE = f"""
    select coalesce(invoices.currency, '') as currency, count(*) as n,
        cast(sum(applications.amount) * 100 as bigint) as cents,
        min(applications.application_id, {MAX_EXAMPLES}) as examples
    from stored_applications as applications
    anti join (
        select receipt_id as source_id from stored_receipts
        union all
        select credit_id as source_id from stored_credits
    ) as sources
        on applications.source_id = sources.source_id
    left join (
        select invoice_id, min(currency) as currency from stored_invoices group by invoice_id
    ) as invoices
        on applications.invoice_id = invoices.invoice_id
    where applications.cause in ('cash', 'cash_return', 'credit', 'netting', 'unapply')
    group by coalesce(invoices.currency, '')
    order by currency
"""  # noqa: S608 (a number)


def notice_rows(session: Session, present: Iterable[str]) -> Iterator[Finding]:
    """Yield a warning per currency and kind of notable row, at the last known day.

    Parameters
    ----------
    session : Session
        On the ledger to check, with ``last_day(through, settled)`` registered.
    present : iterable of str
        Tables that the ledger has.
    """
    session.run(STATE_STAGES)
    yield from _notice(
        session,
        "over_applied_items",
        _OVER_APPLIED,
        "Items paid beyond their amount",
        "They are shown apart and never netted; move the excess to unapplied cash.",
    )
    yield from _notice(
        session,
        "undated_items",
        _UNDATED,
        "Open items without a due date",
        "They stand in a column of their own; add the due date at the source.",
    )
    yield from _notice(
        session,
        "invoice_under_two_accounts",
        _TWO_ACCOUNTS,
        "Invoices with the same content under two accounts",
        "The newest version counts; make sure that one number does not name two invoices.",
    )
    if "account_changes" in present:
        yield from _accounts_as_of_now(session)
    missing = sorted({"receipts", "credits"} - frozenset(present))
    if missing:
        yield from _notice(
            session,
            "own_source",
            _OWN_SOURCE,
            f"Applications without a known source, in a ledger without {' and '.join(missing)}",
            "Each counts as its own source, so unapplied amounts cannot be seen.",
        )


def _accounts_as_of_now(session: Session) -> Iterator[Finding]:
    """Warn where most accounts that changed stand in accounts as they are now, not as they began.

    Before the first change of a column its value in accounts counts: with the newest value there,
    past days would know the future.
    """
    row = session.arrow(_NEWEST_IN_ACCOUNTS).to_pylist()[0]
    if 2 * row["n"] > row["changed"]:
        yield Finding(
            name="accounts_as_of_now",
            outcome="warning",
            where="accounts",
            count=row["n"],
            examples=tuple(row["examples"]),
            sentence=f"Accounts whose values equal their newest change: {row['n']:,} of "
            f"{row['changed']:,} with changes. Before its first change a column counts as accounts "
            "has it: export what each account began with, or past days know later values.",
        )


def _notice(session: Session, name: str, query: str, words: str, step: str) -> Iterator[Finding]:
    for row in session.arrow(query).to_pylist():
        amount = money(row["cents"])
        yield Finding(
            name=name,
            outcome="warning",
            currency=row["currency"],
            found=amount,
            count=row["n"],
            examples=tuple(row["examples"]),
            sentence=f"{words}: {row['n']:,}, {row['currency']} {amount:,.2f}. {step}",
        )
