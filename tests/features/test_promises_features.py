import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def book_with(promised_on: str, amount: float = 100, **more: object) -> Books:
    """One item of 200 and a promise on it, made on 10 June."""
    return (
        Books()
        .invoice("I", "2024-04-01", "2024-05-01", 200)
        .add(
            "promises", promise_id="M", account_id="A", made_on="2024-06-10",
            promised_on=promised_on, amount=amount, **({"invoice_id": "I"} | more),
        )
    )  # fmt: skip


def rate(kept: int, broken: int) -> float:
    """The rate kept, with one notional promise kept and one broken."""
    return (kept + 1) / (kept + broken + 2)


def test_an_open_promise() -> None:
    """100 of 200 promised for 8 July, a week from now; nothing has fallen due."""
    row = book_with("2024-07-08").family(AS_OF, "promise_keeping", "item_promises")["I"]
    assert row["item_promised_share"] == 0.5
    assert row["days_to_item_promise"] == 7.0
    assert row["promise_kept_rate"] == rate(0, 0)
    assert row["item_promise_broken"] == 0.0
    assert missing(row["days_since_broken_promise"])


def test_a_promise_is_open_through_its_grace_and_broken_after() -> None:
    """Promised for 28 June with 3 days' grace: open on 1 July, broken on 2 July."""
    book = book_with("2024-06-28")
    in_grace, after = (
        book.family(AS_OF, "promise_keeping", "item_promises")["I"],
        book.family("2024-07-02", "promise_keeping", "item_promises")["I"],
    )
    assert in_grace["item_promise_broken"] == 0.0
    assert in_grace["days_to_item_promise"] == -3.0
    assert after["item_promise_broken"] == 1.0
    assert after["promise_kept_rate"] == rate(0, 1)
    assert after["days_since_broken_promise"] == 4.0
    assert after["item_promised_share"] == 0.0


@pytest.mark.parametrize(
    ("on", "amount", "kept"),
    [
        ("2024-06-28", 100, True),
        ("2024-07-01", 100, True),  # the last day of grace
        ("2024-07-02", 100, False),  # a day late
        ("2024-06-28", 99, True),  # within the tolerance of 1.00
        ("2024-06-28", 98, False),  # partly kept is not kept
        ("2024-06-09", 100, False),  # before the promise was made
    ],
)
def test_cash_decides_whether_a_promise_is_kept(on: str, amount: float, kept: bool) -> None:  # noqa: FBT001 (a case of the table)
    """100 promised for 28 June on an item of 200."""
    row = (
        book_with("2024-06-28")
        .cash("I", on, amount)
        .family("2024-07-10", "promise_keeping", "item_promises")["I"]
    )
    assert row["promise_kept_rate"] == (rate(1, 0) if kept else rate(0, 1))


def test_a_kept_promise_needs_no_waiting() -> None:
    """Paid ahead of the promised day: kept, and nothing is promised any more."""
    row = (
        book_with("2024-07-08")
        .cash("I", "2024-06-20", 100)
        .family(AS_OF, "promise_keeping", "item_promises")["I"]
    )
    assert row["promise_kept_rate"] == rate(1, 0)
    assert row["item_promised_share"] == 0.0


def test_part_of_the_promised_cash_leaves_the_rest_promised() -> None:
    """40 of 100 came in: 60 of the 160 still open are promised."""
    row = (
        book_with("2024-07-08")
        .cash("I", "2024-06-20", 40)
        .family(AS_OF, "promise_keeping", "item_promises")["I"]
    )
    assert row["item_promised_share"] == pytest.approx(60 / 160)


def test_cash_that_bounces_breaks_the_promise() -> None:
    """Kept by a cheque of 28 June that comes back on 5 July, after the grace."""
    book = book_with("2024-06-28").cash("I", "2024-06-28", 100, source_id="R")
    book.post("I", "cash_return", "2024-07-05", -100, source_id="R")
    assert book.family("2024-07-04", "promise_keeping", "item_promises")["I"][
        "promise_kept_rate"
    ] == rate(1, 0)
    assert (
        book.family("2024-07-05", "promise_keeping", "item_promises")["I"]["item_promise_broken"]
        == 1.0
    )


def test_the_return_of_other_cash_does_not_break_a_kept_promise() -> None:
    """Cash after the grace never kept the promise, and its return does not break it."""
    book = book_with("2024-06-28").cash("I", "2024-06-28", 100, source_id="R")
    book.cash("I", "2024-07-03", 50, source_id="S")
    book.post("I", "cash_return", "2024-07-08", -50, source_id="S")
    assert book.family("2024-07-10", "promise_keeping", "item_promises")["I"][
        "promise_kept_rate"
    ] == rate(1, 0)


def test_back_dated_cash_keeps_a_promise_once_it_is_known() -> None:
    """Dated 28 June, shown on 5 July: broken in between."""
    book = book_with("2024-06-28").cash("I", "2024-06-28", 100, known="2024-07-05")
    assert (
        book.family("2024-07-04", "promise_keeping", "item_promises")["I"]["item_promise_broken"]
        == 1.0
    )
    assert (
        book.family("2024-07-05", "promise_keeping", "item_promises")["I"]["item_promise_broken"]
        == 0.0
    )


