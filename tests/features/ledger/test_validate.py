from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger.arrow import arrow_schema
from features.ledger.tables import TABLES
from features.ledger.validate import Validated, validate

DAY = date(2024, 1, 31)
MONEY = Decimal("10.00")
GOOD: dict[str, dict[str, object]] = {
    "accounts": {"account_id": "A1", "currency": "USD"},
    "invoices": {
        "invoice_id": "I1", "account_id": "A1", "kind": "invoice", "issued_on": DAY,
        "amount": MONEY, "currency": "USD", "known_on": DAY,
    },
    "applications": {
        "application_id": "P1", "invoice_id": "I1", "account_id": "A1", "cause": "cash",
        "applied_on": DAY, "known_on": DAY, "amount": MONEY,
    },
    "receipts": {
        "receipt_id": "R1", "account_id": "A1", "received_on": DAY, "known_on": DAY,
        "amount": MONEY, "currency": "USD",
    },
    "receipt_returns": {
        "return_id": "B1", "receipt_id": "R1", "account_id": "A1", "returned_on": DAY,
        "known_on": DAY, "amount": MONEY, "currency": "USD", "kind": "bounced",
    },
    "credits": {
        "credit_id": "C1", "account_id": "A1", "issued_on": DAY, "known_on": DAY,
        "amount": MONEY, "currency": "USD",
    },
    "disputes": {
        "dispute_id": "D1", "account_id": "A1", "invoice_id": "I1", "opened_on": DAY,
        "known_on": DAY, "amount": MONEY, "currency": "USD",
    },
    "promises": {
        "promise_id": "M1", "account_id": "A1", "made_on": DAY, "promised_on": DAY,
        "amount": MONEY, "currency": "USD", "known_on": DAY,
    },
    "installments": {
        "plan_id": "L1", "n": 1, "account_id": "A1", "agreed_on": DAY, "due_on": DAY,
        "amount": MONEY, "currency": "USD", "known_on": DAY,
    },
    "account_flags": {"account_id": "A1", "flag": "legal", "from_on": DAY, "known_on": DAY},
    "contacts": {"contact_id": "K1", "account_id": "A1", "contacted_on": DAY},
    "due_date_changes": {"invoice_id": "I1", "known_on": DAY, "due_on": DAY},
    "account_changes": {"account_id": "A1", "known_on": DAY, "column": "segment", "value": "S"},
    "fx_rates": {"currency": "EUR", "rate_on": DAY, "rate": Decimal("1.1")},
}  # fmt: skip


def _tables(**rows: list[dict[str, object]]) -> dict[str, pa.Table]:
    return {
        name: pa.Table.from_pylist(given_rows, schema=arrow_schema(TABLES[name]))
        for name, given_rows in rows.items()
    }


def _with(table: str, /, **changed: object) -> dict[str, object]:
    return {**GOOD[table], **changed}


def _verdict(result: Validated) -> list[tuple[str, int, str, str]]:
    return [(bad.table, bad.row, bad.rule, bad.column) for bad in result.rejected]


def test_rows_that_keep_the_contract_pass_unchanged() -> None:
    """A good row of every table is accepted as it is."""
    tables = _tables(**{name: [row] for name, row in GOOD.items()})
    result = validate(tables)
    assert result.rejected == []
    assert result.accepted == tables
    assert set(result.duplicates.values()) == {0}
    assert set(GOOD) == set(TABLES)


REQUIRED = [
    (table.name, column.name)
    for table in TABLES.values()
    for column in table.columns
    if column.required
]


@pytest.mark.parametrize(("name", "column"), REQUIRED)
def test_required_values_must_be_there(name: str, column: str) -> None:
    """Each required column refuses a row without a value, and only that row."""
    tables = _tables(**{table: [row] for table, row in GOOD.items()})
    tables[name] = _tables(**{name: [GOOD[name], _with(name, **{column: None})]})[name]
    result = validate(tables)
    assert _verdict(result) == [(name, 2, "required", column)]
    assert result.accepted[name].num_rows == 1


