"""What two ledgers of one system say about the rows of a table on a day, in SQL.

The newer ledger's tables stand in the schema ``main``, the older one's in ``OLDER``. Each
question is one query over a whole table.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from features.ledger.finding import MAX_EXAMPLES, Finding
from features.ledger.late import LATE
from features.ledger.sensitive import redact
from features.ledger.tables import ACCOUNTS, Column, Table
from features.session import Session

OLDER = "older"
"""Schema of the older ledger's tables; those of the newer one stand in ``main``."""

SHOWN_ON: dict[str, str] = {"contacts": "contacted_on", "fx_rates": "rate_on"}
"""The day that stands for ``visible_on`` in tables without ``known_on``."""

SHOWN_TEXT = 24
"""So many characters of a value are shown."""

UNSHOWN: frozenset[str] = frozenset({"name", "collector", "value"})
"""Columns that may name a person; that they differ is told, but not their values."""

_USES: dict[str, str] = {
    "accounts": "segments, limits and terms of past days",
    "invoices": "balances, ageing and payment history of past days",
    "applications": "balances, payment dates and outcomes of past days",
    "receipts": "unapplied cash and kept promises of past days",
    "receipt_returns": "returned payments and kept promises of past days",
    "credits": "unapplied credits and credited shares of past days",
    "disputes": "disputed amounts of past days",
    "promises": "promises and how they were kept on past days",
    "installments": "payment plans of past days",
    "account_flags": "holds of past days",
    "contacts": "contacts of past days, which no feature uses,",
    "due_date_changes": "days past due and moved due dates of past days",
    "account_changes": "limits and terms of past days",
    "fx_rates": "converted amounts of past days",
}
"""What comes out otherwise when rows of a table do."""


def vanished_ids(session: Session, table: Table, day: date) -> Iterator[Finding]:
    """Yield a failure when the newer ledger lacks ids of the older one."""
    count, examples = _ask(
        session,
        f"select distinct {_id(table, 'o')} as example from {OLDER}.stored_{table.name} as o "  # noqa: S608 (contract names)
        f"anti join main.stored_{table.name} as n on {_same_key(table)}",
    )
    if count:
        yield Finding(
            name="ids_kept",
            outcome="failed",
            where=table.name,
            as_of=day,
            count=count,
            examples=examples,
            sentence=f"Ids of {table.name} that the older ledger holds and this one does not: "
            f"{count:,}. Deleted rows break history: {_USES[table.name]} come out otherwise than "
            "people saw them, and a model learns from other books. Export deleted rows too, and "
            "record what happened to them (a credit, a cancellation).",
        )


def changed_rows(session: Session, table: Table, day: date) -> Iterator[Finding]:
    """Yield a finding per column that differs in rows which both ledgers show on the day."""
    columns = [column for column in table.columns if column.name not in table.key]
    pairs = ", ".join(
        f'o."{column.name}" as "older_{column.name}", n."{column.name}" as "newer_{column.name}"'
        for column in columns
    )
    differs = " or ".join(
        f'o."{column.name}" is distinct from n."{column.name}"' for column in columns
    )
    each = " union all ".join(
        f"select {place} as place, count(*) as n, min({_example(column)}, {MAX_EXAMPLES}) "  # noqa: S608 (contract names)
        f'as examples from pairs where "older_{column.name}" is distinct from '
        f'"newer_{column.name}"'
        for place, column in enumerate(columns)
    )
    rows = session.arrow(
        f"with older_rows as ({_shown(table, OLDER, day)}), "  # noqa: S608 (contract names)
        f"newer_rows as ({_shown(table, 'main', day)}), "
        f"pairs as materialized (select {_id(table, 'o')} as id, {pairs} from older_rows as o "
        f"inner join newer_rows as n on {_same_key(table)} where {differs}) "
        f"select * from ({each}) as counted where n > 0 order by place"
    ).to_pylist()
    clocked = "known_on" in table.column_names or table is ACCOUNTS
    for row in rows:
        column = columns[row["place"]]
        name = column.name
        yield Finding(
            name="values_kept",
            outcome="failed" if clocked else "warning",
            where=f"{table.name}.{name}",
            as_of=day,
            count=row["n"],
            examples=tuple(_told(example, column) for example in row["examples"]),
            sentence=f"Rows of {table.name} whose {name} on {day} is another one in this ledger: "
            f"{row['n']:,}. The value was overwritten without the day of its change: "
            f"{_USES[table.name]} use what nobody knew. Import the older export first and the "
            "newer one into the same ledger, which dates the change, or export the history.",
        )


def _example(column: Column) -> str:
    """Return SQL for a row's id and what each ledger holds in a column, as text."""
    older, newer = (f'cast("{side}_{column.name}" as varchar)' for side in ("older", "newer"))
    return f"{{'id': id, 'older': {older}, 'newer': {newer}}}"


def _told(example: Mapping[str, str | None], column: Column) -> str:
    """Return an example for people: no names of persons, no card numbers, no long texts."""
    if column.name in UNSHOWN:
        return str(example["id"])
    return f"{example['id']}: {_cell(example['older'])} → {_cell(example['newer'])}"


def _cell(value: str | None) -> str:
    if value is None:
        return "empty"
    safe = redact(value)
    return safe if safe != value or len(value) <= SHOWN_TEXT else f"{value[:SHOWN_TEXT]}…"


