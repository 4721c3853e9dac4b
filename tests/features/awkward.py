"""Rows that two engines are likely to read differently, written by hand."""

from tests.features.books import Books


def awkward_books(*, required_only: bool = False) -> Books:
    """Return books of many currencies, names, versions and nulls around February 2024."""
    books = Books(known_through="2024-12-31")
    _write_accounts(books)
    _write_invoices(books)
    if not required_only:
        _write_history(books)
        _write_cash(books)
        _write_commitments(books)
    return books


def _write_accounts(books: Books) -> None:
    # text is ordered by bytes: upper case first, accents after z, and beyond the basic plane last
    names = ["a", "B", "Zoë", "zeta", "Ångström", " padded", "\ufffd", "\U0001f4b8", "10", "9"]
    for number, name in enumerate(names):
        books.add(
            "accounts",
            account_id=name,
            parent_account_id=[None, "a", "nobody"][number % 3],
            currency=[None, "USD", "EUR"][number % 3],
            autopay=[None, True, False][number % 3],
        )
        books.invoice(f"{name}/1", "2023-12-01", "2024-01-01", number + 10, account_id=name)
        books.invoice(f"{name}/0", "2023-01-31", "2023-02-28", 10.05, account_id=name)
        books.cash(f"{name}/0", "2023-03-01", 10.05)


def _write_invoices(books: Books) -> None:
    books.invoice("undated", "2024-01-10", None, 500.0, kind="debit_memo")
    books.invoice("undated too", "2024-01-10", None, 0.99, account_id="undated only")
    books.invoice("euro", "2024-01-01", "2024-01-31", 77.77, currency="EUR")
    books.invoice("yen", "2024-01-01", "2024-02-29", 12345.0, currency="JPY", terms_days=59)
    books.invoice("large", "2023-06-01", "2023-06-30", 99_999_999_999.99, billing_kind="usage")
    books.invoice("tolerated", "2023-06-01", "2023-06-30", 1.0)
    books.invoice("rest", "2023-06-01", "2023-06-30", 100.0).cash("rest", "2023-07-05", 96.0)
    books.invoice("early", "2024-02-20", "2024-02-10", 40.0, kind="finance_charge")
    books.cash("early", "2024-01-15", 10.0).post("early", "discount", "2024-02-21", 0.5)
    # versions of one row: another amount, another due date, taken back within a day
    for known, due, amount in (
        ("2024-01-02", "2024-01-31", 60.0),
        ("2024-02-01", "2024-03-31", 66.0),
        ("2024-03-01", None, 66.0),
    ):
        books.invoice("restated", "2024-01-01", due, amount, known_on=known)
    books.invoice("old", "2023-11-01", "2023-11-30", 30.0, po_number_missing=True)
    books.post("old", "credit", "2024-01-20", 30.0)
    books.invoice(
        "new", "2024-01-20", "2024-02-19", 30.0, replaces_invoice_id="old", po_number_missing=False
    )
    for known, amount in (("2024-01-03", 5.0), ("2024-01-08", 7.5), ("2024-02-20", 6.25)):
        books.cash("yen", "2024-01-03", amount, application_id="again", known=known)
    books.cash("large", "2024-01-05", 1_000_000.0).post("large", "cash_return", "2024-01-09", -1e6)
    books.post("large", "write_off", "2024-02-01", 0.01)
    books.cash("euro", "2024-01-12", 7.77, source_id="R-euro")
    books.post("euro", "unapply", "2024-01-20", -7.77, source_id="R-euro")
    for month in range(1, 13):  # paid early, on time and late, on every weekday, in parts
        paid_on = f"2023-{month:02d}-{min(28, 2 * month + 3):02d}"
        name = f"paid {month}"
        books.invoice(name, f"2022-{month:02d}-28", f"2023-{month:02d}-15", 100.0 + month)
        books.cash(name, paid_on, 60.0).cash(name, paid_on, 40.0 + month)
    books.paid("over", "2023-05-01", "2023-05-31", "2023-05-31", 80.0).cash("over", "2023-06-01", 5)


