"""From which tables and columns of the ledger each feature is made: parsed from the SQL itself.

A query's column is traced to the columns of the stages it reads, and these on to the ledger.
Conditions (which rows count) are not columns of a value: the tables behind them are listed as
read.
"""

import re
from functools import cache

from sqlglot import exp
from sqlglot.lineage import lineage

from features.catalogue import CATALOGUE, FAMILIES, MODEL_FEATURES
from features.inputs import Rules, input_tables
from features.ledger.tables import TABLES
from features.stages import FEATURE_STAGES, ITEM_STAGES, PEER_STAGES, query_text

STAGES = frozenset((*ITEM_STAGES, *FEATURE_STAGES, *PEER_STAGES))


def lineage_page() -> str:
    """Return the lineage of every feature as Markdown."""
    lines = [
        "# Lineage",
        "",
        "Made from `features/sql/` by `make pages`. *Columns* are those a value is computed from; "
        "*also read* are the tables whose rows decide what counts. Every table is read as the "
        "books showed it at the as-of date.",
    ]
    for family, title in FAMILIES.items():
        if all(feature.family != family for feature in MODEL_FEATURES):
            continue
        lines += ["", f"## {title} (`{family}`)", ""]
        if family == "peers":
            tables = ", ".join(sorted(tables_behind("peer_levels")))
            lines += [f"From the levels in a model's profile, which are made from: {tables}."]
            continue
        lines += ["| feature | columns | also read |", "|---|---|---|"]
        for feature in CATALOGUE:
            if feature.family != family:
                continue
            columns = columns_behind(feature.query, feature.name)
            tables = {table for table, _ in columns}
            also = sorted(tables_behind(feature.query) - tables)
            lines.append(f"| `{feature.name}` | {_listed(columns)} | {', '.join(also) or '–'} |")
    return "\n".join(lines) + "\n"


def _listed(columns: frozenset[tuple[str, str]]) -> str:
    by_table: dict[str, list[str]] = {}
    for table, column in sorted(columns):
        by_table.setdefault(table, []).append(column)
    return "; ".join(f"{table}: {', '.join(names)}" for table, names in by_table.items()) or "–"


@cache
def tables_behind(stage: str) -> frozenset[str]:
    """Return the ledger tables that a stage reads, itself or through others."""
    found: set[str] = set()
    for name in _relations(stage):
        found |= {name} if name in TABLES else tables_behind(name) if name in STAGES else set()
    return frozenset(found)


@cache
def columns_behind(stage: str, column: str) -> frozenset[tuple[str, str]]:
    """Return the (table, column) pairs of the ledger that a stage's column is computed from."""
    found: set[tuple[str, str]] = set()
    for relation, name in _parents(stage, column):
        if relation in TABLES:
            found |= {(relation, source) for source in _stored(relation, name)}
        elif relation in STAGES:
            found |= columns_behind(relation, name)
    return frozenset(found)


def _stored(table: str, column: str) -> tuple[str, ...]:
    """Return the stored columns behind a column of a ledger view."""
    if column in ("visible_on", "superseded_on"):
        return tuple(name for name in (TABLES[table].clock, "known_on") if name)
    return (column,) if column in TABLES[table].column_names else ()


@cache
def _parents(stage: str, column: str) -> frozenset[tuple[str, str]]:
    """Return the (relation, column) pairs that a column of one stage reads directly."""
    tree = lineage(column, query_text(stage), schema=_schema(), dialect="duckdb")
    return frozenset(
        (node.expression.name, node.name.rpartition(".")[2].strip('"'))
        for node in tree.walk()
        if isinstance(node.expression, exp.Table)
    )


@cache
def _relations(stage: str) -> frozenset[str]:
    bare = re.sub(r"--.*", "", query_text(stage))
    return frozenset(re.findall(r"\b(?:from|join)\s+([a-z_]+)", bare))


@cache
def _schema() -> dict[str, dict[str, str]]:
    """Return the columns of every relation that a stage may read."""
    from datetime import date  # noqa: PLC0415 (a placeholder date for the input tables)

    schema = {
        name: dict.fromkeys((*table.column_names, "visible_on", "superseded_on"), "text")
        for name, table in TABLES.items()
    }
    for name, table in input_tables([date(2024, 1, 31)], Rules()).items():
        schema[name] = dict.fromkeys(table.column_names, "text")
    return schema
