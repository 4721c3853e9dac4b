"""Rivals: what they learn from, and when an item was resolved as far as is known."""

from datetime import date

import numpy as np
import pytest

from benchmarks.choices import on_grid
from benchmarks.rivals import RIVALS, durations, filled, lesson
from training.dataset import Dataset


@pytest.fixture(scope="module")
def data(year: Dataset) -> Dataset:
    """A year of which the newest months have not all their outcomes."""
    return on_grid(year, date(2024, 8, 15), 28).known_by(date(2024, 9, 20), 7)


def test_rivals_read_what_we_read_where_there_is_a_value(data: Dataset) -> None:
    """A feature without any value is left out, and none is added."""
    asked = ("days_past_due", "age_days", "own_survival_30")
    assert filled(data, asked) == asked
    values = data.frame.matrix(data.frame.names)
    empty = data.frame.names[int(np.isnan(values).all(axis=0).argmax())]
    if np.isnan(values).all(axis=0).any():
        assert filled(data, (empty, "age_days")) == ("age_days",)


def test_an_item_is_seen_until_it_is_resolved_or_no_longer_known(data: Dataset) -> None:
    """Resolved within a step: no later than its horizon; open after all known steps: the last."""
    days, resolved = durations(data)
    y = data.target("step_1")
    assert (days[y == 0] <= 30).all()
    assert resolved[y == 0].all()
    assert (days[y == 1] >= 30).all()
    assert set(np.unique(days)) <= {0.0, 7.0, 14.0, 30.0, 60.0, 90.0, 120.0}


def test_the_rival_without_a_search_tells_items_apart(data: Dataset) -> None:
    """LightGBM as it comes learns the lesson it is given."""
    names = ("days_past_due", "age_days", "own_survival_30")
    rows = lesson(data, names)
    rival = RIVALS["lightgbm, its defaults"]
    assert rival.space is None
    p = rival.fit(rows, {}, 1)(rows.inputs)
    assert p[rows.y == 1].mean() > p[rows.y == 0].mean() + 0.1
