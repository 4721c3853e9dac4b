import re
from datetime import date
from pathlib import Path

import pytest

from features.sources.base import ContractError
from features.sources.mapping_file import parse_mapping, read_mapping

GOOD = """
known_through = 2024-03-31
time_zone = "Europe/Berlin"
maturity_lag_days = 3
reporting_currency = "EUR"
document_numbers = ["invoices.invoice_id"]
[applications]
query = "select 1"
constants = { known_on = 2024-03-31 }
[accounts]
table = "erp.customers"
columns.account_id = "customer_no"
constants = { currency = "EUR", autopay = false, name = 7 }
[invoices]
table = "erp.items"
values = { kind = { RV = "invoice" }, po_number_missing = { X = true } }
"""


def test_a_mapping_is_read_in_the_order_of_the_contract() -> None:
    """Tables, names, constants, translations and settings are frozen values of text."""
    mapping = parse_mapping(GOOD)
    accounts, invoices, applications = mapping.tables
    assert [each.table.name for each in mapping.tables] == ["accounts", "invoices", "applications"]
    assert (accounts.source, accounts.query) == ("erp.customers", "")
    assert accounts.columns == {"account_id": "customer_no"}
    assert accounts.constants == {"currency": "EUR", "autopay": "false", "name": "7"}
    assert invoices.values == {"kind": {"RV": "invoice"}, "po_number_missing": {"X": "true"}}
    assert applications.query == "select 1"
    assert applications.constants == {"known_on": "2024-03-31"}
    assert mapping.known_through == date(2024, 3, 31)
    assert mapping.zone.key == "Europe/Berlin"
    assert mapping.settings == {
        "time_zone": "Europe/Berlin",
        "maturity_lag_days": 3,
        "reporting_currency": "EUR",
    }
    assert mapping.document_numbers == {("invoices", "invoice_id")}


def test_a_short_mapping_has_defaults() -> None:
    """Days end at midnight UTC, and nothing else is said about the ledger."""
    lines = [f'[{name}]\ntable = "{name}"' for name in ("accounts", "invoices", "applications")]
    mapping = parse_mapping("\n".join(lines))
    assert (mapping.known_through, mapping.zone.key) == (None, "UTC")
    assert mapping.settings == {"time_zone": "UTC"}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[invoices]", "[invoice]", "Unknown key 'invoice': did you mean 'invoices'?"),
        ("[invoices]", "[invoice]", "Table 'invoices' is missing: write [invoices]"),
        ("time_zone", "timezone", "Unknown key 'timezone': did you mean 'time_zone'?"),
        ("time_zone", "url", "'url' does not belong here: the database is given with --url"),
        ('"Europe/Berlin"', '"Berlin"', "time_zone must be a name such as 'UTC'"),
        ('"Europe/Berlin"', '"../x"', "time_zone must be a name such as 'UTC'"),
        ("2024-03-31\ntime", '"2024-03-31"\ntime', "known_through must be a date without quotes"),
        ("2024-03-31\ntime", "2024-03-31T00:00:00\ntime", "known_through must be a date"),
        ("maturity_lag_days = 3", "maturity_lag_days = -1", "whole number of days from 0 up"),
        ("maturity_lag_days = 3", "maturity_lag_days = true", "whole number of days from 0 up"),
        ('"EUR"\ndoc', "1\ndoc", "reporting_currency must be text"),
        ('["invoices.invoice_id"]', '"x"', "document_numbers must be a list"),
        ("invoices.invoice_id", "invoices.id", "did you mean 'invoices.invoice_id'?"),
        (
            "columns.acc",
            "columnz.acc",
            "[accounts]: unknown key 'columnz': did you mean 'columns'?",
        ),
        ("columns.account_id", "columns.acount_id", "did you mean 'account_id'?"),
        ("columns.account_id", "columns.name", "'name' stands in columns and in constants"),
        ('"customer_no"', "1", "columns.account_id must be the name of a column"),
        ('columns.account_id = "customer_no"', "columns = 1", "columns must hold entries"),
        ('query = "select 1"', 'query = "q"\ntable = "t"', "[applications] needs one of table and"),
        ('query = "select 1"', "", "[applications] needs one of table and query"),
        ('query = "select 1"', "query = 1", "[applications]: query must be text"),
        ('query = "select 1"', 'query = "q"\ncolumns.cause = "c"', "columns go with table"),
        ("autopay = false", "autopay = 1.5", "constants.autopay must be text, a whole number"),
        ("autopay = false", "autopy = false", "did you mean 'autopay'?"),
        ("kind = {", "amount = {", "no translation of a column of kind money"),
        ('kind = { RV = "invoice" }', "kind = 1", "values.kind must hold pairs"),
        ('RV = "invoice"', "RV = 1.5", "values.kind.RV must be text"),
        ("[applications]", "accounts = 1", "accounts must be a section"),
        ("[applications]", "= 1", "is not valid TOML"),
    ],
)
def test_a_wrong_mapping_names_the_key_and_the_next_step(
    before: str, after: str, message: str
) -> None:
    """Unknown keys are refused with the nearest name, wrong values with what was expected."""
    assert before in GOOD
    text = GOOD.replace(before, after, 1)
    if after == "accounts = 1":
        text = text.replace("[accounts]", "[receipts]")
    with pytest.raises(ContractError) as caught:
        parse_mapping(text)
    assert message in str(caught.value)


def test_every_fault_is_told_at_once() -> None:
    """One reading gives the whole list."""
    with pytest.raises(ContractError) as caught:
        parse_mapping('[accountz]\ntable = "t"\n[invoices]\n[applications]\nqery = "q"')
    assert caught.value.details == (
        "Unknown key 'accountz': did you mean 'accounts'?",
        "Table 'accounts' is missing: write [accounts] with table or query.",
        "[invoices] needs one of table and query.",
        "[applications]: unknown key 'qery': did you mean 'query'?",
        "[applications] needs one of table and query.",
    )


def test_an_address_in_the_mapping_is_not_repeated() -> None:
    """Whoever writes the password into the file does not find it in the error."""
    with pytest.raises(ContractError) as caught:
        parse_mapping('url = "postgresql://u:s3cret@h/d"\npassword = "s3cret"')
    assert "s3cret" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder and a file in another encoding are told apart."""
    with pytest.raises(ContractError, match="is not a file"):
        read_mapping(tmp_path)
    (tmp_path / "m.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ContractError, match=r"m\.toml is not UTF-8"):
        read_mapping(tmp_path / "m.toml")


def test_the_example_of_the_documentation_can_be_used() -> None:
    """What people copy from docs/import-sql.md is read without a fault."""
    page = Path(__file__).parents[3] / "docs" / "import-sql.md"
    examples = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert len(examples) == 1
    mapping = parse_mapping(examples[0])
    assert [each.table.name for each in mapping.tables][3:] == ["receipts"]
