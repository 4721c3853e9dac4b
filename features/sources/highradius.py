"""HighRadius closed-invoice files, in two layouts.

Vendor layout: ``business_code, cust_number, name_customer, clear_date, buisness_year,
doc_id, posting_date, due_in_date, invoice_currency, total_open_amount,
baseline_create_date, cust_payment_terms, isOpen, …`` with dates such as ``20200126.0``.

Reduced layout: ``row, cust_number, name_stem, baseline_date_imputed, term_days_mode,
due_date, clear_date, amount, exact_dup_of_earlier, …`` with ISO dates.

One row is one invoice with one closing event in full. The files hold no receipts, returns,
disputes or entry dates: the clearing document stands for the receipt, and ``known_on`` is
the business date of each row.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from features.ledger.arrow import arrow_schema
from features.ledger.quarantine import Rejected
from features.ledger.tables import TABLES
from features.sources.base import ContractError, Extract

DEFAULT_TERMS_DAYS = 15
_MONEY = r"-?[0-9]{1,13}(?:\.[0-9]{1,2}0*)?"
REDUCED = {
    "row",
    "cust_number",
    "currency_inferred",
    "baseline_date_imputed",
    "due_date",
    "clear_date",
    "amount",
    "exact_dup_of_earlier",
}
VENDOR = {
    "business_code",
    "cust_number",
    "name_customer",
    "clear_date",
    "buisness_year",
    "doc_id",
    "due_in_date",
    "invoice_currency",
    "total_open_amount",
    "baseline_create_date",
    "isOpen",
}


class HighRadiusSource:
    """Reads one CSV file of closed invoices."""

    name = "highradius"

    def read(self, path: Path) -> Extract:
        """Return the ledger tables of the file at ``path``.

        Raises
        ------
        ContractError
            When the file is missing or has neither layout.
        """
        if not path.is_file():
            raise ContractError(f"{path}: no such file. Give the CSV of closed invoices.")
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        columns = set(rows.columns)
        if columns >= REDUCED:
            return _extract(_reduced(rows), read=rows)
        if columns >= VENDOR:
            return _extract(_vendor(rows), read=rows)
        raise ContractError(
            f"{path.name}: neither layout fits. The reduced layout needs "
            f"{', '.join(sorted(REDUCED))}; the vendor layout needs {', '.join(sorted(VENDOR))}.",
            details=tuple(
                f"missing column {name!r}"
                for name in min(sorted(REDUCED - columns), sorted(VENDOR - columns), key=len)
            ),
        )


def _reduced(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(line=np.arange(1, len(rows) + 1))
    rows = rows[rows["exact_dup_of_earlier"].str.lower() != "true"]
    due = _iso_dates(rows["due_date"])
    baseline = _iso_dates(rows["baseline_date_imputed"])
    return pd.DataFrame(
        {
            "line": rows["line"],
            "invoice_id": "row-" + rows["row"],
            "account_id": rows["cust_number"],
            "name": rows.get("name_stem"),
            "issued_on": baseline.fillna(due - pd.Timedelta(days=DEFAULT_TERMS_DAYS)),
            "due_on": due,
            "due_text": rows["due_date"],
            "cleared_on": _iso_dates(rows["clear_date"]),
            "cleared_text": rows["clear_date"],
            "amount": rows["amount"],
            "currency": rows["currency_inferred"].fillna("USD"),
            "region": rows.get("business_code_inferred"),
        }
    )


def _vendor(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the vendor's rows; ``isOpen = 1`` rows are a masked hold-out, not open items."""
    rows = rows.assign(line=np.arange(1, len(rows) + 1))
    rows = rows[~_is_open(rows)]
    rows = rows.drop_duplicates(subset=[name for name in rows.columns if name != "line"])
    due = _number_dates(rows["due_in_date"])
    baseline = _number_dates(rows["baseline_create_date"])
    return pd.DataFrame(
        {
            "line": rows["line"],
            "invoice_id": rows["doc_id"].str.replace(r"\.0$", "", regex=True)
            + "-"
            + rows["buisness_year"].str.replace(r"\.0$", "", regex=True),
            "account_id": rows["cust_number"].str.lstrip("0"),
            "name": rows["name_customer"].str.rsplit(" ", n=1).str[0],
            "issued_on": baseline.fillna(due - pd.Timedelta(days=DEFAULT_TERMS_DAYS)),
            "due_on": due,
            "due_text": rows["due_in_date"],
            "cleared_on": _iso_dates(rows["clear_date"]),
            "cleared_text": rows["clear_date"],
            "amount": rows["total_open_amount"],
            "currency": rows["invoice_currency"],
            "region": rows["business_code"],
        }
    )


def _iso_dates(texts: pd.Series) -> pd.Series:
    days = texts.str.extract(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T][0-9:.]+)?$", expand=False)
    return pd.to_datetime(days, format="%Y-%m-%d", errors="coerce")


def _number_dates(texts: pd.Series) -> pd.Series:
    digits = texts.str.replace(r"\.0$", "", regex=True)
    return pd.to_datetime(digits, format="%Y%m%d", errors="coerce")


