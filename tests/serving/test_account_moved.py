"""Why an account moved: steps through the real pipeline that add up to the whole move."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.ledger.read import open_ledger
from models.home import Home
from models.registry import load_model
from models.snapshot import current_snapshot
from serving.account_ledger import family_members, restrict_ledger
from serving.account_moved import (
    STEPS,
    Moved,
    PastScore,
    previous_snapshot,
    read_past_score,
    why_it_moved,
)
from serving.account_score import NOTHING, stored_score
from serving.known_ledger import news
from serving.policy import read_policy
from serving.store import ServedPair, load_pair
from tests.serving.conftest import Installation, publish

BACK = timedelta(days=7)


@pytest.fixture(scope="module")
def home(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path]:
    """A home of its own with two scorings a week apart; the folder of the first."""
    bundle = load_model(installation.home)
    own = Home(path=tmp_path_factory.mktemp("moved"))
    first = publish(own, installation.ledger, installation.as_of - BACK, bundle)
    publish(own, installation.ledger, installation.as_of, bundle)
    return own, first


@pytest.fixture(scope="module")
def pair(home: tuple[Home, Path]) -> ServedPair:
    """The second scoring."""
    return load_pair(home[0])


def moved_of(
    installation: Installation, pair: ServedPair, past: PastScore, account_id: str
) -> list[Moved]:
    """Return why an account moved."""
    whole = open_ledger(installation.ledger)
    family = restrict_ledger(whole, family_members(whole, account_id))
    return why_it_moved(past, pair, family, account_id, read_policy())


def items_of(folder: Path) -> pd.DataFrame:
    """Return the items of a scoring."""
    return pd.read_parquet(folder / "items.parquet")


@pytest.fixture(scope="module")
def restless(home: tuple[Home, Path]) -> list[str]:
    """The two accounts that moved most."""
    before, after = (
        items_of(folder).groupby("account_id")["dollars_at_risk"].sum()
        for folder in (home[1], current_snapshot(home[0]))
    )
    return (after - before).dropna().abs().sort_values().index[-2:].tolist()


@pytest.fixture(scope="module")
def quiet(installation: Installation, home: tuple[Home, Path]) -> str:
    """An account with something at risk of which the books showed nothing in between."""
    items = items_of(home[1])
    at_risk = items.groupby("account_id")["dollars_at_risk"].sum().sort_values()
    whole = open_ledger(installation.ledger)
    day = installation.as_of
    return next(
        name
        for name in at_risk.index[::-1]
        if not news(restrict_ledger(whole, [name]), day - BACK, day)
    )


def test_steps_add_up_for_account_families_and_invoices(
    installation: Installation, home: tuple[Home, Path], pair: ServedPair, restless: list[str]
) -> None:
    """To the cent; books that were not rewritten add nothing of their own."""
    for account_id in restless:
        past = read_past_score(home[1], account_id)
        for moved in moved_of(installation, pair, past, account_id):
            assert [step.name for step in moved.steps] == ["restated", "ageing", "new_data"]
            before = past.scores.get(moved.currency, NOTHING)
            after = stored_score(pair, account_id).get(moved.currency, NOTHING)
            assert (moved.before, moved.after) == (before.cents, after.cents)
            assert sum(step.cents for step in moved.steps) == after.cents - before.cents
            for step in moved.steps:
                assert sum(step.families.values()) == sum(step.items.values()) == step.cents
            for name, cents in after.families.items():
                steps = sum(step.families.get(name, 0) for step in moved.steps)
                assert steps == cents - before.families[name]
            assert moved.steps[0].cents == 0
            assert (moved.since, moved.until) == (installation.as_of - BACK, installation.as_of)


def test_without_news_only_time_moves_an_account(
    installation: Installation, home: tuple[Home, Path], pair: ServedPair, quiet: str
) -> None:
    """Where the books showed nothing, new data adds nothing."""
    past = read_past_score(home[1], quiet)
    [moved] = moved_of(installation, pair, past, quiet)
    assert moved.news == {}
    assert moved.steps[-1].cents == 0
    assert moved.after - moved.before == moved.steps[1].cents != 0


def test_another_model_has_a_step_of_its_own(
    installation: Installation, home: tuple[Home, Path], pair: ServedPair, restless: list[str]
) -> None:
    """The same books and day under both models; the rest is as without it."""
    account_id = restless[-1]
    past = read_past_score(home[1], account_id)
    trees = past.bundle.parts["step_1"]
    bent = replace(trees, calibrator=replace(trees.calibrator, c=trees.calibrator.c - 1.0))
    other = replace(
        past,
        bundle=replace(past.bundle, parts={**past.bundle.parts, "step_1": bent}, version="other"),
    )
    usual = moved_of(installation, pair, past, account_id)
    for moved, without in zip(moved_of(installation, pair, other, account_id), usual, strict=True):
        steps = {step.name: step.cents for step in moved.steps}
        plain = {step.name: step.cents for step in without.steps}
        assert list(steps) == list(STEPS)
        assert steps["restated"] + steps["model"] == plain["restated"]
        assert steps["model"] > 0
        assert (steps["ageing"], steps["new_data"]) == (plain["ageing"], plain["new_data"])


def test_the_scoring_before_is_of_an_earlier_day(home: tuple[Home, Path], pair: ServedPair) -> None:
    """None before the first; folders that are being written do not count."""
    snapshots = home[0].snapshots
    assert previous_snapshot(snapshots, pair.name) == home[1]
    assert previous_snapshot(snapshots, home[1].name) is None
    assert read_past_score(home[1], "nobody").scores == {}
    assert isinstance(read_past_score(home[1], "nobody").manifest.as_of, date)
