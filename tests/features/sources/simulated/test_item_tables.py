"""Disputes, promises, plans and due dates as the ledger tells them."""

from collections.abc import Callable

Query = Callable[[str], list[tuple[object, ...]]]


def test_instalments_of_a_plan_sum_to_the_open_balance(ask: Query) -> None:
    """A plan covers exactly what was open when it was agreed, in numbered instalments."""
    assert ask("""
        with plan as (select plan_id, invoice_id, agreed_on, sum(amount) as planned,
                count(*) as parts, max(n) as last from installments group by all),
        paid as (select p.plan_id, coalesce(sum(a.amount), 0) as before from plan p
            left join applications a on a.invoice_id = p.invoice_id and a.known_on <= p.agreed_on
            group by all)
        select count(*) from plan join paid using (plan_id) join invoices i using (invoice_id)
        where i.amount - before <> planned or parts <> last
    """) == [(0,)]


def test_disputes_close_after_they_open_on_both_clocks(ask: Query) -> None:
    """Closing follows opening, its two dates and its outcome come together or not at all."""
    assert ask("""
        select count(*) from disputes
        where known_on < opened_on or closed_on <= opened_on or closed_known_on < closed_on
           or closed_known_on < known_on or (closed_on is null) <> (closed_known_on is null)
           or (closed_on is null) <> (outcome is null)
    """) == [(0,)]


def test_a_moved_promise_names_its_successor_on_the_same_item(ask: Query) -> None:
    """The successor is made on the day the old promise falls due; withdrawals come before it."""
    assert ask("""
        select count(*) from promises p left join promises q on q.promise_id = p.superseded_by
        where p.promised_on <= p.made_on
           or (p.superseded_by is not null and (q.promise_id is null
               or q.invoice_id <> p.invoice_id or q.made_on <> p.promised_on))
           or p.withdrawn_on >= p.promised_on or p.withdrawn_on <= p.made_on
    """) == [(0,)]


def test_due_dates_only_move_out(ask: Query) -> None:
    """Every agreed due date lies after the first one and after the day of the agreement."""
    assert ask("""
        select count(*) from due_date_changes d join invoices i using (invoice_id)
        where d.due_on <= i.due_on or d.due_on <= d.known_on or d.known_on < i.known_on
    """) == [(0,)]


def test_a_rebilled_invoice_follows_a_credited_one(ask: Query) -> None:
    """The replaced invoice has the same account and amount and was credited the day before."""
    assert ask("""
        select count(*) from invoices n left join invoices o on o.invoice_id = n.replaces_invoice_id
        left join applications a on a.invoice_id = o.invoice_id and a.cause = 'credit'
        where n.replaces_invoice_id is not null
          and (o.account_id is distinct from n.account_id or o.amount <> n.amount
               or a.applied_on is null or a.applied_on >= n.issued_on)
    """) == [(0,)]
