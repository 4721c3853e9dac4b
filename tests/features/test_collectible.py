import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.collectible import PARTS, allocate, commitment_dates, net_items
from features.engines import open_session
from features.ledger.read import Ledger
from tests.features.books import Books, day

AS_OF = "2024-07-01"


def items(**balances: float) -> Books:
    """Items of account A by name, the first one the oldest."""
    book = Books()
    for number, (name, balance) in enumerate(balances.items()):
        book.invoice(name, "2024-01-01", f"2024-0{number + 2}-01", balance)
    return book


def dispute(book: Books, amount: float, invoice: str | None = None, **more: object) -> Books:
    return book.add(
        "disputes", dispute_id=f"D{amount}", account_id="A", invoice_id=invoice,
        opened_on="2024-06-01", amount=amount, **more,
    )  # fmt: skip


def promise(book: Books, amount: float, until: str, invoice: str | None = None) -> Books:
    return book.add(
        "promises", promise_id=f"M{amount}", account_id="A", invoice_id=invoice,
        made_on="2024-06-01", promised_on=until, amount=amount,
    )  # fmt: skip


def plan(book: Books, amount: float, due: list[str], **more: object) -> Books:
    for number, on in enumerate(due, start=1):
        book.add(
            "installments", plan_id="L", n=number, account_id="A", agreed_on="2024-06-01",
            due_on=on, amount=amount, **more,
        )  # fmt: skip
    return book


def receipt(book: Books, amount: float, **more: object) -> Books:
    return book.add(
        "receipts", receipt_id=f"R{amount}", account_id="A", received_on="2024-06-01",
        amount=amount, **more,
    )  # fmt: skip


def test_every_part_is_taken_in_order() -> None:
    """Of 1,000: 100 unapplied, 200 disputed, 300 planned, 50 promised; 350 collectible."""
    book = receipt(dispute(items(I=1000), 200, "I"), 100)
    plan(promise(book, 50, "2024-07-10", "I"), 100, ["2024-07-05", "2024-08-05", "2024-09-05"])
    assert book.netting(AS_OF)["I"] == {
        "open": 1000.0,
        "unapplied": 100.0,
        "disputed": 200.0,
        "planned": 300.0,
        "promised": 50.0,
        "collectible": 350.0,
    }


def test_each_part_is_capped_at_what_remains() -> None:
    """Of 250: 100 unapplied, then 150 of the 200 in dispute, and nothing for the rest."""
    book = receipt(dispute(items(I=250), 200, "I"), 100)
    promise(book, 50, "2024-07-10", "I")
    row = book.netting(AS_OF)["I"]
    assert [row[part] for part in PARTS] == [100.0, 150.0, 0.0, 0.0]
    assert row["collectible"] == 0.0


def test_account_rows_go_to_the_oldest_due_item_first() -> None:
    """150 unapplied: 100 to the oldest item, 50 to the next; undated items come last."""
    book = Books().invoice("UNDATED", "2023-01-01", None, 500)
    for name, due in (("NEW", "2024-06-01"), ("OLD", "2024-03-01")):
        book.invoice(name, "2024-01-01", due, 100)
    rows = receipt(book, 150).netting(AS_OF)
    assert {name: row["unapplied"] for name, row in rows.items()} == {
        "OLD": 100.0,
        "NEW": 50.0,
        "UNDATED": 0.0,
    }


def test_named_rows_come_before_rows_of_the_account() -> None:
    """80 disputed on the newer item, 90 of the account: 20 are left there for the account."""
    rows = dispute(dispute(items(OLD=70, NEW=100), 80, "NEW"), 90).netting(AS_OF)
    assert rows["OLD"]["disputed"] == 70.0
    assert rows["NEW"]["disputed"] == 100.0


def test_a_named_row_does_not_spill_over_to_other_items() -> None:
    """300 disputed on an item of 100 leave the other item collectible."""
    rows = dispute(items(I=100, J=100), 300, "I").netting(AS_OF)
    assert rows["I"]["collectible"] == 0.0
    assert rows["J"]["collectible"] == 100.0


@pytest.mark.parametrize(
    ("on", "promised"), [("2024-07-01", 60.0), ("2024-07-04", 60.0), ("2024-07-05", 0.0)]
)
def test_a_promise_nets_until_its_grace_ends(on: str, promised: float) -> None:
    """Promised for 1 July with 3 days' grace: a broken promise nets nothing."""
    assert promise(items(I=100), 60, "2024-07-01", "I").netting(on)["I"]["promised"] == promised


def test_cash_on_a_promise_lowers_what_it_nets() -> None:
    """60 promised and 20 received since: 40 of the 80 open are promised."""
    book = promise(items(I=100), 60, "2024-07-10", "I").cash("I", "2024-06-10", 20)
    row = book.netting(AS_OF)["I"]
    assert (row["open"], row["promised"], row["collectible"]) == (80.0, 40.0, 40.0)


