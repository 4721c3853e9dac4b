import logging
import traceback

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

from features.ledger.sensitive import (
    SensitiveDataError,
    check_column,
    check_names,
    denied_name,
    is_id_column,
    redact,
    refuse_sensitive,
)
from features.ledger.tables import TABLES

CARD = "5500000000000004"
TEXT_COLUMNS = [
    (table.name, column.name)
    for table in TABLES.values()
    for column in table.columns
    if column.kind == "text"
]


def _shown(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    return f"{error} {error!r} {error.args} {vars(error)} {text}"


@settings(deadline=None)
@given(
    place=st.sampled_from(TEXT_COLUMNS),
    others=st.lists(st.text(alphabet="ABC-012", max_size=8), max_size=20),
    secret=st.sampled_from(
        [CARD, "5500 0000 0000 0004", "paid by 5500-0000-0000-0004", "DE89370400440532013000"]
    ),
    data=st.data(),
)
def test_one_planted_secret_is_found_in_any_text_column(
    place: tuple[str, str], others: list[str], secret: str, data: st.DataObject
) -> None:
    """A single card number or IBAN in any text column refuses the table, and is never shown."""
    table, column = place
    at = data.draw(st.integers(0, len(others)))
    values = [*others[:at], secret, *others[at:]]
    with pytest.raises(SensitiveDataError) as caught:
        refuse_sensitive({table: pa.table({column: values})}, where="export.csv")
    assert (caught.value.table, caught.value.column, caught.value.rows) == (table, column, 1)
    assert caught.value.detector in {"card number", "IBAN"}
    shown = _shown(caught.value)
    assert secret not in shown
    assert CARD not in shown
    assert "import again" in str(caught.value)


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A refusal writes no log line."""
    with caplog.at_level(logging.DEBUG), pytest.raises(SensitiveDataError):
        check_column(pa.array([CARD, CARD, None]), table="accounts", column="name")
    assert caplog.text == ""


def test_repeated_rows_are_counted() -> None:
    """The error tells how many rows hold the secret, repeated ones too."""
    with pytest.raises(SensitiveDataError, match=r"3 row\(s\)"):
        check_column(
            pa.array([CARD, "x", CARD, None, f"no {CARD}"]).dictionary_encode(),
            table="accounts",
            column="name",
        )


@pytest.mark.parametrize("prefix", ["", "DOC"])
def test_a_number_range_of_its_own_is_not_taken_for_cards(prefix: str) -> None:
    """Sixteen-digit document numbers pass Luhn one time in ten, and are let through as ids."""
    ids = pa.array([f"{prefix}{4500000000000000 + number}" for number in range(500)])
    check_column(ids, table="invoices", column="invoice_id")
    with pytest.raises(SensitiveDataError, match="card number"):
        check_column(ids, table="accounts", column="name")


def test_cards_among_document_numbers_are_found_when_chance_does_not_explain_them() -> None:
    """An id column where far more than a tenth of the numbers pass Luhn is refused."""
    numbers = [f"{450000000000000 + number}" for number in range(100)]
    cards = [number + luhn.calc_check_digit(number) for number in numbers]
    documents = [f"{4600000000000000 + number}" for number in range(100)]
    with pytest.raises(SensitiveDataError):
        check_column(pa.array(cards + documents), table="receipts", column="receipt_id")
    with pytest.raises(SensitiveDataError):
        check_column(pa.array(cards), table="receipts", column="receipt_id")


def test_a_short_range_can_be_confirmed_by_a_person_for_id_columns_only() -> None:
    """document_numbers lets named id columns pass, and never free text."""
    tables = {"invoices": pa.table({"invoice_id": [CARD]})}
    with pytest.raises(SensitiveDataError, match="document_numbers"):
        refuse_sensitive(tables)
    refuse_sensitive(tables, document_numbers={("invoices", "invoice_id")})
    with pytest.raises(SensitiveDataError):
        refuse_sensitive(
            {"accounts": pa.table({"name": [CARD]})}, document_numbers={("accounts", "name")}
        )


def test_ids_that_are_usual_pass() -> None:
    """Padded, hexadecimal, prefixed and short ids are no card numbers in any number of rows."""
    for values in (
        [f"{number:016d}" for number in range(1000)],
        [f"INV-{number:010d}" for number in range(1000)],
        ["4028905f5a87c0ff015a87eb6b75007f", "550e8400-e29b-41d4-a716-446655440000"],
        ["0012000001ABCdeAAF", "4500012345"],
    ):
        check_column(pa.array(values), table="accounts", column="crm_id")
    check_column(pa.array([4111111111111111]), table="invoices", column="terms_days")


@pytest.mark.parametrize(
    "name",
    [
        "CVV", "pan", "IBAN", "iBAN", "card_number", "Card Number", "CreditCardNumber",
        "account_number_mask", "achAccountNumberMask", "achAbaCode", "SSN", "RequestString",
        "response_string", "creditCardHolderName", "identityNumber", "iPAddress", "tokenId",
        "second_token_id", "bankTransferAccountNumberMask", "phone", "E-Mail", "email",
        "CCNUM", "CCINS", "customer_bank_account_id", "IBY_EXT_BANKACCT", "BankAccountNumber",
        "payment_method_details.card", "PaymentMethod.AchAbaCode", "customer iban", "pin",
        "password", "api_key", "track2_data", "holder_card_number",
    ],
)  # fmt: skip
def test_denied_names_are_refused_whatever_they_hold(name: str) -> None:
    """Each name on the deny-list refuses the table, in any case and with any spaces."""
    with pytest.raises(SensitiveDataError, match="deny-list") as caught:
        check_names("receipts", ["receipt_id", name], where="receipts.csv")
    assert caught.value.rows == 0
    assert "receipts.csv" in str(caught.value)
    with pytest.raises(SensitiveDataError, match="deny-list"):
        refuse_sensitive({"receipts": pa.table({name: pa.nulls(1)})})


def test_no_column_of_the_contract_is_denied() -> None:
    """The deny-list leaves every ledger column alone, and near misses of its words."""
    for table in TABLES.values():
        check_names(table.name, table.column_names)
    for name in ("company", "expansion", "pinned", "caliban", "assign", "cardinality", "span"):
        assert not denied_name(name)


def test_file_and_column_names_are_redacted_too() -> None:
    """A card number in a file or column name does not reach the message."""
    with pytest.raises(SensitiveDataError) as caught:
        check_names("receipts", [f"cvv {CARD}"], where=f"{CARD}.csv")
    assert CARD not in _shown(caught.value)


def test_id_columns_are_told_by_their_names() -> None:
    """Keys are ids; names, reasons and free values are not."""
    ids = {column for _, column in TEXT_COLUMNS if is_id_column(column)}
    assert {"invoice_id", "account_id", "source_id", "superseded_by"} <= ids
    assert not ids & {"name", "reason", "outcome", "collector", "value", "segment", "code"}


@settings(deadline=None)
@given(st.text(max_size=30))
def test_redact_changes_nothing_but_secrets(text: str) -> None:
    """Text without a secret comes back as it is."""
    assert redact(text) in {text, "[redacted: card number]", "[redacted: IBAN]"}
    assert redact(redact(text)) == redact(text)
