"""Tests of the command line: help, exit codes, and messages that name the next step."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from serving.cli import COMMANDS, main
from tests.trained import Installation, quiet_mlflow, small_installation


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A home with one registered model, and its ledger."""
    return small_installation(tmp_path_factory)


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of 20 accounts over four months: too little to train on."""
    folder = tmp_path_factory.mktemp("young") / "ledger"
    result = CliRunner().invoke(
        main,
        ["simulate", "--accounts", "20", "--months", "4", "--seed", "3", "--out", str(folder)],
    )
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of the commands."""
    quiet_mlflow()
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def trained_home(home: Path, small: Installation) -> Path:
    """A home with the small model as challenger and no champion."""
    home.mkdir()
    shutil.copy(small.home.path / "mlflow.db", home)
    return home


def run(*arguments: object) -> Result:
    """Run a command in this process; anything but an exit is an error."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def said(result: Result) -> str:
    """Return what was printed, on one line."""
    return " ".join(result.output.split())


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    """--help ends with 0 and says the command's own sentence and options."""
    result = run(name, "--help")
    assert result.exit_code == 0
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help is not None
    assert command.help.split("\n")[0].strip() in said(result) or command.help[:40] in said(result)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.opts[0] in result.output


def test_the_help_lists_every_command_in_the_order_of_the_work() -> None:
    """With one sentence each, and without importing any of them."""
    output = run("--help").output
    places = [output.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)
    code = (
        "import sys; from click.testing import CliRunner; from serving.cli import main; "
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0; "
        "print(sorted({'pandas', 'mlflow', 'lightgbm', 'duckdb'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert shown.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rank"], "No such command 'rank'"),
        (["score"], "Missing argument 'LEDGER'"),
        (["score", "."], "Missing option '--as-of'"),
        (["score", ".", "--as-of", "31.12.2024", "--out", "o"], "Write it as YYYY-MM-DD"),
        (["score", ".", "--as-of", "2024-02-30", "--out", "o"], "'2024-02-30' is no date"),
        (["train", "nowhere"], "Directory 'nowhere' does not exist"),
        (["simulate", "--out", "o", "--accounts", "0"], "0 is not in the range"),
        (["import", "quickbooks", ".", "--out", "o"], "'quickbooks' is not one of"),
        (["promote", "--force"], "--force needs --reason TEXT"),
        (["backtest", ".", "--out", "o", "--draws", "3"], "3 is not in the range"),
        (["features", ".", "--as-of", "2024-01-31"], "Missing option '--out'"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("home")
def test_wrong_usage_ends_with_two(arguments: list[str], says: str) -> None:
    """The message names what was wrong; nothing is done."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in said(result)


def test_a_folder_that_is_no_ledger_is_refused(home: Path, tmp_path: Path) -> None:
    """The message names the command that makes one."""
    out = tmp_path / "o"
    for command in (
        ["check", tmp_path],
        ["train", tmp_path],
        ["backtest", tmp_path, "--out", out],
        ["score", tmp_path, "--as-of", "2024-01-31", "--out", out],
        ["features", tmp_path, "--as-of", "2024-01-31", "--out", tmp_path / "f.parquet"],
        ["outcomes", tmp_path, "--as-of", "2024-01-31", "--out", tmp_path / "f.parquet"],
    ):
        result = run(*command)
        assert result.exit_code == 1, command
        assert "is no ledger" in said(result)
        assert "rollrisk import" in said(result)
    assert not out.exists()
    assert not (home / "snapshots").exists()


@pytest.mark.usefixtures("home")
def test_too_little_history_ends_with_one_and_says_what_is_missing(
    young: Path, tmp_path: Path
) -> None:
    """Days there are and days that are needed; rows there are and rows that are needed."""
    result = run("train", young)
    assert result.exit_code == 1
    assert "Give a longer history" in said(result)
    result = run("backtest", young, "--out", tmp_path / "o")
    assert result.exit_code == 1
    assert "too small to train on: 0 unresolved rows, 200 are needed" in said(result)
    assert not (tmp_path / "o").exists()


@pytest.mark.usefixtures("home")
def test_mistakes_in_files_end_with_one(young: Path, tmp_path: Path) -> None:
    """A misspelt configuration or policy is named with what is known."""
    result = run("train", young, "--config", "qick")
    assert result.exit_code == 1
    assert "'quick'" in said(result)
    policy = tmp_path / "policy.toml"
    policy.write_text("[loss]\n")
    score = ("score", young, "--as-of", "2023-04-30", "--out", tmp_path / "o")
    result = run(*score, "--policy", policy)
    assert result.exit_code == 1
    assert "Unknown policy keys ['loss']" in said(result)
    result = run(*score, "--policy", tmp_path / "nothing.toml")
    assert result.exit_code == 1
    assert "does not exist" in said(result)


@pytest.mark.usefixtures("home")
def test_models_and_snapshots_that_are_not_there_end_with_one(young: Path, tmp_path: Path) -> None:
    """Each message names the command to run first."""
    score = ("score", young, "--as-of", "2023-04-30", "--out", tmp_path / "o", "--model", "7")
    result = run(*score)
    assert result.exit_code == 1
    assert "rollrisk train LEDGER" in said(result)
    result = run("promote")
    assert result.exit_code == 1
    assert "There is no challenger. Train one" in said(result)
    result = run("report", "--out", tmp_path / "r.html")
    assert result.exit_code == 1
    assert "rollrisk score LEDGER" in said(result)


@pytest.mark.usefixtures("home")
def test_a_ledger_is_not_simulated_over(young: Path) -> None:
    """An existing ledger is left alone."""
    before = sorted(path.name for path in young.rglob("*"))
    result = run("simulate", "--accounts", "5", "--months", "2", "--out", young)
    assert result.exit_code == 1
    assert "holds a ledger already. Give an empty folder to --out." in said(result)
    assert sorted(path.name for path in young.rglob("*")) == before


def test_without_a_model_the_matrix_scores_and_says_so(
    home: Path, young: Path, tmp_path: Path
) -> None:
    """A ledger too small to train on gets a worklist all the same."""
    out = tmp_path / "scores"
    result = run("score", young, "--as-of", "2023-04-30", "--out", out, "--json")
    assert result.exit_code == 0
    portfolio = json.loads(result.stdout)
    assert portfolio["model_version"].startswith("matrix-")
    assert portfolio == json.loads((out / "portfolio.json").read_text())
    fallback = pd.read_parquet(out / "items.parquet")["fallback"]
    assert set(fallback) == {"matrix: no model is trained for this ledger"}
    assert (home / "snapshots" / "CURRENT").is_file()
    result = run("report", "--out", tmp_path / "r.html")
    assert result.exit_code == 0
    assert (tmp_path / "r.html").is_file()


def test_the_champion_scores_and_is_named(
    trained_home: Path, small: Installation, tmp_path: Path
) -> None:
    """Without --model the registry's champion answers; the snapshot carries its version."""
    score = ("score", small.ledger_path, "--as-of", "2024-12-31", "--out", tmp_path / "o")
    result = run(*score)
    assert result.exit_code == 0
    assert "2024-12-31-m1-" in said(result)
    assert "is published" in said(result)
    items = pd.read_parquet(tmp_path / "o" / "items.parquet")
    assert set(items["model_version"]) == {"1"}
    assert (items["fallback"] == "").mean() > 0.9
    assert [path.name for path in (trained_home / "snapshots").iterdir() if path.is_dir()]


@pytest.mark.usefixtures("trained_home")
def test_a_champion_that_cannot_be_read_is_told_and_not_replaced_by_the_matrix(
    small: Installation, young: Path, tmp_path: Path
) -> None:
    """A broken model never turns into another one in silence."""
    found = list(small.home.artifacts.rglob("bundle.json"))
    hidden = {path: path.with_suffix(".aside") for path in found}
    for path, aside in hidden.items():
        path.rename(aside)
    try:
        result = run("score", young, "--as-of", "2023-04-30", "--out", tmp_path / "o")
    finally:
        for path, aside in hidden.items():
            aside.rename(path)
    assert result.exit_code == 1
    assert "Version 1 of roll-risk cannot be read" in said(result)
    assert not (tmp_path / "o").exists()


@pytest.mark.usefixtures("trained_home")
def test_the_gate_speaks_through_the_exit_code() -> None:
    """0 when the version passes; the table shows every rule."""
    result = run("promote", "--version", "1")
    assert result.exit_code == 0
    assert "Version 1 is the champion" in said(result)
    for rule in ("log-loss beats every baseline", "Brier score", "expected over realised"):
        assert rule in said(result)


@pytest.mark.usefixtures("home")
def test_features_and_outcomes_are_written(young: Path, tmp_path: Path) -> None:
    """One row per open item and date; four steps per item, unknown where the books end."""
    dates = ("--as-of", "2023-02-28", "--as-of", "2023-03-31")
    assert run("features", young, *dates, "--out", tmp_path / "f.parquet").exit_code == 0
    assert run("outcomes", young, *dates, "--out", tmp_path / "o.parquet").exit_code == 0
    features = pd.read_parquet(tmp_path / "f.parquet")
    outcomes = pd.read_parquet(tmp_path / "o.parquet")
    assert set(outcomes["step"]) == {1, 2, 3, 4}
    assert set(outcomes.columns) >= {
        *("as_of", "invoice_id", "step", "outcome", "rolled", "remaining"),
    }
    assert len(outcomes) == 4 * len(features)
    late = outcomes[(outcomes["step"] == 4)]
    assert set(late["outcome"]) == {"unknown"}
    assert late["rolled"].isna().all()


@pytest.mark.parametrize("command", ["score", "features", "outcomes", "check", "monitor"])
def test_a_day_after_the_end_of_the_books_is_refused(
    command: str, young: Path, home: Path, tmp_path: Path
) -> None:
    """Wrong usage, with the day, where the books end and what to do; nothing is written."""
    out = [] if command in ("check", "monitor") else ["--out", tmp_path / "o"]
    result = run(command, young, "--as-of", "2031-01-01", *out)
    assert result.exit_code == 2
    assert "'--as-of': a day must not lie after the end of the books, 2023-04-30" in said(result)
    assert "got 2031-01-01. Give a day up to then, or import" in said(result)
    assert not (tmp_path / "o").exists()
    assert not (home / "snapshots").exists()
