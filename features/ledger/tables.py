"""The ledger contract as data: every table, column, key and rule, and nothing else.

A ledger is a set of append-only facts with two clocks. ``*_on`` columns are business
dates, which people may back-date; ``known_on`` is the day the books first showed the row.
Money is in document currency with two decimals. In ``applications`` a positive amount
lowers the open balance of the invoice and a negative amount restores it.

Importers, validators, the SQL views and the generated contract page all read this module.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "money", "integer", "boolean", "decimal"]

CAUSES = (
    "cash",
    "discount",
    "credit",
    "netting",
    "write_off",
    "adjustment",
    "cash_return",
    "unapply",
    "fx_rounding",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a ledger table.

    Parameters
    ----------
    name : str
        Column name as it stands in the files.
    kind : {"text", "date", "money", "integer", "boolean", "decimal"}
        What a value means; ``money`` has two decimals, ``decimal`` is an exchange rate.
    required : bool
        Whether a row without a value is quarantined.
    choices : tuple of str
        Allowed values; empty when any value is allowed.
    sign : {"any", "positive", "non-negative", "non-zero"}
        What a number must satisfy.
    """

    name: str
    kind: Kind
    required: bool = False
    choices: tuple[str, ...] = ()
    sign: Literal["any", "positive", "non-negative", "non-zero"] = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One ledger table.

    Parameters
    ----------
    name : str
        Table name, also the file name without its ending.
    key : tuple of str
        Columns that name a row. The same key with other content is a new version.
    columns : tuple of Column
        All columns in file order, key first.
    clock : str or None
        The business-date column that ``known_on`` defaults to; None for a table without
        a ``known_on`` column.
    required : bool
        Whether a ledger without this table is refused.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    clock: str | None
    required: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns in file order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column called ``name``; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _text(name: str, *, required: bool = False, choices: tuple[str, ...] = ()) -> Column:
    return Column(name=name, kind="text", required=required, choices=choices)


def _id(name: str) -> Column:
    return Column(name=name, kind="text", required=True)


def _day(name: str, *, required: bool = False) -> Column:
    return Column(name=name, kind="date", required=required)


def _money(
    sign: Literal["any", "positive", "non-negative", "non-zero"] = "positive",
    name: str = "amount",
    *,
    required: bool = True,
) -> Column:
    return Column(name=name, kind="money", required=required, sign=sign)


def _flag(name: str) -> Column:
    return Column(name=name, kind="boolean")


_KNOWN = _day("known_on", required=True)
_CURRENCY = _text("currency", required=True)

ACCOUNTS = Table(
    name="accounts",
    key=("account_id",),
    clock=None,
    required=True,
    columns=(
        _id("account_id"),
        _text("name"),
        _text("parent_account_id"),
        _text("segment"),
        _text("region"),
        _text("currency"),
        _day("opened_on"),
        _flag("autopay"),
        _money("non-negative", "credit_limit", required=False),
        _text("collector"),
        _flag("is_natural_person"),
        _text("crm_id"),
    ),
)

INVOICES = Table(
    name="invoices",
    key=("invoice_id",),
    clock="issued_on",
    required=True,
    columns=(
        _id("invoice_id"),
        _id("account_id"),
        _text("kind", required=True, choices=("invoice", "debit_memo", "finance_charge")),
        _text("billing_kind", choices=("recurring", "one_off", "usage")),
        _text("replaces_invoice_id"),
        _flag("po_number_missing"),
        _day("issued_on", required=True),
        _day("due_on"),
        _money("positive"),
        _CURRENCY,
        _KNOWN,
        Column(name="terms_days", kind="integer", sign="non-negative"),
    ),
)

APPLICATIONS = Table(
    name="applications",
    key=("application_id",),
    clock="applied_on",
    required=True,
    columns=(
        _id("application_id"),
        _id("invoice_id"),
        _id("account_id"),
        _text("cause", required=True, choices=CAUSES),
        _text("source_id"),
        _day("applied_on", required=True),
        _KNOWN,
        _money("non-zero"),
        _text("return_code"),
    ),
)

