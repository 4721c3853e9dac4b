from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from features.build import feature_frame
from features.ledger.read import open_ledger
from features.ledger.validate import validate
from features.ledger.write import import_extract
from features.sources.base import ContractError
from features.sources.highradius import HighRadiusSource

SHARED = (
    Path(__file__).resolve().parents[3].parent / "shared/data/highradius/closed_invoices_dev.csv"
)

REDUCED = """\
row,cust_number,name_stem,business_code_inferred,currency_inferred,baseline_date_imputed,\
term_days_mode,due_date,clear_date,days_late,amount,invoice_id,exact_dup_of_earlier
0,0100,ACME,U001,USD,2019-01-04,15.0,2019-01-19,2019-01-25,6,1500.50,,False
1,0200,BETA,,CAD,,,2019-02-20,2019-02-18,-2,20.00,,False
2,0100,ACME,U001,USD,2019-01-04,15.0,2019-01-19,2019-01-25,6,1500.50,,True
"""

VENDOR = """\
business_code,cust_number,name_customer,clear_date,buisness_year,doc_id,posting_date,\
document_create_date,document_create_date.1,due_in_date,invoice_currency,document type,\
posting_id,area_business,total_open_amount,baseline_create_date,cust_payment_terms,invoice_id,isOpen
U001,0200769623,WAL-MAR corp,2020-02-11 00:00:00,2020.0,1930438491.0,2020-01-26,20200125,\
20200126,20200210.0,USD,RV,1.0,,54273.28,20200126.0,NAH4,1930438491.0,0
U001,200769623,WAL-MAR llc,2020-03-01 00:00:00,2020.0,1930000001.0,2020-01-26,20200125,\
20200126,20200225.0,USD,RV,1.0,,100.0,20200126.0,NAH4,1930000001.0,0
U001,0200769623,WAL-MAR corp,2020-02-11 00:00:00,2020.0,1930438491.0,2020-01-26,20200125,\
20200126,20200210.0,USD,RV,1.0,,54273.28,20200126.0,NAH4,1930438491.0,0
CA02,0140106408,WHITE in,,2020.0,2960623488.0,2020-03-28,20200328,20200328,20200411.0,CAD,RV,\
1.0,,3299.7,20200331.0,CA10,2960623488.0,1
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text, "utf-8")
    return path


def test_the_reduced_layout(tmp_path: Path) -> None:
    """Two invoices of two customers; a missing baseline is 15 days before the due date."""
    extract = HighRadiusSource().read(written(tmp_path, REDUCED))
    invoices = extract.tables["invoices"].to_pylist()
    assert [
        (row["invoice_id"], row["account_id"], row["issued_on"], row["due_on"], row["amount"])
        for row in invoices
    ] == [
        ("row-0", "0100", date(2019, 1, 4), date(2019, 1, 19), Decimal("1500.50")),
        ("row-1", "0200", date(2019, 2, 5), date(2019, 2, 20), Decimal("20.00")),
    ]
    assert [row["terms_days"] for row in invoices] == [15, 15]
    assert [row["currency"] for row in invoices] == ["USD", "CAD"]
    cash = extract.tables["applications"].to_pylist()
    assert [(row["cause"], row["applied_on"], row["amount"]) for row in cash] == [
        ("cash", date(2019, 1, 25), Decimal("1500.50")),
        ("cash", date(2019, 2, 18), Decimal("20.00")),
    ]
    assert extract.known_through == date(2019, 2, 18)


def test_the_vendor_layout(tmp_path: Path) -> None:
    """Dates such as 20200126.0, ids with and without leading zeros, a random name suffix."""
    extract = HighRadiusSource().read(written(tmp_path, VENDOR))
    assert [
        (row["account_id"], row["name"], row["region"])
        for row in extract.tables["accounts"].to_pylist()
    ] == [("200769623", "WAL-MAR", "U001")]
    invoices = extract.tables["invoices"].to_pylist()
    assert [
        (row["invoice_id"], row["issued_on"], row["due_on"], row["amount"]) for row in invoices
    ] == [
        ("1930438491-2020", date(2020, 1, 26), date(2020, 2, 10), Decimal("54273.28")),
        ("1930000001-2020", date(2020, 1, 26), date(2020, 2, 25), Decimal("100.00")),
    ]


def test_open_rows_of_the_vendor_are_a_hold_out_and_not_open_items(tmp_path: Path) -> None:
    """Never a negative and never silently dropped: a sentence says how many and why."""
    extract = HighRadiusSource().read(written(tmp_path, VENDOR))
    assert "CAD" not in extract.tables["invoices"]["currency"].to_pylist()
    assert extract.rows_read == {"invoices": 4}
    told = " ".join(extract.warnings)
    assert "1 rows with isOpen = 1 are a masked hold-out" in told
    assert "1 rows repeat an earlier row" in told


@pytest.mark.parametrize("text", [REDUCED, VENDOR], ids=["reduced", "vendor"])
def test_the_rows_keep_the_ledger_contract(tmp_path: Path, text: str) -> None:
    """Every row balances to nothing and none is refused."""
    extract = HighRadiusSource().read(written(tmp_path, text))
    assert validate(extract.tables).rejected == []
    for row, cash in zip(
        extract.tables["invoices"].to_pylist(),
        extract.tables["applications"].to_pylist(),
        strict=True,
    ):
        assert (cash["invoice_id"], cash["amount"]) == (row["invoice_id"], row["amount"])


def test_the_clocks_are_declared_as_defaulted(tmp_path: Path) -> None:
    """No entry dates: point in time is unproven, and there are no returns to wait for."""
    extract = HighRadiusSource().read(written(tmp_path, REDUCED))
    assert set(extract.defaulted_clocks) == {"invoices", "receipts", "applications"}
    assert extract.settings == {"maturity_lag_days": 0}
    assert "unproven" in extract.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "rule", "column", "value"),
    [
        ("1500.50,,False", "-1500.50,,False", "money", "amount", "-1500.50"),
        ("1500.50,,False", "1500.505,,False", "money", "amount", "1500.505"),
        ("1500.50,,False", "many,,False", "money", "amount", "many"),
        ("2019-01-19,2019-01-25,6,1500.50,,False", "soon,2019-01-25,6,1500.50,,False",
         "date", "due_on", "soon"),
        ("2019-01-25,6,1500.50,,False", ",6,1500.50,,False", "date", "cleared_on", None),
        ("0,0100,", "0,,", "required", "account_id", None),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_typed_are_refused_with_what_stood_there(
    tmp_path: Path, old: str, new: str, rule: str, column: str, value: str | None
) -> None:
    """Line, rule, column and the source's own text."""
    assert old in REDUCED
    extract = HighRadiusSource().read(written(tmp_path, REDUCED.replace(old, new, 1)))
    assert [(r.row, r.rule, r.column, r.value) for r in extract.rejected] == [
        (1, rule, column, value)
    ]
    assert extract.tables["invoices"].num_rows == 1