@pytest.mark.parametrize(
    ("name", "changed", "rule"),
    [
        ("invoices", {"kind": "Invoice"}, "choice"),
        ("invoices", {"billing_kind": "weekly"}, "choice"),
        ("applications", {"cause": "paid"}, "choice"),
        ("account_changes", {"column": "balance"}, "choice"),
        ("invoices", {"amount": Decimal(0)}, "sign"),
        ("invoices", {"amount": Decimal("-0.01")}, "sign"),
        ("applications", {"amount": Decimal(0)}, "sign"),
        ("accounts", {"credit_limit": Decimal(-1)}, "sign"),
        ("installments", {"n": 0}, "sign"),
        ("fx_rates", {"rate": Decimal(0)}, "sign"),
        ("applications", {"amount": Decimal(10) ** 15}, "size"),
        ("applications", {"amount": -(Decimal(10) ** 15)}, "size"),
        ("invoices", {"terms_days": 10**9}, "size"),
        ("invoices", {"known_on": date(1949, 12, 31)}, "day"),
        ("invoices", {"due_on": date(1949, 12, 31)}, "day"),
        ("invoices", {"due_on": date(2151, 1, 1)}, "day"),
        ("invoices", {"currency": "usd"}, "currency"),
        ("accounts", {"currency": "US$"}, "currency"),
        ("receipts", {"currency": "USDX"}, "currency"),
        ("invoices", {"account_id": "A9"}, "orphan"),
        ("receipts", {"account_id": "A9"}, "orphan"),
        ("contacts", {"account_id": "A9"}, "orphan"),
        ("applications", {"invoice_id": "I9"}, "orphan"),
        ("disputes", {"invoice_id": "I9"}, "orphan"),
        ("due_date_changes", {"invoice_id": "I9"}, "orphan"),
    ],
)
def test_each_rule_refuses_the_row_that_breaks_it(
    name: str, changed: dict[str, object], rule: str
) -> None:
    """The record names table, source row, rule, column and value."""
    tables = _tables(**{table: [row] for table, row in GOOD.items()})
    key = TABLES[name].key[0]
    shared = key in {"invoice_id", "account_id", "currency"}
    fresh: dict[str, object] = {} if shared else {key: "X"}
    tables[name] = _tables(**{name: [GOOD[name], {**_with(name, **fresh), **changed}]})[name]
    result = validate(tables, source_rows={name: pa.array([5, 8])})
    ((column, value),) = changed.items()
    assert _verdict(result) == [(name, 8, rule, column)]
    if isinstance(value, Decimal):
        assert Decimal(str(result.rejected[0].value)) == value
    assert result.accepted[name].to_pylist()[0].items() >= GOOD[name].items()


def test_bounds_themselves_are_accepted() -> None:
    """The first and last day, the smallest and the largest amount are inside."""
    edges = [
        _with("applications", application_id="1", amount=Decimal("999999999999999.99")),
        _with("applications", application_id="2", amount=Decimal("-0.01")),
        _with("applications", application_id="3", applied_on=date(1950, 1, 1)),
        _with("applications", application_id="4", applied_on=date(2150, 12, 31)),
    ]
    tables = _tables(accounts=[GOOD["accounts"]], invoices=[GOOD["invoices"]], applications=edges)
    assert validate(tables).rejected == []


def test_every_fault_of_a_row_is_told() -> None:
    """A row that breaks three rules makes three records and is refused once."""
    bad = _with("invoices", amount=Decimal(0), currency="x", kind=None)
    result = validate(_tables(accounts=[GOOD["accounts"]], invoices=[bad, GOOD["invoices"]]))
    assert sorted(rule for _, _, rule, _ in _verdict(result)) == ["currency", "required", "sign"]
    assert result.accepted["invoices"].num_rows == 1


def test_an_application_must_belong_to_the_account_of_its_invoice() -> None:
    """Cash of one account on another's invoice is refused under the rule `account`."""
    accounts = [GOOD["accounts"], _with("accounts", account_id="A2")]
    applications = [_with("applications", account_id="A2")]
    result = validate(
        _tables(accounts=accounts, invoices=[GOOD["invoices"]], applications=applications)
    )
    assert _verdict(result) == [("applications", 1, "account", "account_id")]


def test_children_of_a_refused_row_are_orphans() -> None:
    """What hangs on a refused invoice is refused with it, and says so."""
    tables = _tables(
        accounts=[GOOD["accounts"]],
        invoices=[_with("invoices", amount=Decimal(-1))],
        applications=[GOOD["applications"]],
    )
    assert _verdict(validate(tables)) == [
        ("invoices", 1, "sign", "amount"),
        ("applications", 1, "orphan", "invoice_id"),
    ]


def test_parents_may_have_come_with_earlier_batches() -> None:
    """Known accounts and invoices are parents, whatever form they are given in."""
    tables = _tables(applications=[GOOD["applications"]], receipts=[GOOD["receipts"]])
    known = pa.table({"account_id": ["A1"], "invoice_id": ["I1"]})
    for accounts in ({"A1"}, ["A1"], pa.array(["A1"]), known["account_id"]):
        result = validate(tables, known_accounts=accounts, known_invoices=known)
        assert result.rejected == []
    wrong = pa.table({"account_id": ["A2"], "invoice_id": ["I1"]})
    result = validate(tables, known_accounts={"A1"}, known_invoices=wrong)
    assert _verdict(result) == [("applications", 1, "account", "account_id")]


