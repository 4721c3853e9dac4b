"""Tests of the three models that every trained model must beat."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from models.profile import ALL, CELLS, cell_index
from tests.trained import small_ledger
from training.baselines import (
    ACCOUNT_PRIOR,
    LOGISTIC_FEATURES,
    PRIOR_ROWS,
    account_rates,
    baseline_probabilities,
    matrix_rates,
    roll_matrix,
)
from training.dataset import Dataset, load_dataset


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Four dates of the small ledger."""
    return load_dataset(
        small_ledger(), [date(2024, 1, 31) + timedelta(days=60 * step) for step in range(4)]
    )


@pytest.fixture(scope="module")
def train(data: Dataset) -> Dataset:
    """The first two dates."""
    return data.between(None, date(2024, 4, 30))


@pytest.fixture(scope="module")
def test_rows(data: Dataset) -> Dataset:
    """The last two."""
    return data.between(date(2024, 5, 1), None)


def test_the_matrix_is_counted_by_cell_and_shrunk_towards_the_portfolio(train: Dataset) -> None:
    """(unresolved + 20 × prior) ÷ (known + 20): cells lean on all rows, segments on cells."""
    matrix = roll_matrix(train)
    cells, y = cell_index(train.days_past_due), train.target("step_1")
    overall = np.nanmean(y)
    segment = min(set(train.segment) - {""})
    for cell in range(len(CELLS)):
        here = y[(cells == cell) & ~np.isnan(y)]
        base = (here.sum() + PRIOR_ROWS * overall) / (len(here) + PRIOR_ROWS)
        assert matrix[ALL][cell][0] == pytest.approx(base)
        own = y[(cells == cell) & ~np.isnan(y) & (train.segment == segment)]
        expected = (own.sum() + PRIOR_ROWS * base) / (len(own) + PRIOR_ROWS)
        assert matrix[segment][cell][0] == pytest.approx(expected)


def test_a_young_ledger_has_a_matrix_without_later_outcomes(train: Dataset) -> None:
    """Steps without any outcome answer one half, and nothing warns."""
    targets = train.targets.copy()
    targets[:, 3] = np.nan
    matrix = roll_matrix(replace(train, targets=targets))
    assert {row[3] for row in matrix[ALL]} == {0.5}
    none = roll_matrix(train.select(np.zeros(len(train), dtype=bool)))
    assert np.unique(np.asarray(none[ALL])).tolist() == [0.5]


def test_account_rates_are_smoothed_and_unknown_accounts_get_the_mean(
    train: Dataset, test_rows: Dataset
) -> None:
    """(unresolved + 5 × mean) ÷ (known + 5) of the account's own rows."""
    rates = account_rates(train, test_rows)
    y = train.target("step_1")
    mean = np.nanmean(y)
    for row in (0, len(test_rows) // 2, len(test_rows) - 1):
        own = y[(train.account == test_rows.account[row]) & ~np.isnan(y)]
        expected = (own.sum() + ACCOUNT_PRIOR * mean) / (len(own) + ACCOUNT_PRIOR)
        assert rates[row] == pytest.approx(expected)


def test_the_matrix_baseline_reads_the_matrix(train: Dataset, test_rows: Dataset) -> None:
    """The row's segment and cell decide; an unknown segment reads the portfolio's."""
    strange = replace(test_rows, segment=np.full(len(test_rows), "strange", dtype=object))
    matrix = roll_matrix(train)
    cells = cell_index(test_rows.days_past_due)
    expected = np.asarray(matrix[ALL])[cells, 0]
    np.testing.assert_array_equal(matrix_rates(train, strange), expected)


def test_baselines_learn_from_training_rows_only(train: Dataset, test_rows: Dataset) -> None:
    """Turning the test's outcomes round changes no baseline; turning training's does."""
    turned = replace(test_rows, targets=1 - test_rows.targets)
    before = baseline_probabilities(train, test_rows, seed=1)
    after = baseline_probabilities(train, turned, seed=1)
    other = baseline_probabilities(replace(train, targets=1 - train.targets), test_rows, seed=1)
    assert set(before) == {"roll-rate matrix", "smoothed account rate", "logistic regression"}
    for name, p in before.items():
        assert ((p > 0) & (p < 1)).all()
        np.testing.assert_array_equal(p, after[name])
        assert np.abs(p - other[name]).max() > 0.1


def test_the_logistic_regression_reads_features_that_exist(train: Dataset) -> None:
    """A renamed feature is noticed here."""
    assert set(LOGISTIC_FEATURES) <= set(train.frame.names)
