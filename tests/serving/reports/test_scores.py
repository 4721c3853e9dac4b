import json
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.reports.scores import ScoresError, read_scores


def test_a_folder_without_scores_is_refused_by_name(tmp_path: Path) -> None:
    """The error lists the missing files and the command that writes them."""
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    with pytest.raises(ScoresError, match=r"portfolio\.json, items\.parquet.*rollrisk score"):
        read_scores(tmp_path)


def test_files_of_different_runs_are_refused(scoring_of: Callable[..., Path]) -> None:
    """One cent between portfolio and tables is reported as expected, found, difference."""
    folder = scoring_of(accounts={"USD": 3})
    portfolio = json.loads((folder / "portfolio.json").read_text("utf-8"))
    portfolio["currencies"]["USD"]["totals"]["collectible"] += 0.01
    (folder / "portfolio.json").write_text(json.dumps(portfolio), "utf-8")
    with pytest.raises(ScoresError, match=r"USD collectible: .* difference -0\.01") as caught:
        read_scores(folder)
    assert "items.parquet" in str(caught.value)
    assert "accounts.parquet" in str(caught.value)


def test_drivers_that_miss_the_total_are_refused(scoring_of: Callable[..., Path]) -> None:
    """A waterfall that would not arrive is never drawn."""
    folder = scoring_of(accounts={"USD": 3})
    portfolio = json.loads((folder / "portfolio.json").read_text("utf-8"))
    portfolio["currencies"]["USD"]["drivers"]["calendar"] += 1.5
    (folder / "portfolio.json").write_text(json.dumps(portfolio), "utf-8")
    with pytest.raises(ScoresError, match=r"the sum of drivers .* difference 1\.50"):
        read_scores(folder)


def test_a_currency_that_one_file_lacks_is_refused(scoring_of: Callable[..., Path]) -> None:
    """Items of a currency that portfolio.json does not know are not left out in silence."""
    folder = scoring_of(accounts={"USD": 3, "EUR": 2})
    portfolio = json.loads((folder / "portfolio.json").read_text("utf-8"))
    del portfolio["currencies"]["EUR"]
    (folder / "portfolio.json").write_text(json.dumps(portfolio), "utf-8")
    with pytest.raises(ScoresError, match=r"currencies \['EUR', 'USD'\]"):
        read_scores(folder)