def test_twins_are_dropped_versions_kept_and_conflicts_refused() -> None:
    """Equal rows count once; another day is a version; another content on one day a conflict."""
    later = date(2024, 2, 1)
    rows = [
        GOOD["invoices"],
        GOOD["invoices"],
        _with("invoices", amount=Decimal(11)),
        _with("invoices", amount=Decimal(11), known_on=later),
        GOOD["invoices"],
    ]
    result = validate(_tables(accounts=[GOOD["accounts"]], invoices=rows))
    assert _verdict(result) == [("invoices", 3, "conflict", "invoice_id")]
    assert result.duplicates["invoices"] == 2
    assert [row["known_on"] for row in result.accepted["invoices"].to_pylist()] == [DAY, later]


def test_tables_without_a_clock_have_one_content_a_key() -> None:
    """A second content of an account in one batch is a conflict."""
    rows = [GOOD["accounts"], _with("accounts", name="Acme"), GOOD["accounts"]]
    result = validate(_tables(accounts=rows))
    assert _verdict(result) == [("accounts", 2, "conflict", "account_id")]
    assert result.duplicates == {"accounts": 1}


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "invoice_id": st.sampled_from(["I1", "I2", "I3", None]),
                "account_id": st.sampled_from(["A1", "A2", "A9"]),
                "known_on": st.sampled_from([DAY, date(2024, 2, 1), date(1900, 1, 1)]),
                "amount": st.sampled_from([MONEY, Decimal(11), Decimal(0)]),
            }
        ),
        max_size=12,
    )
)
def test_every_row_is_accepted_refused_or_a_duplicate(drawn: list[dict[str, object]]) -> None:
    """No row is lost, and what was accepted is accepted again with nothing to say."""
    accounts = [GOOD["accounts"], _with("accounts", account_id="A2")]
    invoices = [_with("invoices", **row) for row in drawn]
    result = validate(_tables(accounts=accounts, invoices=invoices))
    refused = {bad.row for bad in result.rejected}
    accepted = result.accepted["invoices"]
    assert accepted.num_rows + len(refused) + result.duplicates["invoices"] == len(drawn)
    again = validate({**result.accepted})
    assert again.rejected == []
    assert again.accepted == result.accepted
    shown = [(row["invoice_id"], row["known_on"]) for row in accepted.to_pylist()]
    assert len(shown) == len(set(shown))


def test_empty_and_chunked_tables_are_tables() -> None:
    """No rows are no fault, and rows may come in several chunks."""
    empty = {name: arrow_schema(table).empty_table() for name, table in TABLES.items()}
    assert validate(empty).accepted == empty
    accounts = _tables(accounts=[GOOD["accounts"], _with("accounts", account_id=None)])["accounts"]
    chunked = pa.concat_tables([accounts.slice(0, 1), accounts.slice(1)])
    result = validate({"accounts": chunked}, source_rows={"accounts": pa.chunked_array([[3], [4]])})
    assert _verdict(result) == [("accounts", 4, "required", "account_id")]


def test_tables_that_are_not_typed_are_a_mistake_of_the_caller() -> None:
    """An unknown table or another schema raises, with what differs."""
    with pytest.raises(ValueError, match="'orders' is not in the contract"):
        validate({"orders": pa.table({"a": [1]})})
    with pytest.raises(ValueError, match=r"differs in .*account_id"):
        validate({"accounts": pa.table({"account_id": [1]})})


def test_values_of_refused_rows_are_redacted() -> None:
    """A card number in a choice column is refused and not shown."""
    rows = [_with("invoices", kind="4111 1111 1111 1111")]
    result = validate(_tables(accounts=[GOOD["accounts"]], invoices=rows))
    assert [bad.value for bad in result.rejected] == ["[redacted: card number]"]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("credit_limit", "1,500.00", "money"),
        ("credit_limit", "much", "money"),
        ("autopay", "yes", "boolean"),
        ("opened_on", "31.01.2024", "date"),
        ("credit_limit", "1500.00", None),
        ("credit_limit", None, None),
        ("autopay", "True", None),
        ("opened_on", "2024-01-31", None),
        ("segment", "1,500.00", None),
    ],
)
def test_a_changed_value_is_written_as_its_column_is_stored(
    column: str, value: str | None, rule: str | None
) -> None:
    """What no query could read as the column is refused, with the value."""
    change = GOOD["account_changes"] | {"column": column, "value": value}
    result = validate(_tables(accounts=[GOOD["accounts"]], account_changes=[change]))
    expected = [] if rule is None else [(rule, "value", value)]
    assert [(one.rule, one.column, one.value) for one in result.rejected] == expected
