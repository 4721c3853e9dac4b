import pytest
import sqlglot

from features.dialect import to_spark


def test_hints_of_materialisation_are_left_out() -> None:
    text = to_spark("with a as not materialized (select b.c from b) select a.c from a")
    assert text == "WITH a AS (SELECT b.c FROM b) SELECT a.c FROM a"


def test_nulls_come_last_as_in_duckdb() -> None:
    text = to_spark("select lead(a) over (order by b) as c from d")
    assert text == "SELECT LEAD(a) OVER (ORDER BY b NULLS LAST) AS c FROM d"


def test_reserved_words_stay_quoted_as_spark_quotes_them() -> None:
    assert to_spark('select a."column" as b from a') == "SELECT a.`column` AS b FROM a"


def test_a_text_that_is_no_sql_is_refused() -> None:
    with pytest.raises(sqlglot.errors.ParseError):
        to_spark("select from where")