def _extract(rows: pd.DataFrame, *, read: pd.DataFrame) -> Extract:
    amount = pd.to_numeric(rows["amount"].where(rows["amount"].str.fullmatch(_MONEY)))
    rules = (
        ("amount", "money", amount > 0, "amount"),
        ("due_on", "date", rows["due_on"].notna(), "due_text"),
        ("cleared_on", "date", rows["cleared_on"].notna(), "cleared_text"),
        ("account_id", "required", rows["account_id"].notna(), "account_id"),
    )
    rejected = [
        Rejected(
            table="invoices",
            row=int(line),
            rule=rule,
            column=column,
            value=None if pd.isna(value) else str(value),
        )
        for column, rule, holds, shown in rules
        for line, value in zip(rows.loc[~holds, "line"], rows.loc[~holds, shown], strict=True)
    ]
    good = rows[np.logical_and.reduce([holds for _, _, holds, _ in rules])].copy()
    good["amount"] = amount[good.index]
    known_through = good["cleared_on"].max().date() if len(good) else None
    return Extract(
        tables={
            "accounts": _accounts(good),
            "invoices": _invoices(good),
            "receipts": _receipts(good),
            "applications": _applications(good),
        },
        rejected=rejected,
        defaulted_clocks=("invoices", "receipts", "applications"),
        known_through=known_through,
        warnings=(
            (
                "Entry dates are not in these files: known_on is the business date, so what "
                "the books showed on a day is unproven."
            ),
            *_left_out(rows, read),
        ),
        rows_read={"invoices": len(read)},
        settings={"maturity_lag_days": 0},
    )


def _left_out(rows: pd.DataFrame, read: pd.DataFrame) -> list[str]:
    """Say how many rows were read and not kept, and why."""
    hidden = int(_is_open(read).sum()) if "isOpen" in read.columns else 0
    repeated = len(read) - len(rows) - hidden
    told = []
    if hidden:
        told.append(
            f"{hidden:,} rows with isOpen = 1 are a masked hold-out of the vendor, not open "
            "items: left out."
        )
    if repeated:
        told.append(f"{repeated:,} rows repeat an earlier row in full: left out.")
    return told


def _is_open(rows: pd.DataFrame) -> pd.Series:
    return rows["isOpen"].str.replace(r"\.0$", "", regex=True) == "1"


def _table(name: str, columns: dict[str, pa.Array], length: int) -> pa.Table:
    schema = arrow_schema(TABLES[name])
    arrays = [columns.get(field.name, pa.nulls(length, field.type)) for field in schema]
    return pa.Table.from_arrays(
        [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)],
        schema=schema,
    )


def _text(values: pd.Series) -> pa.Array:
    return pa.array(values.astype(object).where(values.notna(), None), pa.string())


def _days(values: pd.Series) -> pa.Array:
    return pa.array([None if pd.isna(day) else _as_date(day) for day in values], pa.date32())


def _as_date(day: pd.Timestamp) -> date:
    return day.date()


def _money(values: pd.Series) -> pa.Array:
    return pa.array(values.map("{:.2f}".format).to_list(), pa.string()).cast(pa.decimal128(18, 2))


def _accounts(rows: pd.DataFrame) -> pa.Table:
    first = rows.drop_duplicates("account_id")
    return _table(
        "accounts",
        {
            "account_id": _text(first["account_id"]),
            "name": _text(first["name"]),
            "region": _text(first["region"]),
            "currency": _text(first["currency"]),
        },
        len(first),
    )


def _invoices(rows: pd.DataFrame) -> pa.Table:
    terms = (rows["due_on"] - rows["issued_on"]).dt.days
    return _table(
        "invoices",
        {
            "invoice_id": _text(rows["invoice_id"]),
            "account_id": _text(rows["account_id"]),
            "kind": pa.array(["invoice"] * len(rows), pa.string()),
            "issued_on": _days(rows["issued_on"]),
            "due_on": _days(rows["due_on"]),
            "amount": _money(rows["amount"]),
            "currency": _text(rows["currency"]),
            "known_on": _days(rows["issued_on"]),
            "terms_days": pa.array(terms.where(terms >= 0).astype("Int64"), pa.int64()),
        },
        len(rows),
    )


def _receipts(rows: pd.DataFrame) -> pa.Table:
    return _table(
        "receipts",
        {
            "receipt_id": _text("receipt-" + rows["invoice_id"]),
            "account_id": _text(rows["account_id"]),
            "received_on": _days(rows["cleared_on"]),
            "known_on": _days(rows["cleared_on"]),
            "amount": _money(rows["amount"]),
            "currency": _text(rows["currency"]),
        },
        len(rows),
    )


def _applications(rows: pd.DataFrame) -> pa.Table:
    return _table(
        "applications",
        {
            "application_id": _text("clearing-" + rows["invoice_id"]),
            "invoice_id": _text(rows["invoice_id"]),
            "account_id": _text(rows["account_id"]),
            "cause": pa.array(["cash"] * len(rows), pa.string()),
            "source_id": _text("receipt-" + rows["invoice_id"]),
            "applied_on": _days(rows["cleared_on"]),
            "known_on": _days(rows["cleared_on"]),
            "amount": _money(rows["amount"]),
        },
        len(rows),
    )
