"""Accounts, their history and their flags."""

from collections.abc import Callable

Query = Callable[[str], list[tuple[object, ...]]]


def test_history_starts_from_the_first_value(ask: Query) -> None:
    """A limit's first change is a cut by half or a raise by a quarter of the account's value."""
    assert ask("""
        with first_change as (
            select account_id, arg_min(value, known_on)::decimal(18, 2) as value
            from account_changes where "column" = 'credit_limit' group by all)
        select count(*) from first_change join accounts using (account_id)
        where value not between 0.5 * credit_limit and 0.5 * credit_limit + 100
          and value not between 1.25 * credit_limit and 1.25 * credit_limit + 100
    """) == [(0,)]


def test_autopay_history_alternates(ask: Query) -> None:
    """Autopay is removed from an account that has it, and restored only after that."""
    assert ask("""
        with steps as (
            select a.account_id, c.value, coalesce(lag(c.value) over (
                partition by a.account_id order by c.known_on), a.autopay::varchar) as before
            from account_changes c join accounts a using (account_id) where c."column" = 'autopay')
        select count(*) from steps where value = before
    """) == [(0,)]


def test_bankrupt_accounts_pay_only_what_a_dispute_settled(ask: Query) -> None:
    """After bankruptcy nothing is received but the remainder of partly credited disputes."""
    assert ask("""
        select count(*) from account_flags f join receipts r using (account_id)
        join applications a on a.source_id = r.receipt_id
        where f.flag = 'bankruptcy' and r.received_on > f.from_on
          and a.invoice_id not in (
            select invoice_id from disputes where outcome = 'partly_credited')
    """) == [(0,)]
    flagged = ask("select count(*) from account_flags where flag = 'bankruptcy'")
    assert flagged > [(2,)]


def test_accounts_that_must_not_be_contacted_are_not(ask: Query) -> None:
    """No contact row belongs to an account with the flag do_not_contact."""
    assert ask("""
        select count(*) from contacts join account_flags using (account_id)
        where flag = 'do_not_contact'
    """) == [(0,)]


def test_rates_exist_for_every_currency_and_business_day(ask: Query) -> None:
    """Each currency of an account has a rate on every day on which something was known."""
    assert ask("""
        select count(*) from (select distinct i.currency, i.known_on from invoices i) x
        left join fx_rates f on f.currency = x.currency and f.rate_on = x.known_on
        where f.rate is null
    """) == [(0,)]
