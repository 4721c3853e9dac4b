"""The portable subset of SQL: what gives the same bytes on DuckDB and on Spark.

Every node of a query's syntax tree must be of a kind listed here (``ALLOWED``), so that a
function nobody has compared is refused until it has been. Some kinds are allowed in one form
only:

- Days between dates are ``datediff('day', a, b)``: ``date - date`` is a number in DuckDB and an
  interval in Spark, and other units count differently. A date is moved by an interval of days
  inside ``cast(... as date)`` or ``last_day(...)``, since the sum is a timestamp in DuckDB.
- Sums are over integers and decimals: a sum of floats depends on the order of rows.
- A float becomes an integer by ``floor`` or ``round`` first: the bare cast rounds in DuckDB and
  cuts in Spark. A division of decimals needs a float on one side: it is a decimal in Spark.
- Joins are inner, left or cross and say ``on``; columns are named, never ``*`` or a position.

Dates are known by their names (``as_of``, ``..._on`` and those in ``DATE_NAMES``), floats by what
the query computes. The engines agree that ``greatest`` and ``least`` pass over nulls, that ``%``
takes the sign of its left side, that ``round`` takes halves away from zero, that text is ordered
by its bytes, and (through SQLGlot) that nulls come last. Division by zero is an error in Spark:
divide by ``nullif(x, 0)`` unless x cannot be zero.
"""

from collections.abc import Callable, Iterator

import sqlglot
from sqlglot import exp

from features.ledger.tables import TABLES

DATE_NAMES = frozenset({"as_of", "known_from", "known_until", "known_through", "provisional_until"})
"""Names of dates that do not end in ``_on``."""

DECIMAL_NAMES = frozenset(
    column.name
    for table in TABLES.values()
    for column in table.columns
    if column.kind in ("money", "decimal")
)
"""Columns of the ledger that are decimals."""

INPUT_FLOATS = frozenset({"hazard"})
"""Floating columns of the input tables (``features.inputs``)."""

_STRUCTURE = (
    exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.With, exp.CTE, exp.Union,
    exp.Subquery, exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star,
    exp.Literal, exp.Null, exp.Boolean, exp.Var, exp.Paren, exp.Distinct, exp.Filter, exp.Window,
    exp.WindowSpec, exp.Order, exp.Ordered, exp.DataType, exp.DataTypeParam, exp.Interval,
)  # fmt: skip
_OPERATORS = (
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between,
    exp.In, exp.Is, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Case, exp.If,
    exp.Cast,
)  # fmt: skip
_FUNCTIONS = (
    exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.Floor, exp.Round, exp.Sqrt,
    exp.DateDiff, exp.Day, exp.Month, exp.LastDay, exp.Lower, exp.Upper, exp.Trim,
    exp.Sum, exp.Count, exp.Min, exp.Max, exp.Median, exp.RowNumber, exp.Lead,
)  # fmt: skip
ALLOWED = frozenset({*_STRUCTURE, *_OPERATORS, *_FUNCTIONS})
"""Kinds of syntax-tree nodes that a portable query may have."""

_TYPES = frozenset({"BOOLEAN", "INT", "BIGINT", "DOUBLE", "DATE", "DECIMAL", "VARCHAR", "TEXT"})
_INTEGERS = frozenset({"INT", "BIGINT"})
_PASSES_ON = (
    exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg, exp.Paren, exp.Coalesce, exp.Nullif,
    exp.Greatest, exp.Least, exp.Max, exp.Min, exp.Sum, exp.Floor, exp.Round, exp.Lead,
)  # fmt: skip
"""What has the type of its operands."""


def departures(sql: str, floats: frozenset[str] = INPUT_FLOATS) -> list[str]:
    """Return what in a DuckDB query is outside the portable subset; empty when it is portable.

    Parameters
    ----------
    sql : str
        One query.
    floats : frozenset of str
        Names of floating columns of the tables it reads.

    Returns
    -------
    list of str
        One sentence for each departure: the text, the rule, what to write instead.

    Examples
    --------
    >>> departures("select datediff('day', issued_on, due_on) as terms_days from invoices")
    []
    >>> departures("select due_on - issued_on as terms_days from invoices")
    ["due_on - issued_on: a difference of dates is datediff('day', a, b)."]
    """
    tree = sqlglot.parse_one(sql, read="duckdb")
    known = floats | float_columns(sql, floats)
    found: list[str] = []
    for node in tree.walk():
        if type(node) not in ALLOWED:
            found.append(f"{_text(node)}: {_name(node)} is not in the portable subset.")
        elif (rule := _RULES.get(type(node))) is not None:
            found += [f"{_text(node)}: {words}" for words in rule(node, known)]
    return list(dict.fromkeys(found))


def float_columns(sql: str, floats: frozenset[str] = INPUT_FLOATS) -> frozenset[str]:
    """Return the names of the columns that a query computes as floats.

    Examples
    --------
    >>> sorted(float_columns("select cast(a as double) / 2 as half, a from b"))
    ['half']
    """
    tree = sqlglot.parse_one(sql, read="duckdb")
    aliases = list(tree.find_all(exp.Alias))
    named: frozenset[str] = frozenset()
    while True:
        found = frozenset(a.alias for a in aliases if _is_float(a.this, floats | named))
        if found <= named:
            return named
        named |= found


