"""``rollrisk simulate-policy`` replays past days and claims no effect."""

import json
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.cli import main
from tests.serving.conftest import Installation

PAST = date(2024, 9, 30)


@pytest.fixture(scope="module")
def reversed_policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped policy with most seats for reminders, and every flag a hold."""
    text = resources.files("serving").joinpath("policy.toml").read_text("utf-8")
    for old, new in (
        ("past_due = 0.70", "past_due = 0.10"),
        ("due_soon = 0.10", "due_soon = 0.70"),
        ('"do_not_contact"]', '"do_not_contact", "suspended"]'),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("policies") / "reminders.toml"
    path.write_text(text, "utf-8")
    return path


def run(installation: Installation, *arguments: str) -> Result:
    """Run the command on the installation's ledger."""
    command = ["simulate-policy", str(installation.ledger), *arguments]
    home = {"ROLLRISK_HOME": str(installation.home.path)}
    return CliRunner().invoke(main, command, env=home)


def test_past_days_are_replayed_under_each_policy(
    installation: Installation, reversed_policy: Path
) -> None:
    """What is listed stays within what there is; outcomes count once they are mature."""
    policies = ["--policy", "shipped", "--policy", str(reversed_policy)]
    days = ["--as-of", str(PAST), "--as-of", str(installation.as_of)]
    result = run(installation, *policies, *days, "--capacity", "15", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert "no incremental effect" in told["note"]
    rows = told["replays"]
    assert {row["policy"] for row in rows} == {"shipped", "reminders"}
    for row in rows:
        assert 0 <= row["expected"] <= row["expected_all"] + 0.005
        assert (row["rolled"] is None) == (row["as_of"] == str(installation.as_of))
        if row["rolled"] is not None:
            assert 0 <= row["rolled"] <= row["rolled_all"]
        if row["policy"] == "shipped" and row["listed"]:
            assert row["overlap"] == 1
    for day in (str(PAST), str(installation.as_of)):
        listed = {
            name: sum(row["listed"] for row in rows if (row["policy"], row["as_of"]) == (name, day))
            for name in ("shipped", "reminders")
        }
        assert listed == {"shipped": 15, "reminders": 15}
    hours = {name: sum(r["hours"] for r in rows if r["policy"] == name) for name in listed}
    assert hours["reminders"] < hours["shipped"]
    assert any(row["overlap"] < 1 for row in rows if row["policy"] == "reminders")


def test_the_table_says_that_it_is_no_effect(installation: Installation) -> None:
    """In plain words, under the table."""
    result = run(installation, "--policy", "shipped", "--as-of", str(PAST))
    assert result.exit_code == 0, result.output
    assert "no incremental effect" in " ".join(result.output.split())
    assert "did roll" in result.output


def test_a_model_that_saw_the_outcomes_is_refused(installation: Installation) -> None:
    """Hindsight would flatter every policy; the next step is named."""
    result = run(installation, "--policy", "shipped", "--as-of", str(PAST), "--model", "1")
    assert result.exit_code == 1
    assert f"rollrisk train LEDGER --until {PAST}" in " ".join(result.output.split())


def test_a_day_after_the_books_is_refused(installation: Installation) -> None:
    """There is nothing to replay."""
    day = installation.as_of + timedelta(days=1)
    result = run(installation, "--policy", "shipped", "--as-of", str(day))
    assert result.exit_code == 2
    assert "must not lie after the end of the books" in result.output


def test_policies_of_one_name_are_refused(installation: Installation) -> None:
    """Their rows could not be told apart."""
    result = run(installation, *["--policy", "shipped"] * 2, "--as-of", str(PAST))
    assert result.exit_code == 2
    assert "names of their own" in result.output