def moved_rows(session: Session, table: Table, day: date, *, defaulted: bool) -> Iterator[Finding]:
    """Yield findings for rows that only one of the ledgers shows on the day.

    Parameters
    ----------
    session : Session
        On the newer ledger, with the older one beside it.
    table : Table
        A table that both have.
    day : date
        The last known day of the older ledger.
    defaulted : bool
        Whether the newer ledger's ``known_on`` is a copy of the business date.
    """
    if table is ACCOUNTS:
        return  # has no day at all
    appeared = _ask(
        session,
        f"select {_id(table, 'n')} || ': shown from ' || cast(n.shown_on as varchar) as example "  # noqa: S608 (contract names)
        f"from ({_shown(table, 'main', day)}) as n "
        f"anti join {OLDER}.stored_{table.name} as o on {_same_key(table)}",
    )
    words = "that this ledger shows on {day} and the older one did not hold: {count:,}. "
    if defaulted:
        step = (
            "known_on is copied from the business date here, so whatever is entered late shows "
            "too early. Export the day of entry as known_on."
        )
    elif "known_on" in table.column_names:
        step = (
            "They came later with an earlier known day, and features of past days see them before "
            "anybody did. Export the day of entry as known_on, not the business date."
        )
    else:
        step = "The table has no known day, so what is entered late shows too early."
    yield from _moved_finding(table, day, appeared, words + step)
    for shown, hidden, words in (
        (
            OLDER,
            "main",
            "that the older ledger shows on {day} and this one only later: {count:,}. ",
        ),
        (
            "main",
            OLDER,
            "that this ledger shows on {day} and the older one only later: {count:,}. ",
        ),
    ):
        moved = _ask(session, _shown_by_one(table, shown, hidden, day))
        step = (
            "Their business or known day was overwritten; import the older export first and the "
            "newer one into the same ledger, which keeps the first known day."
        )
        yield from _moved_finding(table, day, moved, words + step)


def _shown_by_one(table: Table, shown: str, hidden: str, day: date) -> str:
    """Return the query for rows that one ledger shows on the day and the other holds as well."""
    older, newer = ("o.shown_on", "h.shown_on") if shown == OLDER else ("h.shown_on", "o.shown_on")
    key = ", ".join(f'"{name}"' for name in table.key)
    return (
        f"select {_id(table, 'o')} || ': shown from ' || cast({older} as varchar) || ' → ' "  # noqa: S608 (contract names)
        f"|| cast({newer} as varchar) as example from ({_shown(table, shown, day)}) as o "
        f"inner join (select {key}, max({_shown_on(table)}) as shown_on from {hidden}.{table.name} "
        f"group by {key}) as h on {_same_key(table, 'h')} "
        f"anti join ({_shown(table, hidden, day)}) as n on {_same_key(table)}"
    )


def _moved_finding(
    table: Table, day: date, found: tuple[int, tuple[str, ...]], words: str
) -> Iterator[Finding]:
    count, examples = found
    if count:
        yield Finding(
            name="days_kept",
            outcome="failed" if "known_on" in table.column_names else "warning",
            where=table.name,
            as_of=day,
            count=count,
            examples=examples,
            sentence=f"Rows of {table.name} " + words.format(day=day, count=count),
        )


def _shown(table: Table, schema: str, day: date) -> str:
    """Return the query for the rows of a table as its readers saw them on the day."""
    on = f"date '{day.isoformat()}'"
    where = []
    columns = {column.name: f'r."{column.name}"' for column in table.columns}
    if table is not ACCOUNTS:
        columns["shown_on"] = f"r.{_shown_on(table)}"
        where.append(f"r.{_shown_on(table)} <= {on}")
    if "known_on" in table.column_names:
        where.append(f"(r.superseded_on is null or r.superseded_on > {on})")
    if late := LATE.get(table.name):
        for name in late.columns:
            columns[name] = f"case when {late.day('r')} > {on} then null else r.{name} end"
        if late.refers:
            columns[late.refers] = (
                f"case when r.{late.refers} in (select {table.key[0]} from {schema}.{table.name} "  # noqa: S608 (contract names)
                f"where visible_on <= {on} and (superseded_on is null or superseded_on > {on})) "
                f"then r.{late.refers} end"
            )
    listed = ", ".join(f'{value} as "{name}"' for name, value in columns.items())
    condition = " and ".join(where) or "true"
    return f"select {listed} from {schema}.{table.name} as r where {condition}"  # noqa: S608 (contract names)


def _shown_on(table: Table) -> str:
    return SHOWN_ON.get(table.name, "visible_on")


def _id(table: Table, row: str) -> str:
    """Return SQL for the text that names a row."""
    return " || ' ' || ".join(f'cast({row}."{name}" as varchar)' for name in table.key)


def _same_key(table: Table, other: str = "n") -> str:
    return " and ".join(f'o."{name}" = {other}."{name}"' for name in table.key)


def _ask(session: Session, query: str) -> tuple[int, tuple[str, ...]]:
    """Return how many rows a query of examples has, and the first of them."""
    row = session.arrow(
        f"select count(*) as n, min(example, {MAX_EXAMPLES}) as examples from ({query}) as found"  # noqa: S608 (contract names)
    ).to_pylist()[0]
    return row["n"], tuple(row["examples"] or ())
