"""Rules that every row of a ledger keeps, each asked of a whole table in one query.

An importer refuses most such rows; a ledger made by hand, or files changed since, may hold
them. The stored rows are asked, all versions of them, since a past day is replayed from them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from features.ledger.finding import MAX_EXAMPLES, Finding
from features.ledger.tables import ACCOUNTS, FX_RATES, TABLES, Table
from features.session import Session

LATEST_BUSINESS_DAYS = 400
"""A business date may lie at most so many days after the day the books showed the row."""

FUNDED = "('cash', 'cash_return', 'credit', 'netting', 'unapply')"
"""Causes that draw on a receipt or a credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule and the query that finds what breaks it.

    Parameters
    ----------
    name : str
        Name of the finding.
    where : str
        Table.
    query : str
        Returns one column ``id`` with a row per broken row.
    broken : str
        What is wrong, after the table: ``"Rows of applications that " + broken``.
    step : str
        What to do about it.
    kept : str
        The sentence when no table breaks the rule.
    """

    name: str
    where: str
    query: str
    broken: str
    step: str
    kept: str


def check_rows(session: Session, present: Iterable[str]) -> list[Finding]:
    """Return one finding per table and broken rule, and one per rule that all tables keep.

    Parameters
    ----------
    session : Session
        On the ledger to check, with ``last_day(through, settled)`` registered.
    present : iterable of str
        Tables that the ledger has.
    """
    tables = frozenset(present)
    findings: dict[str, list[Finding]] = {}
    for rule in _rules(tables):
        found = findings.setdefault(rule.name, [])
        count, examples = _count(session, rule.query)
        if count:
            found.append(
                Finding(
                    name=rule.name,
                    outcome="failed",
                    where=rule.where,
                    count=count,
                    examples=examples,
                    sentence=f"Rows of {rule.where} that {rule.broken}: {count:,}. {rule.step}",
                )
            )
    kept = {rule.name: rule.kept for rule in _rules(tables) if rule.kept}
    return [
        finding
        for name, found in findings.items()
        for finding in found or [Finding(name=name, outcome="passed", sentence=kept[name])]
    ]


def _count(session: Session, query: str) -> tuple[int, tuple[str, ...]]:
    row = session.arrow(
        f"select count(*) as n, min(id, {MAX_EXAMPLES}) as examples from ({query}) as broken"  # noqa: S608
    ).to_pylist()[0]
    return row["n"], tuple(row["examples"] or ())


def _rules(present: frozenset[str]) -> Iterator[Rule]:
    tables = [table for name, table in TABLES.items() if name in present]
    for table in tables:
        yield from _parents(table)
    yield from _sources(present)
    for table in tables:
        yield from _clocks(table)
    for table in tables:
        yield _keys(table)
    yield from _currencies()


def _parents(table: Table) -> Iterator[Rule]:
    names = table.column_names
    if "account_id" in names and table is not ACCOUNTS:
        yield Rule(
            name="known_account",
            where=table.name,
            query=f"select {_id(table)} as id from stored_{table.name} as t "  # noqa: S608 (contract names)
            "anti join stored_accounts as a on t.account_id = a.account_id",
            broken="name an account that accounts does not hold",
            step="Export the account, or correct the id.",
            kept="Every account_id is in accounts.",
        )
    if "invoice_id" not in names or table.name == "invoices":
        return
    yield Rule(
        name="known_invoice",
        where=table.name,
        query=f"select {_id(table)} as id from stored_{table.name} as t "  # noqa: S608 (contract names)
        "anti join stored_invoices as i on t.invoice_id = i.invoice_id "
        "where t.invoice_id is not null",
        broken="name an invoice that invoices does not hold",
        step="Export the invoice, or correct the id.",
        kept="Every invoice_id is in invoices.",
    )
    if "account_id" in names:
        yield Rule(
            name="same_account",
            where=table.name,
            query=f"select {_id(table)} as id from stored_{table.name} as t "  # noqa: S608 (contract names)
            "anti join stored_invoices as i "
            "on t.invoice_id = i.invoice_id and t.account_id = i.account_id "
            "where t.invoice_id in (select invoice_id from stored_invoices)",
            broken="stand under another account than their invoice",
            step="Give the invoice's account, also where another account paid.",
            kept="Every row about an invoice stands under the invoice's account.",
        )


def _sources(present: frozenset[str]) -> Iterator[Rule]:
    drawn = {"receipts": ["cash", "cash_return"], "credits": ["credit"]}
    causes = [cause for table, own in drawn.items() if table in present for cause in own]
    if drawn.keys() <= present:
        causes.append("unapply")
    listed = ", ".join(f"'{cause}'" for cause in causes) or "''"
    netted = "t.cause = 'netting' and t.source_id is not null" if "credits" in present else "false"
    yield Rule(
        name="known_source",
        where="applications",
        query="select application_id as id from stored_applications as t "  # noqa: S608 (contract names)
        "anti join (select receipt_id as id from stored_receipts "
        "union all select credit_id as id from stored_credits) as s on t.source_id = s.id "
        f"where t.cause in ({listed}) or ({netted})",
        broken="use a source_id that neither receipts nor credits hold",
        step="Export the receipt or credit, or correct the id.",
        kept="Every cash and credit application names a known receipt or credit.",
    )
    yield Rule(
        name="known_source",
        where="receipt_returns",
        query="select return_id as id from stored_receipt_returns as t "
        "anti join stored_receipts as r on t.receipt_id = r.receipt_id",
        broken="return a receipt that receipts does not hold",
        step="Export the receipt, or correct the id.",
        kept="",
    )
    yield Rule(
        name="one_content_per_key",
        where="receipts and credits",
        query="select distinct receipt_id as id from stored_receipts "
        "inner join stored_credits on receipt_id = credit_id",
        broken="share an id, so that an application cannot tell which it uses",
        step="Put a prefix before one of them.",
        kept="Every key has one content a day.",
    )


def _clocks(table: Table) -> Iterator[Rule]:
    late = [name for name in table.column_names if name.endswith("known_on")]
    if late:
        condition = " or ".join(f"t.{name} > last_day.through" for name in late)
        yield Rule(
            name="known_by_the_end",
            where=table.name,
            query=f"select {_id(table)} as id from stored_{table.name} as t cross join last_day "  # noqa: S608
            f"where {condition}",
            broken="were shown after known_through of ledger.json",
            step="Correct the day, or raise known_through.",
            kept="No row was shown after known_through.",
        )
    if table.clock and table.clock != "known_on":
        yield Rule(
            name="plausible_dates",
            where=table.name,
            query=f"select {_id(table)} as id from stored_{table.name} as t "  # noqa: S608 (contract names)
            f"where t.{table.clock} > t.known_on + {LATEST_BUSINESS_DAYS}",
            broken=f"have {table.clock} more than {LATEST_BUSINESS_DAYS} days after known_on",
            step="Look for a mistyped year.",
            kept=f"No business date lies more than {LATEST_BUSINESS_DAYS} days after known_on.",
        )


def _keys(table: Table) -> Rule:
    clocked = "known_on" in table.column_names
    key = [*table.key, *(["known_on"] if clocked and "known_on" not in table.key else [])]
    # Only clocked rows and exchange rates may be restated by a later batch under the same key.
    if clocked or table is FX_RATES:
        key.append("batch")
    columns = ", ".join(f't."{name}"' for name in key)
    return Rule(
        name="one_content_per_key",
        where=table.name,
        query=f"select any_value({_id(table)}) as id from stored_{table.name} as t "  # noqa: S608
        f"group by {columns} having count(*) > 1",
        broken=f"repeat a key ({', '.join(table.key)}) of the same day and batch",
        step="Keep the row that holds.",
        kept="Every key has one content a day.",
    )


def _currencies() -> Iterator[Rule]:
    yield Rule(
        name="one_currency",
        where="applications",
        query="select application_id as id from stored_applications as t "  # noqa: S608 (a constant)
        "inner join invoices as i on t.invoice_id = i.invoice_id and i.superseded_on is null "
        "inner join (select receipt_id as source_id, currency from receipts "
        "where superseded_on is null union all select credit_id as source_id, currency "
        "from credits where superseded_on is null) as s on t.source_id = s.source_id "
        f"where t.cause in {FUNDED} and i.currency <> s.currency",
        broken="move an amount between an invoice and a source in another currency",
        step="Apply from a receipt in the invoice's currency.",
        kept="Every invoice and what pays it are in one currency.",
    )
    yield Rule(
        name="one_currency",
        where="receipt_returns",
        query="select return_id as id from stored_receipt_returns as t "
        "inner join receipts as r on t.receipt_id = r.receipt_id and r.superseded_on is null "
        "where t.currency <> r.currency",
        broken="are in another currency than their receipt",
        step="Correct the currency.",
        kept="",
    )


def _id(table: Table) -> str:
    """Return SQL for the text that names a row."""
    return " || ' ' || ".join(f'cast(t."{name}" as varchar)' for name in table.key)
