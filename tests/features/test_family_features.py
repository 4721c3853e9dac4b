import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def group(*, changes: bool = True) -> Books:
    """P with its children C1 and C2; X, Y stand alone; all items of one currency.

    ======= ====== ======== ==== ========================================
    account parent open     late paid in the year, days beyond terms
    ======= ====== ======== ==== ========================================
    P       -      1,000       0 0
    C1      P        400     100 40
    C2      P        600     300 10 and 20
    X       -        500     500 90
    Y       -         50       0 (nothing)
    """
    book = Books()
    for name, parent in (("P", None), ("C1", "P"), ("C2", "P"), ("X", None), ("Y", None)):
        book.add("accounts", account_id=name, parent_account_id=parent)
    open_items = (
        ("P", 1000, 0), ("C1", 300, 100), ("C2", 300, 300), ("X", 0, 500), ("Y", 50, 0),
    )  # fmt: skip
    for name, current, late in open_items:
        if current:
            book.invoice(name, "2024-06-01", "2024-07-31", current, account_id=name)
        if late:
            book.invoice(f"{name}-late", "2024-05-01", "2024-06-01", late, account_id=name)
    payments = (
        ("P", "2024-04-01"), ("C1", "2024-05-11"), ("C2", "2024-04-11"), ("C2", "2024-04-21"),
        ("X", "2024-06-30"),
    )  # fmt: skip
    for name, paid_on in payments:
        invoice = f"{name}-{paid_on}"
        book.invoice(invoice, "2024-03-01", "2024-04-01", 100, account_id=name)
        book.cash(invoice, paid_on, 100)
    return book.has("account_changes") if changes else book


def test_the_family_of_a_hand_worked_account() -> None:
    """Each account beside its relatives, itself left out."""
    rows = group().family(AS_OF, "family")
    worked = {
        "C1": {  # P and C2: 300 of 1,600 late; 0, 10 and 20 days
            "family_members": 2,
            "family_past_due_share": 300 / 1600,
            "family_dbt_mean_365": 30 / 3,
        },
        "C2": {  # P and C1: 100 of 1,400 late; 0 and 40 days
            "family_members": 2,
            "family_past_due_share": 100 / 1400,
            "family_dbt_mean_365": 40 / 2,
        },
        "P": {  # C1 and C2: 400 of 1,000 late; 40, 10 and 20 days
            "family_members": 2,
            "family_past_due_share": 400 / 1000,
            "family_dbt_mean_365": 70 / 3,
        },
    }
    for account, values in worked.items():
        for name, value in values.items():
            assert rows[account][name] == pytest.approx(value), (account, name)


def test_accounts_that_stand_alone_are_no_family_of_each_other() -> None:
    """X and Y have no parent: no relatives, and nothing to say of them."""
    rows = group().family(AS_OF, "family")
    for name in ("X-late", "Y"):
        assert rows[name]["family_members"] == 0.0
        assert missing(rows[name]["family_past_due_share"])
        assert missing(rows[name]["family_dbt_mean_365"])


def test_a_parent_that_changes_counts_from_the_day_it_is_known() -> None:
    """C2 moves from P to X, dated 20 June, known on 20 June; C1 to Y, known on 5 July."""
    book = group()
    for name, known_on, parent in (("C2", "2024-06-20", "X"), ("C1", "2024-07-05", "Y")):
        book.add(
            "account_changes", account_id=name, known_on=known_on, column="parent_account_id",
            value=parent,
        )  # fmt: skip
    members = {
        on: {name: rows[name]["family_members"] for name in ("P", "C1", "C2", "X-late", "Y")}
        for on in ("2024-06-19", AS_OF, "2024-07-05")
        for rows in [book.family(on, "family")]
    }
    assert members["2024-06-19"] == {"P": 2, "C1": 2, "C2": 2, "X-late": 0, "Y": 0}
    assert members[AS_OF] == {"P": 1, "C1": 1, "C2": 1, "X-late": 1, "Y": 0}
    assert members["2024-07-05"] == {"P": 0, "C1": 1, "C2": 1, "X-late": 1, "Y": 1}
    row = book.family(AS_OF, "family")["C2"]
    # X alone: 500 of 500 late, paid 90 days late
    assert (row["family_past_due_share"], row["family_dbt_mean_365"]) == (1.0, 90.0)


