import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def plan(*dues: str, on_item: bool = True, amount: float = 1000, each: float = 100) -> Books:
    """An item I and a plan agreed on 1 June, of equal instalments due on the given days."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", amount)
    for number, due_on in enumerate(dues, start=1):
        book.add(
            "installments", plan_id="L", n=number, account_id="A",
            invoice_id="I" if on_item else None, agreed_on="2024-06-01", due_on=due_on,
            amount=each,
        )  # fmt: skip
    return book


def missed(book: Books, on: str = AS_OF) -> float:
    """The share of item I that instalments overdue beyond the grace lack."""
    return book.family(on, "item_plans")["I"]["item_missed_installment_share"]


def test_the_instalments_of_a_hand_worked_plan() -> None:
    """Four of 100; two overdue, 30 paid: 170 missed and 200 to come of 970 open.

    ========== ========= =======================================
    due        days ago
    ========== ========= =======================================
    2024-06-10        21 overdue
    2024-06-20        11 overdue
    2024-07-10           to come, in 9 days
    2024-08-10           to come
    """
    book = plan("2024-06-10", "2024-06-20", "2024-07-10", "2024-08-10")
    row = book.cash("I", "2024-06-12", 30).family(AS_OF, "item_plans")["I"]
    worked = {
        "item_missed_installment_share": (200 - 30) / 970,
        "item_planned_share": 200 / 970,
        "days_to_installment": 9,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name


def test_an_item_on_no_plan_has_missed_nothing() -> None:
    """Where the source tells plans none is a fact; a next instalment there is none."""
    row = plan().has("installments").family(AS_OF, "item_plans")["I"]
    assert row["item_missed_installment_share"] == 0.0
    assert missing(row["days_to_installment"])


@pytest.mark.parametrize(
    ("due_on", "share"),
    [("2024-06-27", 0.1), ("2024-06-28", 0.0), ("2024-07-01", 0.0), ("2024-07-10", 0.0)],
)
def test_an_instalment_is_missed_the_day_after_its_grace(due_on: str, share: float) -> None:
    """100 of 1,000: four days ago is missed, three days ago is within the grace."""
    assert missed(plan(due_on)) == share


@pytest.mark.parametrize(
    ("cause", "on", "amount", "share"),
    [
        ("cash", "2024-06-01", 100, 0.0),  # the day the plan was agreed
        ("cash", "2024-05-31", 100, 100 / 900),  # before the plan
        ("cash", "2024-06-30", 100, 0.0),  # late, and paid
        ("cash", "2024-06-10", 60, 40 / 940),
        ("cash", "2024-06-10", 300, 0.0),  # paid ahead
        ("credit", "2024-06-10", 100, 100 / 900),  # no cash
    ],
)
def test_cash_since_the_plan_was_agreed_covers_it(
    cause: str, on: str, amount: float, share: float
) -> None:
    """One instalment of 100, due on 10 June."""
    assert missed(plan("2024-06-10").post("I", cause, on, amount)) == pytest.approx(share)


def test_cash_that_came_back_covers_nothing() -> None:
    """Paid on 10 June, bounced on 20 June."""
    book = plan("2024-06-10").cash("I", "2024-06-10", 100, source_id="R")
    book.post("I", "cash_return", "2024-06-20", -100, source_id="R")
    assert missed(book, "2024-06-19") == 0.0
    assert missed(book) == 0.1


def test_cash_known_later_covers_later() -> None:
    """Paid on 10 June, entered on 5 July."""
    book = plan("2024-06-10").cash("I", "2024-06-10", 100, known="2024-07-05")
    assert missed(book) == 0.1
    assert missed(book, "2024-07-05") == 0.0


def test_no_more_is_missed_than_is_open() -> None:
    """Two instalments of 100 missed on an item of which 150 are open."""
    assert missed(plan("2024-06-10", "2024-06-20", amount=150)) == 1.0


def test_a_cancelled_plan_was_missed_until_that_is_known() -> None:
    """Cancelled as of 15 June, entered on 5 July; known later still it is not seen at all."""
    book = plan("2024-06-10")
    row = book.rows["installments"][0]
    row |= {
        "cancelled_on": row["due_on"].replace(day=15),
        "cancelled_known_on": row["due_on"].replace(month=7, day=5),
    }
    assert missed(book) == 0.1
    assert missed(book, "2024-07-05") == 0.0
    row |= {"known_on": row["cancelled_known_on"]}
    assert missed(book) == 0.0


def test_a_plan_of_the_account_is_on_all_its_items_by_what_is_open() -> None:
    """Two of 100 on the account: one overdue with 40 paid, one to come, of 960 + 540 open.

    Either item has missed 60 of 1,500 and is on the plan to 100 of 1,500. Euros are on no plan.
    """
    book = plan("2024-06-10", "2024-07-10", on_item=False)
    book.invoice("J", "2024-05-01", "2024-06-01", 540)
    book.invoice("E", "2024-05-01", "2024-06-01", 540, currency="EUR")
    rows = book.cash("I", "2024-06-12", 40).family(AS_OF, "item_plans")
    for invoice in ("I", "J"):
        assert rows[invoice]["item_missed_installment_share"] == pytest.approx(60 / 1500)
        assert rows[invoice]["item_planned_share"] == pytest.approx(100 / 1500)
        assert rows[invoice]["days_to_installment"] == 9
    assert (rows["E"]["item_missed_installment_share"], rows["E"]["item_planned_share"]) == (0, 0)
    assert missing(rows["E"]["days_to_installment"])


def test_plans_of_an_item_and_of_its_account_add_up() -> None:
    """100 missed on the item and 200 on the account, of 1,000; the nearer instalment is next."""
    book = plan("2024-06-10", "2024-07-20")
    for number, (due_on, amount) in enumerate((("2024-06-15", 200), ("2024-07-05", 50))):
        book.add(
            "installments", plan_id="M", n=number, account_id="A", agreed_on="2024-06-01",
            due_on=due_on, amount=amount,
        )  # fmt: skip
    row = book.family(AS_OF, "item_plans")["I"]
    assert row["item_missed_installment_share"] == pytest.approx(0.3)
    assert row["item_planned_share"] == pytest.approx(0.15)
    assert row["days_to_installment"] == 4


def test_plans_of_two_items_and_currencies_stay_apart() -> None:
    """100 of 1,000 dollars and 100 of 400 euros missed; 100 dollars cover the dollars alone."""
    book = plan("2024-06-10").invoice("E", "2024-04-01", "2024-05-01", 400, currency="EUR")
    book.add(
        "installments", plan_id="L", n=2, account_id="A", invoice_id="E", currency="EUR",
        agreed_on="2024-06-01", due_on="2024-06-10", amount=100,
    )  # fmt: skip
    rows = book.cash("I", "2024-06-10", 100).family(AS_OF, "item_plans")
    assert rows["I"]["item_missed_installment_share"] == 0.0
    assert rows["E"]["item_missed_installment_share"] == 0.25


def test_cash_on_an_invoice_that_is_not_known_yet_covers_nothing() -> None:
    """Paid in advance on 12 June, billed in the books on 3 July: 100 missed until then."""
    book = plan("2024-06-10", on_item=False)
    book.invoice("J", "2024-06-01", "2024-07-01", 500, known_on="2024-07-03")
    book.cash("J", "2024-06-12", 100)
    assert missed(book) == 100 / 1000
    assert missed(book, "2024-07-03") == 0.0
