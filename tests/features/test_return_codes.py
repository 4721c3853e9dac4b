"""Return codes: one class each, none twice, all that the simulator emits."""

import tomllib
from pathlib import Path

import duckdb
import pytest

from features.return_codes import (
    CLASSES,
    COLUMNS,
    SCHEMES,
    ReturnCodesError,
    normalised,
    parse_return_codes,
    return_classes,
    return_codes,
)
from features.sources.simulated.cash_tables import RETURN_CODES

HEAD = ",".join(COLUMNS)


def classes() -> dict[str, str]:
    """The class of each code."""
    return {code.code: code.class_name for code in return_codes().codes}


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("R01", "funds"),
        ("R09", "funds"),
        ("R02", "account_data"),
        ("R29", "unauthorised"),
        ("R16", "legal"),
        ("R08", "dispute"),
        ("R24", "processing"),
        ("AM04", "funds"),
        ("AC01", "account_data"),
        ("MD01", "unauthorised"),
        ("MD06", "dispute"),
        ("MS03", "other"),
        ("NSF", "funds"),
        ("10.4", "fraud"),
        ("13.1", "dispute"),
        ("12.6.2", "processing"),
        ("4853", "dispute"),
        ("C08", "dispute"),
        ("51", "funds"),
        ("INSUFFICIENT_FUNDS", "funds"),
        ("EXPIRED_CARD", "account_data"),
    ],
)
def test_well_known_codes_have_the_class_a_collector_expects(code: str, name: str) -> None:
    """A code of each scheme and class, by its published meaning."""
    assert classes()[code] == name


def test_every_code_of_the_simulator_is_known() -> None:
    """No simulated return is without a class."""
    assert set(RETURN_CODES) <= set(classes())


def test_every_class_and_scheme_is_used() -> None:
    """Names that no row has would be dead words in the documentation."""
    codes = return_codes().codes
    assert {code.class_name for code in codes} == set(CLASSES)
    assert {code.scheme for code in codes} == set(SCHEMES)


def test_the_table_joins_as_the_documentation_says() -> None:
    """upper(trim(code)) in DuckDB finds the class; unknown codes find none."""
    connection = duckdb.connect(":memory:")
    connection.register("return_classes", return_classes())
    found = connection.sql(
        "select given.code, return_classes.class "
        "from (values (' insufficient_funds '), ('am04'), ('R01'), ('XYZ'), (null)) as given(code) "
        "left join return_classes on upper(trim(given.code)) = return_classes.code "
        "order by given.code nulls last"
    ).fetchall()
    assert found == [
        (" insufficient_funds ", "funds"),
        ("R01", "funds"),
        ("XYZ", None),
        ("am04", "funds"),
        (None, None),
    ]


def test_sql_and_python_normalise_alike() -> None:
    """Every code of the table is what both of them make of it."""
    connection = duckdb.connect(":memory:")
    connection.register("return_classes", return_classes())
    rows = connection.sql("select code, upper(trim(code)) from return_classes").fetchall()
    assert len(rows) == len(return_codes().codes)
    assert all(code == normalised(code) == sql for code, sql in rows)


def test_a_code_of_two_schemes_is_refused() -> None:
    """Letter case and blanks do not make another code."""
    text = f"{HEAD}\nach,R03,account_data,No account\namex, r03 ,other,No reply\n"
    with pytest.raises(ReturnCodesError, match=r"line 3: code 'R03' stands there twice.*ach"):
        parse_return_codes(text, "codes.csv")


def test_all_broken_lines_are_named_at_once() -> None:
    """Unknown class, unknown scheme, empty cell and a short line are told together."""
    text = f"{HEAD}\nach,R01,money,x\nwire,W1,funds,x\nach,R02,funds,\nach,R03\n"
    with pytest.raises(ReturnCodesError) as caught:
        parse_return_codes(text, "codes.csv")
    message = str(caught.value)
    assert "line 2: class must be one of funds, account_data" in message
    assert "got 'money'" in message
    assert "line 3: scheme must be one of ach" in message
    assert "line 4: meaning is empty" in message
    assert "line 5: must have 4 cells, got 2" in message


def test_other_columns_are_refused() -> None:
    """The head names what must stand there."""
    with pytest.raises(ReturnCodesError, match="columns must be scheme, code, class, meaning"):
        parse_return_codes("code,class\nR01,funds\n", "codes.csv")


def test_the_digest_changes_with_the_content() -> None:
    """Another meaning is another version; the same text is the same."""
    one = parse_return_codes(f"{HEAD}\nach,R01,funds,No money\n", "a")
    same = parse_return_codes(f"{HEAD}\nach,R01,funds,No money\n", "b")
    other = parse_return_codes(f"{HEAD}\nach,R01,other,No money\n", "a")
    assert one.digest == same.digest != other.digest
    assert len(one.digest) == 16


def test_the_file_is_part_of_the_package() -> None:
    """An installed rollrisk has the codes, for the wheel takes only what is listed."""
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["features"]
    listed = {path.name for pattern in patterns for path in Path("features").glob(pattern)}
    assert "returns.csv" in listed