def test_a_parent_set_to_nothing_leaves_the_account_alone() -> None:
    """C1 left its group on 20 June."""
    book = group().add(
        "account_changes", account_id="C1", known_on="2024-06-20", column="parent_account_id",
        value=None,
    )  # fmt: skip
    rows = book.family(AS_OF, "family")
    assert (rows["C1"]["family_members"], rows["P"]["family_members"]) == (0.0, 1.0)
    assert missing(rows["C1"]["family_past_due_share"])


def test_siblings_are_a_family_without_their_parent() -> None:
    """The parent has no open item, or no account of its own: C1 and C2 have each other."""
    book = Books().has("account_changes")
    for name in ("C1", "C2"):
        book.add("accounts", account_id=name, parent_account_id="HOLDING")
        book.invoice(name, "2024-06-01", "2024-07-31", 100, account_id=name)
    row = book.family(AS_OF, "family")["C1"]
    assert (row["family_members"], row["family_past_due_share"]) == (1.0, 0.0)
    # C2 never paid: no mean of nothing
    assert missing(row["family_dbt_mean_365"])


def test_relatives_are_those_with_open_items_in_the_same_currency() -> None:
    """P owes euros as well, Q euros alone: the dollars of C see P, the euros of P see Q."""
    book = Books().has("account_changes")
    for name, parent in (("P", None), ("C", "P"), ("Q", "P")):
        book.add("accounts", account_id=name, parent_account_id=parent)
    book.invoice("P", "2024-06-01", "2024-07-31", 100, account_id="P")
    book.invoice("P-EUR", "2024-05-01", "2024-06-01", 100, account_id="P", currency="EUR")
    book.invoice("C", "2024-06-01", "2024-07-31", 100, account_id="C")
    book.invoice("Q", "2024-05-01", "2024-06-01", 300, account_id="Q", currency="EUR")
    book.paid("P-paid", "2024-03-01", "2024-04-01", "2024-04-06")
    book.rows["invoices"][-1]["account_id"] = book.rows["applications"][-1]["account_id"] = "P"
    rows = book.family(AS_OF, "family")
    assert {name: rows[name]["family_members"] for name in rows} == dict.fromkeys(
        ("P", "P-EUR", "C", "Q"), 1.0
    )
    assert rows["C"]["family_past_due_share"] == 0.0
    assert rows["P-EUR"]["family_past_due_share"] == 1.0
    # How late P pays is a habit of P, whatever the currency.
    assert rows["C"]["family_dbt_mean_365"] == rows["Q"]["family_dbt_mean_365"] == 5.0


def test_undated_items_of_relatives_are_neither_late_nor_current() -> None:
    """Of what C2 owes 100 is late and 900 undated: all that has an age is late."""
    book = Books().has("account_changes")
    for name in ("C1", "C2"):
        book.add("accounts", account_id=name, parent_account_id="P")
    book.invoice("C1", "2024-06-01", None, 100, account_id="C1")
    book.invoice("C2", "2024-05-01", "2024-06-01", 100, account_id="C2")
    book.invoice("C2-undated", "2024-05-01", None, 900, account_id="C2")
    rows = book.family(AS_OF, "family")
    assert rows["C1"]["family_past_due_share"] == 1.0
    assert missing(rows["C2"]["family_past_due_share"])


def test_what_relatives_paid_counts_for_a_year_and_once_it_is_known() -> None:
    """C2 paid 10 days late 364 days ago, 30 days late 365 days ago, and on 1 June unseen."""
    book = Books().has("account_changes")
    for name in ("C1", "C2"):
        book.add("accounts", account_id=name, parent_account_id="P")
        book.invoice(name, "2024-06-01", "2024-07-31", 100, account_id=name)
    for name, due, paid_on, known in (
        ("IN", "2023-06-23", "2023-07-03", "2023-07-03"),
        ("OUT", "2023-06-02", "2023-07-02", "2023-07-02"),
        ("UNSEEN", "2024-05-12", "2024-06-01", "2024-07-02"),
    ):
        book.invoice(name, "2023-05-01", due, 100, account_id="C2")
        book.cash(name, paid_on, 100, known=known)
    assert book.family(AS_OF, "family")["C1"]["family_dbt_mean_365"] == 10.0
    # A day later the first is out as well, and the 20 days of 1 June are seen.
    assert book.family("2024-07-02", "family")["C1"]["family_dbt_mean_365"] == 20.0


def test_without_dated_parents_there_is_no_family() -> None:
    """Without account_changes the parent may have been overwritten: missing."""
    row = group(changes=False).features(AS_OF)["C1"]
    for name in ("family_members", "family_past_due_share", "family_dbt_mean_365"):
        assert missing(row[name]), name