def test_a_file_of_neither_layout_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    """The columns of the nearer layout are named."""
    text = VENDOR.replace("baseline_create_date", "baseline")
    with pytest.raises(ContractError, match="neither layout fits") as caught:
        HighRadiusSource().read(written(tmp_path, text))
    assert caught.value.details == ("missing column 'baseline_create_date'",)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path and the next step."""
    with pytest.raises(ContractError, match=r"absent\.csv: no such file\. Give the CSV"):
        HighRadiusSource().read(tmp_path / "absent.csv")


def test_an_invoice_is_open_until_it_is_cleared(tmp_path: Path) -> None:
    """Imported and read back: open on 24 January, six days late on the 25th and gone."""
    folder = tmp_path / "ledger"
    import_extract(folder, HighRadiusSource().read(written(tmp_path, REDUCED)), source="highradius")
    ledger = open_ledger(folder)
    assert ledger.manifest.maturity_lag_days == 0
    days = [date(2019, 1, 24), date(2019, 2, 6)]
    items = feature_frame(ledger, days).items
    assert items["invoice_id"].tolist() == ["row-0", "row-1"]
    assert items["days_past_due"].tolist() == [5.0, -14.0]


@pytest.mark.skipif(not SHARED.is_file(), reason="the HighRadius rows are not on this machine")
def test_the_development_rows() -> None:
    """31,920 invoices of 737 accounts; 795 repeated rows left out; none refused."""
    extract = HighRadiusSource().read(SHARED)
    assert extract.tables["invoices"].num_rows == 31_920
    assert extract.tables["accounts"].num_rows == 737
    assert extract.rows_read["invoices"] == 31_920 + 795
    assert extract.rejected == []
