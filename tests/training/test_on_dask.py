"""Tests of training on a cluster: real workers, the same Parquet, as good as one machine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from sklearn.metrics import log_loss

from features.catalogue import NAMES
from models.bundle import make_part
from models.calibrator import Calibrator
from training.config import TrainingConfig, TreeConfig
from training.hazard import RiskSet, fit_part, in_bins
from training.on_dask import fit_part_on_dask, write_rows

CONFIG = TrainingConfig(trees=TreeConfig(num_leaves=8, max_depth=4, learning_rate=0.1))
ROUNDS = 25


def rows_of(seed: int, count: int) -> RiskSet:
    """Rows on which three features decide, with missing values."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, len(CONFIG.feature_names)))
    values[rng.random(values.shape) < 0.1] = np.nan
    margin = np.nansum(values[:, :3] * [1.5, -1.0, 0.5], axis=1)
    y = (rng.random(count) < 1 / (1 + np.exp(-margin))).astype(float)
    return RiskSet(values=values, y=y, weight=rng.uniform(0.5, 2, count))


def loss_of(text: str, rows: RiskSet) -> float:
    """The log-loss of a part's text on rows."""
    p = np.asarray(make_part(text, Calibrator()).booster.predict(rows.values, num_threads=1))
    return float(log_loss(rows.y, p))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two workers, each a process of its own."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_a_cluster_is_as_good_as_one_machine_within_the_seeds_spread(
    client: Client, tmp_path: Path
) -> None:
    """On fresh rows the loss lies among those of six seeds, give or take their spread."""
    rows, fresh = rows_of(1, 4000), rows_of(2, 4000)
    write_rows(rows, CONFIG.feature_names, tmp_path / "rows", files=4)
    text = fit_part_on_dask(client, tmp_path / "rows", "step_1", CONFIG, rounds=ROUNDS)
    learnt = in_bins(rows, CONFIG.feature_names)
    alone = [
        loss_of(fit_part(learnt, "step_1", replace(CONFIG, seed=seed), rounds=ROUNDS), fresh)
        for seed in range(6)
    ]
    spread = max(alone) - min(alone)
    constant = float(log_loss(fresh.y, np.full(len(fresh.y), fresh.y.mean())))
    assert min(alone) - spread <= loss_of(text, fresh) <= max(alone) + spread
    assert max(alone) + spread < constant
    assert make_part(text, Calibrator()).booster.feature_name() == list(NAMES)


def test_rows_are_never_mixed_with_others(tmp_path: Path) -> None:
    """A folder that holds rows is refused, and so is a count of no files."""
    rows = rows_of(3, 10)
    write_rows(rows, CONFIG.feature_names, tmp_path, files=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "rows-0000.parquet",
        "rows-0001.parquet",
    ]
    with pytest.raises(FileExistsError, match=r"holds rows-0000\.parquet already"):
        write_rows(rows, CONFIG.feature_names, tmp_path, files=2)
    with pytest.raises(ValueError, match="files must be at least 1, got 0"):
        write_rows(rows, CONFIG.feature_names, tmp_path / "other", files=0)