def _is_float(node: exp.Expression, floats: frozenset[str]) -> bool:
    if isinstance(node, exp.Cast):
        return _type(node) == "DOUBLE"
    if isinstance(node, exp.Div | exp.Sqrt | exp.Median):
        return True
    if isinstance(node, exp.Column):
        return node.name in floats
    if isinstance(node, exp.Case):
        results = [branch.args["true"] for branch in node.args["ifs"]]
        parts = [*results, node.args.get("default") or exp.Null()]
    elif isinstance(node, exp.Filter | exp.Window):
        parts = [node.this]
    else:
        parts = list(node.iter_expressions()) if isinstance(node, _PASSES_ON) else []
    return any(_is_float(part, floats) for part in parts)


def _is_date(node: exp.Expression) -> bool:
    if isinstance(node, exp.Column):
        return node.name.endswith("_on") or node.name in DATE_NAMES
    if isinstance(node, exp.Cast):
        return _type(node) == "DATE"
    if isinstance(node, exp.Paren | exp.Coalesce | exp.Greatest | exp.Least | exp.Max | exp.Min):
        return any(_is_date(part) for part in node.iter_expressions())
    return isinstance(node, exp.LastDay)


def _arithmetic(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    del floats
    left, right = _is_date(node.left), _is_date(node.right)
    if left and right:
        yield "a difference of dates is datediff('day', a, b)."
    elif left or right:
        moved = node.right if left else node.left
        if moved.find(exp.Interval) is None:
            yield "a date is moved by an interval of days, not by a number."
        elif not _is_date(node.parent):
            yield "a moved date stands in cast(... as date): DuckDB makes a timestamp of it."


def _cast(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    to = _type(node)
    if (
        to in _INTEGERS
        and not isinstance(node.this, exp.Floor | exp.Round)
        and _is_float(node.this, floats)
    ):
        yield "a float becomes an integer by floor or round first."


def _data_type(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    del floats
    if node.this.name not in _TYPES:
        yield f"the type is not one of {', '.join(sorted(_TYPES)).lower()}."


def _division(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    decimals = [part for part in node.find_all(exp.Literal) if part.is_number and not part.is_int]
    decimals += [part for part in node.find_all(exp.Column) if part.name in DECIMAL_NAMES]
    if decimals and not (_is_float(node.left, floats) or _is_float(node.right, floats)):
        yield "a division of decimals is a decimal in Spark: cast one side to double."


def _sum(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    if _is_float(node.this, floats):
        yield "a sum of floats depends on the order of rows: sum integers or decimals."


def _days_only(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    del floats
    if str(node.args.get("unit") or "").upper() != "DAY":
        yield "the unit is days; others count differently."


def _join(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    del floats
    how = " ".join(str(node.args.get(part) or "") for part in ("method", "side", "kind")).split()
    if how not in (["INNER"], ["LEFT"], ["CROSS"]):
        yield f"a join is inner, left or cross, not {' '.join(how).lower() or 'unnamed'}."
    elif how != ["CROSS"] and node.args.get("on") is None:
        yield "a join says on, not using."


def _star(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    del floats
    if not isinstance(node.parent, exp.Count):
        yield "columns are named one by one."


def _grouping(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    del floats
    parts = [part.this if isinstance(part, exp.Ordered) else part for part in node.expressions]
    if node.args.get("all") or any(_text(part).lower() == "all" for part in parts):
        yield "columns are named one by one, not by all."
    if any(isinstance(part, exp.Literal) for part in parts):
        yield "columns are named, not counted."


def _bare(*parts: str) -> Callable[[exp.Expression, frozenset[str]], Iterator[str]]:
    def rule(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
        del floats
        yield from (
            f"{part.strip('_')} is not in the portable subset."
            for part in parts
            if node.args.get(part)
        )

    return rule


def _frame(node: exp.Expression, floats: frozenset[str]) -> Iterator[str]:
    del floats
    if str(node.args.get("kind")).upper() != "ROWS":
        yield "a window frame counts rows."


_RULES: dict[type[exp.Expression], Callable[[exp.Expression, frozenset[str]], Iterator[str]]] = {
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Cast: _cast,
    exp.DataType: _data_type,
    exp.Div: _division,
    exp.Sum: _sum,
    exp.DateDiff: _days_only,
    exp.Interval: _days_only,
    exp.Join: _join,
    exp.Star: _star,
    exp.Group: _grouping,
    exp.Order: _grouping,
    exp.WindowSpec: _frame,
    exp.With: _bare("recursive"),
    exp.Distinct: _bare("on"),
    exp.Union: _bare("by_name"),
}


def _type(node: exp.Expression) -> str:
    return str(node.to.this.name)


def _name(node: exp.Expression) -> str:
    if isinstance(node, exp.Anonymous):
        return f"{node.name.lower()}()"
    return f"{node.sql_name().lower()}()" if isinstance(node, exp.Func) else node.key


def _text(node: exp.Expression) -> str:
    text = " ".join(node.sql("duckdb", comments=False).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
