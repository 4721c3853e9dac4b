"""Render the feature SQL, which is written for DuckDB, for Spark.

SQLGlot does the translation; the one thing done by hand is to leave out ``materialized`` hints
of common table expressions, which Spark does not know. SQLGlot does not notice everything that
means something else on the other engine, so the texts keep to the subset of
``features.portable``, and ``tests/features/test_spark.py`` holds both engines to the same bytes.
"""

import sqlglot
from sqlglot import exp


def to_spark(sql: str) -> str:
    """Return the Spark text of one DuckDB query.

    Parameters
    ----------
    sql : str
        One ``select``, in the portable subset.

    Raises
    ------
    sqlglot.errors.SqlglotError
        When the text cannot be parsed, or SQLGlot knows that Spark lacks a part of it.

    Examples
    --------
    >>> to_spark("with a as not materialized (select b.c from b) select a.c from a")
    'WITH a AS (SELECT b.c FROM b) SELECT a.c FROM a'
    >>> to_spark("select datediff('day', a, b) as days from c")
    'SELECT DATEDIFF(DAY, a, b) AS days FROM c'
    """
    tree = sqlglot.parse_one(sql, read="duckdb")
    for named in tree.find_all(exp.CTE):
        named.set("materialized", None)
    return str(tree.sql("spark", comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE))