def test_a_withdrawn_promise_counts_neither_way() -> None:
    """Withdrawn on 20 June: open before, void from then on."""
    book = book_with("2024-06-24", withdrawn_on="2024-06-20")
    assert (
        book.family("2024-06-19", "promise_keeping", "item_promises")["I"]["item_promised_share"]
        == 0.5
    )
    row = book.family(AS_OF, "promise_keeping", "item_promises")["I"]
    assert row["item_promise_broken"] == 0.0
    assert row["promise_kept_rate"] == rate(0, 0)


def test_a_promise_is_superseded_once_the_next_one_is_known() -> None:
    """The new promise of 22 June, entered on 26 June, replaces the one for 20 June."""
    book = book_with("2024-06-20", superseded_by="N").add(
        "promises", promise_id="N", account_id="A", invoice_id="I", made_on="2024-06-22",
        known_on="2024-06-26", promised_on="2024-07-10", amount=100,
    )  # fmt: skip
    assert (
        book.family("2024-06-25", "promise_keeping", "item_promises")["I"]["item_promise_broken"]
        == 1.0
    )
    row = book.family(AS_OF, "promise_keeping", "item_promises")["I"]
    assert row["item_promise_broken"] == 0.0
    assert row["days_to_item_promise"] == 9.0


@pytest.mark.parametrize("late", ["withdrawn", "replaced"])
def test_a_broken_promise_is_not_erased(late: str) -> None:
    """Promised for 15 May and not paid: what is said of it on 20 June comes too late."""
    said = {"withdrawn_on": "2024-06-20"} if late == "withdrawn" else {"superseded_by": "N"}
    book = book_with("2024-05-15", **said)
    if late == "replaced":
        book.add(
            "promises", promise_id="N", account_id="A", invoice_id="I", made_on="2024-06-20",
            known_on="2024-06-20", promised_on="2024-08-10", amount=100,
        )  # fmt: skip
    row = book.family(AS_OF, "promise_keeping", "item_promises")["I"]
    assert row["item_promise_broken"] == 1.0
    assert row["promise_kept_rate"] == rate(0, 1)


def test_a_promise_of_the_account_is_kept_by_receipts_in_its_currency() -> None:
    """100 dollars promised; 100 euros do not keep it, 100 dollars do."""
    promised = book_with("2024-06-28", invoice_id=None)
    euros = {"receipt_id": "R", "account_id": "A", "received_on": "2024-06-20", "amount": 100}
    promised.add("receipts", **euros, currency="EUR")
    assert promised.family("2024-07-10", "promise_keeping", "item_promises")["I"][
        "promise_kept_rate"
    ] == rate(0, 1)
    promised.add("receipts", **(euros | {"receipt_id": "S"}), currency="USD")
    assert promised.family("2024-07-10", "promise_keeping", "item_promises")["I"][
        "promise_kept_rate"
    ] == rate(1, 0)


def test_an_account_promise_is_judged_by_net_receipts() -> None:
    """The receipt that kept it comes back later: broken. An older one does not matter then."""
    book = book_with("2024-06-28", invoice_id=None)
    for name, on in (("OLD", "2024-06-01"), ("NEW", "2024-06-20")):
        book.add("receipts", receipt_id=name, account_id="A", received_on=on, amount=100)
    back = {"account_id": "A", "amount": 100, "kind": "bounced"}
    book.add("receipt_returns", return_id="B1", receipt_id="OLD", returned_on="2024-07-05", **back)
    assert book.family("2024-07-05", "promise_keeping", "item_promises")["I"][
        "promise_kept_rate"
    ] == rate(1, 0)
    book.add("receipt_returns", return_id="B2", receipt_id="NEW", returned_on="2024-07-06", **back)
    assert book.family("2024-07-06", "promise_keeping", "item_promises")["I"][
        "promise_kept_rate"
    ] == rate(0, 1)


def test_a_plan_on_an_item() -> None:
    """Three instalments of 50 from 20 June: two to come, 100 of 150, the next in 19 days."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 200).cash("I", "2024-06-20", 50)
    for number, due in enumerate(("2024-06-20", "2024-07-20", "2024-08-20"), start=1):
        book.add(
            "installments", plan_id="L", n=number, account_id="A", invoice_id="I",
            agreed_on="2024-06-05", due_on=due, amount=50,
        )  # fmt: skip
    row = book.family(AS_OF, "item_plans")["I"]
    assert row["item_planned_share"] == pytest.approx(100 / 150)
    assert row["days_to_installment"] == 19.0
    assert book.family("2024-07-20", "item_plans")["I"]["days_to_installment"] == 0.0


def test_a_plan_is_cancelled_once_that_is_known() -> None:
    """Cancelled as of 25 June, shown on 3 July."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 200)
    book.add(
        "installments", plan_id="L", n=1, account_id="A", invoice_id="I",
        agreed_on="2024-06-05", due_on="2024-07-20", amount=50,
        cancelled_on="2024-06-25", cancelled_known_on="2024-07-03",
    )  # fmt: skip
    assert book.family(AS_OF, "item_plans")["I"]["item_planned_share"] == 0.25
    assert book.family("2024-07-03", "item_plans")["I"]["item_planned_share"] == 0.0


def test_without_the_tables_promises_and_plans_are_missing() -> None:
    """Missing, not a rate of one half or a share of zero."""
    row = Books().invoice("I", "2024-04-01", "2024-05-01", 200).features(AS_OF)["I"]
    for name in ("promise_kept_rate", "item_promise_broken", "item_promised_share"):
        assert missing(row[name]), name
    assert missing(row["item_planned_share"])