def _write_history(books: Books) -> None:
    books.has("contacts", "account_flags", "fx_rates")
    books.add("due_date_changes", invoice_id="undated", known_on="2024-02-01", due_on="2024-02-15")
    books.add("due_date_changes", invoice_id="yen", known_on="2024-01-15", due_on="2024-01-02")
    for account, column, value in (
        ("a", "autopay", "TRUE"),
        ("B", "autopay", "0"),
        ("Zoë", "autopay", None),
        ("a", "credit_limit", "1000.005"),
        ("B", "credit_limit", "0"),
        ("zeta", "credit_limit", None),
        ("9", "credit_limit", "1e3"),
        ("zeta", "parent_account_id", "a"),
        ("9", "parent_account_id", None),
    ):
        books.add(
            "account_changes", account_id=account, column=column, value=value, known_on="2023-05-05"
        )


def _write_cash(books: Books) -> None:
    for number, (method, code) in enumerate(
        [("ach", " r01 "), ("card", "AM04"), (None, None), ("direct_debit", "?"), ("check", "R02")]
    ):
        receipt = f"R{number}"
        books.add(
            "receipts",
            receipt_id=receipt,
            account_id="A",
            received_on=f"2024-01-{number + 1:02d}",
            amount=20.0,
            method=method,
            provisional_until="2024-02-29" if number == 0 else None,
        )
        books.add(
            "receipt_returns",
            return_id=f"B{number}",
            receipt_id=receipt,
            account_id="A",
            returned_on=f"2024-01-{number + 10}",
            amount=20.0,
            kind=["ach_return", "chargeback", "bounced", "refund", "void"][number],
            code=code,
        )
    books.add("receipts", receipt_id="R-euro", account_id="A", received_on="2024-01-12",
              amount=17.77, currency="EUR")  # fmt: skip
    books.add("credits", credit_id="C", account_id="A", issued_on="2024-01-20", amount=33.33)


def _write_commitments(books: Books) -> None:
    for number, (opened, closed, shown, invoice) in enumerate(
        [
            ("2023-12-20", None, None, "euro"),
            ("2023-10-01", "2023-11-15", "2023-11-20", None),
            ("2023-10-01", "2024-01-01", None, "large"),
            ("2022-10-01", None, "2022-12-01", "undated"),
        ]
    ):
        books.add("disputes", dispute_id=f"D{number}", account_id="A", invoice_id=invoice,
                  opened_on=opened, closed_on=closed, closed_known_on=shown, amount=50.5,
                  currency=["EUR", "USD", "USD", "USD"][number])  # fmt: skip
    for number, (made, promised, invoice, more) in enumerate(
        [
            ("2024-01-01", "2024-01-06", "large", {}),
            ("2024-01-10", "2024-02-20", "yen", {"currency": "JPY"}),
            ("2024-01-01", "2024-01-12", None, {"currency": "EUR"}),
            ("2024-01-01", "2024-01-05", None, {"superseded_by": "S2"}),
            ("2024-01-01", "2024-03-05", "undated", {"withdrawn_on": "2024-02-10"}),
            ("2024-01-01", "2024-01-04", None, {}),
        ]
    ):
        books.add("promises", promise_id=f"S{number}", account_id="A", invoice_id=invoice,
                  made_on=made, promised_on=promised, amount=15.15, **more)  # fmt: skip
    for n, (due, invoice, cancelled) in enumerate(
        [
            ("2024-01-15", "large", None),
            ("2024-02-15", "large", None),
            ("2024-03-15", None, "2024-02-01"),
            ("2024-02-12", None, None),
        ],
        start=1,
    ):
        books.add("installments", plan_id="P", n=n, account_id="A", invoice_id=invoice,
                  agreed_on="2023-12-31", due_on=due, amount=25.25, cancelled_on=cancelled,
                  cancelled_known_on="2024-02-20" if cancelled else None)  # fmt: skip
