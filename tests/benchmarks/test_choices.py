"""The choices: one thing changes at a time, the judged rows never, and a planted harm is seen."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks.changes import changes
from benchmarks.choices import (
    Fit,
    judge_choices,
    on_grid,
    origins_until,
    thinned,
)
from benchmarks.variants import MONTH_ENDS, all_variants
from training.config import TrainingConfig, TreeConfig, WindowConfig, read_config
from training.dataset import Dataset

CONFIG = TrainingConfig(
    features=("days_past_due", "age_days", "own_survival_30"),
    trees=TreeConfig(rounds=6, num_leaves=6, learning_rate=0.2, feature_fraction=1.0),
    windows=WindowConfig(every_days=14, stop_days=0, recalibrate_days=0, test_days=0),
)
LAST = date(2024, 8, 15)


def test_a_variant_changes_one_thing_and_never_nothing() -> None:
    """No variant equals the recipe, and each differs in the configuration or in its rows."""
    with_map = TrainingConfig(windows=WindowConfig(recalibrate_days=56))
    for config in (TrainingConfig(), with_map, read_config("highradius"), CONFIG):
        found = all_variants(config, ("own_survival_30", "paid_items_60"), ("paid_items_60",))
        assert len({(one.choice, one.name) for one in found}) == len(found)
        for one in found:
            rest = (one.every_days, one.history_days, one.seeds, one.recalibration)
            assert (one.config != config) != (rest != (config.windows.every_days, 0, 1, "chosen"))
    whole = all_variants(TrainingConfig(), (), ())
    assert not any("sign holds" in one.name for one in whole)
    assert not any(one.name == "depth 5, 15 leaves" for one in whole)


def test_a_constraint_binds_what_is_read_in_its_direction() -> None:
    """Features that the recipe does not read are in no constraint; falling ones fall."""
    names = ("own_survival_30", "days_since_broken_promise", "returns_365")
    config = replace(CONFIG, features=("own_survival_30", "days_since_broken_promise"))
    found = all_variants(config, names, ("days_since_broken_promise",))
    (bound,) = (one for one in found if "sign holds" in one.name)
    assert bound.config.trees.rising == ("own_survival_30",)
    assert bound.config.trees.falling == ("days_since_broken_promise",)


def test_grids_are_counted_back_from_the_last_date(year: Dataset) -> None:
    """Every grid is a part of the dates, month ends are month ends."""
    fortnights = on_grid(year, LAST, 14).as_of.drop_duplicates()
    assert {(LAST - day.date()).days % 14 for day in fortnights} == {0}
    ends = on_grid(year, LAST, MONTH_ENDS).as_of.drop_duplicates()
    assert [str(day.date()) for day in ends][:2] == ["2023-08-31", "2023-09-30"]


def test_thinning_keeps_whole_invoices(year: Dataset) -> None:
    """An invoice is kept on every date or on none; a share of 1 keeps all."""
    kept = set(thinned(year, 0.5).frame.items["invoice_id"])
    all_of_them = year.frame.items["invoice_id"]
    assert len(thinned(year, 1.0)) == len(year)
    assert len(thinned(year, 0.5)) == all_of_them.isin(kept).sum()
    assert 0.4 < len(kept) / all_of_them.nunique() < 0.6


def test_origins_follow_one_another_up_to_the_last_date() -> None:
    """No date is judged twice, and the newest is."""
    first, second = origins_until(LAST, 2, 28)
    assert (first.last - first.first).days == 27
    assert (second.first - first.last).days == 1
    assert second.last == LAST


def test_a_worse_variant_has_a_log_loss_above_that_of_the_recipe() -> None:
    """The sign of a change says which is worse."""
    y = np.tile([0.0, 1.0], 50)
    own, other = np.where(y == 1, 0.8, 0.2), np.full(100, 0.5)
    account = np.repeat([f"A{n}" for n in range(20)], 5).astype(object)
    gaps = changes(y, own, {"constant": other}, (np.ones(100), account), 1)["constant"]
    assert gaps["log_loss"]["low"] > 0
    assert gaps["average_precision"]["high"] < 0


def test_a_map_is_put_on_the_trees_as_asked() -> None:
    """None leaves them as they are; a map that is needed helps, and is chosen."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(-truth))).astype(float)
    fit = Fit(
        margin=3 * truth,
        fresh=3 * truth,
        y=y,
        half=np.arange(4000) % 2 == 0,
        older=np.arange(4000) < 2000,
        rounds=1,
        rows=1,
        microseconds=1.0,
    )
    plain = fit.probability("none")
    assert plain == pytest.approx(1 / (1 + np.exp(-3 * truth)))
    for kind in ("chosen", "in time", "slope"):
        assert np.mean((fit.probability(kind) - y) ** 2) < np.mean((plain - y) ** 2)


def test_every_variant_is_judged_on_the_same_rows(year: Dataset) -> None:
    """The whole comparison runs; a row weight that says nothing new changes little."""
    result = judge_choices(
        year, origins_until(LAST, 1, 28), CONFIG, 7, share=1.0, holding=["own_survival_30"]
    )
    names = {(one["choice"], one["name"]) for one in result["choices"]}
    assert ("distance of as-of dates", "7 days") in names
    assert ("as-of dates learnt from", "28 days") in names
    assert result["rows"] == result["recipe"]["rows"] > 100
    for one in result["choices"]:
        assert one["log_loss"]["low"] <= one["log_loss"]["difference"] <= one["log_loss"]["high"]
        assert one["learnt_rows"] > 0