def test_a_closed_dispute_nets_until_its_closure_is_known() -> None:
    """Closed on 20 June, entered on 2 July."""
    book = dispute(items(I=100), 60, "I", closed_on="2024-06-20", closed_known_on="2024-07-02")
    assert book.netting(AS_OF)["I"]["disputed"] == 60.0
    assert book.netting("2024-07-02")["I"]["disputed"] == 0.0


def test_a_plan_nets_the_instalments_not_yet_due() -> None:
    """30 due on 30 June was due; 30 due today and 30 in August are to come."""
    book = plan(items(I=100), 30, ["2024-06-30", "2024-07-01", "2024-08-01"], invoice_id="I")
    assert book.netting(AS_OF)["I"]["planned"] == 60.0


@pytest.mark.parametrize(("cash", "planned"), [(0, 0.0), (28, 0.0), (29, 60.0), (30, 60.0)])
def test_an_overdue_plan_nets_nothing(cash: float, planned: float) -> None:
    """30 fell due on 27 June, four days ago: without cash for it the plan is not in good standing.

    29 of 30 are within the tolerance of 1.00.
    """
    book = plan(items(I=130), 30, ["2024-06-27", "2024-07-27", "2024-08-27"], invoice_id="I")
    if cash:
        book.cash("I", "2024-06-25", cash)
    assert book.netting(AS_OF)["I"]["planned"] == planned


def test_a_plan_over_two_items_stands_or_falls_as_one() -> None:
    """The instalment of I is overdue: nothing of the plan nets, on J neither."""
    book = plan(items(I=100, J=100), 30, ["2024-06-20"], invoice_id="I")
    book.add(
        "installments", plan_id="L", n=2, account_id="A", invoice_id="J",
        agreed_on="2024-06-01", due_on="2024-07-20", amount=40,
    )  # fmt: skip
    assert book.netting(AS_OF)["J"]["planned"] == 0.0
    assert book.cash("I", "2024-06-20", 30).netting(AS_OF)["J"]["planned"] == 40.0


def test_nothing_is_netted_across_currencies() -> None:
    """Dollars waiting, disputed, planned and promised leave the euro item alone.

    The 10 dollars received since count for the 20 promised.
    """
    book = items(I=1000).invoice("E", "2024-01-01", "2024-01-15", 1000, currency="EUR")
    plan(promise(receipt(book, 10), 20, "2024-07-10"), 30, ["2024-07-20"])
    rows = dispute(book, 40).netting(AS_OF)
    assert [rows["I"][part] for part in PARTS] == [10.0, 40.0, 30.0, 10.0]
    assert rows["E"]["collectible"] == 1000.0


def test_an_over_applied_source_lends_nothing() -> None:
    """A receipt of 10 that gave 30 is not negative cash on the item."""
    book = receipt(items(I=100, J=100), 10).cash("I", "2024-06-01", 30, source_id="R10")
    rows = book.netting(AS_OF)
    assert rows["I"]["collectible"] == 70.0
    assert rows["J"]["collectible"] == 100.0


def test_the_parts_and_the_collectible_sum_to_the_open_balance(simulated_ledger: Ledger) -> None:
    """To the cent on every item of a whole ledger, and never below zero."""
    days = [day("2023-10-31"), day("2024-05-31")]
    with open_session(simulated_ledger, days) as session:
        net = net_items(session)
    assert (sum(net.parts.values()) + net.collectible_cents == net.open_cents).all()
    assert net.collectible_cents.min() >= 0
    for part in PARTS:
        assert net.parts[part].min() >= 0
        assert net.parts[part].sum() > 0, part


def test_commitments_hold_until_their_dates() -> None:
    """A promise until 10 July plus 3 days' grace; the next instalment on 20 July."""
    book = plan(promise(items(I=100), 20, "2024-07-10"), 30, ["2024-07-20", "2024-08-20"])
    with open_session(book.ledger(), [day(AS_OF)]) as session:
        frame = commitment_dates(session)
    assert frame["account_id"].tolist() == ["A"]
    assert str(frame["promised"][0])[:10] == "2024-07-13"
    assert str(frame["planned"][0])[:10] == "2024-07-20"


@given(
    rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 500)), min_size=1, max_size=12),
    pools=st.lists(st.integers(0, 1500), min_size=5, max_size=5),
)
def test_allocation_gives_each_pool_away_once(
    rows: list[tuple[int, int]], pools: list[int]
) -> None:
    """A group receives its pool or all it can take, the first rows first."""
    ordered = sorted(rows, key=lambda row: row[0])
    raw = np.array([row[0] for row in ordered], dtype=np.int64)
    group = np.unique(raw, return_inverse=True)[1].astype(np.int64)
    remaining = np.array([row[1] for row in ordered], dtype=np.int64)
    pool = np.array(pools, dtype=np.int64)[raw]
    taken = allocate(remaining, group, pool)
    assert ((taken >= 0) & (taken <= remaining)).all()
    for number in np.unique(group):
        mine = group == number
        assert taken[mine].sum() == min(pool[mine][0], remaining[mine].sum())
        short = np.flatnonzero(taken[mine] < remaining[mine])
        if len(short):
            assert taken[mine][short[0] + 1 :].sum() == 0