RECEIPTS = Table(
    name="receipts",
    key=("receipt_id",),
    clock="received_on",
    columns=(
        _id("receipt_id"),
        _id("account_id"),
        _day("received_on", required=True),
        _KNOWN,
        _money("positive"),
        _CURRENCY,
        _text("method", choices=("ach", "card", "check", "wire", "direct_debit", "cash", "other")),
        _day("provisional_until"),
    ),
)

RECEIPT_RETURNS = Table(
    name="receipt_returns",
    key=("return_id",),
    clock="returned_on",
    columns=(
        _id("return_id"),
        _id("receipt_id"),
        _id("account_id"),
        _day("returned_on", required=True),
        _KNOWN,
        _money("positive"),
        _CURRENCY,
        _text(
            "kind",
            required=True,
            choices=("ach_return", "chargeback", "bounced", "void", "refund"),
        ),
        _text("code"),
    ),
)

CREDITS = Table(
    name="credits",
    key=("credit_id",),
    clock="issued_on",
    columns=(
        _id("credit_id"),
        _id("account_id"),
        _day("issued_on", required=True),
        _KNOWN,
        _money("positive"),
        _CURRENCY,
        _text("reason"),
    ),
)

DISPUTES = Table(
    name="disputes",
    key=("dispute_id",),
    clock="opened_on",
    columns=(
        _id("dispute_id"),
        _id("account_id"),
        _text("invoice_id"),
        _day("opened_on", required=True),
        _KNOWN,
        _day("closed_on"),
        _day("closed_known_on"),
        _money("positive"),
        _CURRENCY,
        _text("reason"),
        _text("outcome"),
    ),
)

PROMISES = Table(
    name="promises",
    key=("promise_id",),
    clock="made_on",
    columns=(
        _id("promise_id"),
        _id("account_id"),
        _text("invoice_id"),
        _day("made_on", required=True),
        _day("promised_on", required=True),
        _money("positive"),
        _CURRENCY,
        _KNOWN,
        _day("withdrawn_on"),
        _text("superseded_by"),
    ),
)

INSTALLMENTS = Table(
    name="installments",
    key=("plan_id", "n"),
    clock="agreed_on",
    columns=(
        _id("plan_id"),
        Column(name="n", kind="integer", required=True, sign="positive"),
        _id("account_id"),
        _text("invoice_id"),
        _day("agreed_on", required=True),
        _day("due_on", required=True),
        _money("positive"),
        _CURRENCY,
        _KNOWN,
        _day("cancelled_on"),
        _day("cancelled_known_on"),
    ),
)

ACCOUNT_FLAGS = Table(
    name="account_flags",
    key=("account_id", "flag", "from_on"),
    clock="from_on",
    columns=(
        _id("account_id"),
        _text(
            "flag",
            required=True,
            choices=("bankruptcy", "legal", "agency", "do_not_contact", "suspended"),
        ),
        _day("from_on", required=True),
        _day("until_on"),
        _KNOWN,
    ),
)

CONTACTS = Table(
    name="contacts",
    key=("contact_id",),
    clock=None,
    columns=(
        _id("contact_id"),
        _id("account_id"),
        _day("contacted_on", required=True),
        _text("channel"),
        _text("outcome"),
    ),
)

DUE_DATE_CHANGES = Table(
    name="due_date_changes",
    key=("invoice_id", "known_on"),
    clock="known_on",
    columns=(_id("invoice_id"), _KNOWN, _day("due_on", required=True)),
)

ACCOUNT_CHANGES = Table(
    name="account_changes",
    key=("account_id", "known_on", "column"),
    clock="known_on",
    columns=(
        _id("account_id"),
        _KNOWN,
        _text("column", required=True, choices=ACCOUNTS.column_names[1:]),
        _text("value"),
    ),
)

FX_RATES = Table(
    name="fx_rates",
    key=("currency", "rate_on"),
    clock=None,
    columns=(
        _CURRENCY,
        _day("rate_on", required=True),
        Column(name="rate", kind="decimal", required=True, sign="positive"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS,
        INVOICES,
        APPLICATIONS,
        RECEIPTS,
        RECEIPT_RETURNS,
        CREDITS,
        DISPUTES,
        PROMISES,
        INSTALLMENTS,
        ACCOUNT_FLAGS,
        CONTACTS,
        DUE_DATE_CHANGES,
        ACCOUNT_CHANGES,
        FX_RATES,
    )
}
