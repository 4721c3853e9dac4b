import re
from pathlib import Path

import pytest

from features.catalogue import CATALOGUE, NAMES
from tests.features.books import Books, missing

WORKED = "\n".join(
    path.read_text("utf-8")
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if path.name not in {Path(__file__).name, "test_catalogue.py"}
)


def is_worked(name: str, tests: str) -> bool:
    """Whether tests hold a feature to a number: ``"name": number`` or ``row["name"] == number``.

    That a value is missing is no number.
    """
    found = re.sub(r"missing\([^()]*\)", "", tests)
    return re.search(rf'"{name}"\s*[\]:]', found) is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_feature_is_checked_on_a_ledger_worked_by_hand(name: str) -> None:
    """A new feature without a worked number in tests/features is refused."""
    assert is_worked(name, WORKED), f"Feature {name!r} needs a number worked by hand."


def test_a_mention_is_no_worked_number() -> None:
    """Neither a longer name, nor a list of names, nor a missing value holds a number."""
    assert is_worked("dbt_mean", 'worked = {"dbt_mean": 3}')
    assert is_worked("dbt_mean", 'assert row["dbt_mean"] == 3')
    for text in (
        '{"dbt_mean_365": 3}',
        'for name in ("dbt_mean", "x"):',
        'assert missing(row["dbt_mean"])',
    ):
        assert not is_worked("dbt_mean", text)


def test_without_its_optional_tables_every_feature_is_missing() -> None:
    """A source with invoices and cash alone: what needs more is missing, never zero."""
    row = Books().invoice("I", "2024-04-01", "2024-05-01", 400).features("2024-07-01")["I"]
    needing = [feature.name for feature in CATALOGUE if feature.needs]
    assert needing
    assert [name for name in needing if not missing(row[name])] == []
