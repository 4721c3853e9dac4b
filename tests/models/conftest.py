"""Fixtures of the model tests: a hand-made bundle and rows with every awkward value."""

from collections.abc import Callable
from dataclasses import replace

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from features.ageing import BUCKETS
from features.build import FeatureFrame
from features.catalogue import CATALOGUE, MODEL_NAMES, NAMES, feature_digest
from models.bundle import PARTS, Bundle, bundle_digest, make_part
from models.calibrator import Calibrator
from models.fallback import Fallback
from models.peers import AGES, ANY, PAYMENTS, PeerLevels, with_peers
from models.priority import AGE_BANDS
from models.profile import ALL, CELLS, Profile
from tests.trained import Installation, small_installation

Floats = npt.NDArray[np.float64]

CALIBRATORS = {
    "step_1": Calibrator(kind="beta", a=0.7, b=1.4, c=-0.2),
    "step_2": Calibrator(kind="logistic", a=1.2, c=0.3),
    "cut_7": Calibrator(kind="beta", a=0.0, b=1.2, c=-1.0),
}

FALLBACK = Fallback(
    known_k=4.0, unseen_k=40.0, segment_k=50.0, segment_items={"smb": 900, "enterprise": 30}
)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A home with one registered model, shared with the other packages' tests."""
    return small_installation(tmp_path_factory)


@pytest.fixture(scope="session")
def peers() -> PeerLevels:
    """Two months of levels of the portfolio, one segment and one kind."""
    levels = np.array([9.0, 0.6, 0.2, 0.7, 41.0, *np.linspace(0.9, 0.3, len(AGES))])
    groups = [[ANY, ANY, ANY], ["smb", ANY, ANY], ["smb", "emea", "1"]]
    assert len(levels) == len(PAYMENTS) + len(AGES)
    return PeerLevels(
        months=["2024-05", "2024-06"],
        groups=groups,
        items=[[900, 300, 40], [1000, 350, 45]],
        values=[[(levels * k).tolist() for k in ks] for ks in ((0.5, 0.6, 0.7), (0.8, 0.9, 1.0))],
    )


@pytest.fixture(scope="session")
def profile(peers: PeerLevels) -> Profile:
    """Two segments; one of them has a matrix but no curve of its own."""
    rows = [[0.9 - 0.1 * cell, 0.8, 0.7, 0.6, 0.5, 0.4] for cell in range(len(CELLS))]
    own = [[value / 2 for value in row] for row in rows]
    hazard = np.r_[np.full(120, 0.005), np.full(60, 0.06), np.zeros(40), np.full(266, 0.01)]
    curve = np.cumsum(hazard).tolist()
    return Profile(
        matrix={ALL: rows, "smb": own, "enterprise": rows},
        curve_start=-120,
        curves={ALL: curve, "smb": (np.asarray(curve) * 2).tolist()},
        medians={ALL: [None, *([1.5] * (len(MODEL_NAMES) - 1))]},
        remaining_shares=[0.95] * len(CELLS),
        cash_rates={name: 0.3 - 0.1 * place for place, (_, name) in enumerate(AGE_BANDS)},
        reach_bounds={},
        peers=peers,
    )


def feature_values(rng: np.random.Generator, days: Floats) -> Floats:
    """Return plausible values of every feature, a tenth of them missing."""
    columns = []
    for feature in CATALOGUE:
        low, high = max(feature.low, -60.0), min(feature.high, 400.0)
        if feature.name == "days_past_due":
            values = days.copy()
        elif feature.name == "billing_kind":
            values = rng.integers(0, 3, len(days)).astype(float)
        elif feature.name.endswith("_weekday"):
            values = rng.integers(1, 8, len(days)).astype(float)
        elif feature.unit == "flag":
            values = rng.integers(0, 2, len(days)).astype(float)
        else:
            values = rng.uniform(low, high, len(days))
        if feature.name != "days_past_due":
            values[rng.random(len(days)) < 0.1] = np.nan
        columns.append(values)
    return np.column_stack(columns)


@pytest.fixture(scope="session")
def frame_of(peers: PeerLevels) -> Callable[[Floats, int], FeatureFrame]:
    """Return the function that makes a frame of the given days past due."""

    def make(days: Floats, seed: int) -> FeatureFrame:
        rng = np.random.default_rng(seed)
        count = len(days)
        items = pd.DataFrame(
            {
                "as_of": pd.Timestamp("2024-06-30"),
                "account_id": [f"A{number % 17:02d}" for number in range(count)],
                "invoice_id": [f"I{number:04d}" for number in range(count)],
                "days_past_due": days,
                "residual": rng.random(count) < 0.05,
                "segment": np.array(["smb", "enterprise", ""], dtype=object)[np.arange(count) % 3],
                "region": "emea",
            }
        )
        values = feature_values(rng, days)
        own = FeatureFrame(items=items, values=values, names=NAMES, digest=feature_digest())
        return with_peers(own, peers)

    return make


@pytest.fixture(scope="session")
def frame(frame_of: Callable[[Floats, int], FeatureFrame]) -> FeatureFrame:
    """240 rows from 200 days before to 400 days after the due date, and undated ones."""
    days = np.rint(np.random.default_rng(1).uniform(-200, 400, 240))
    days[:8] = [-30, -29, 0, 1, 30, 90, 91, np.nan]
    return frame_of(days, 2)


@pytest.fixture(scope="session")
def segment(frame: FeatureFrame) -> npt.NDArray[np.object_]:
    """Segments of the rows: two known ones, one that the profile does not know, and none."""
    names = np.array(["smb", "enterprise", "unheard of", ""], dtype=object)
    return names[np.arange(len(frame.items)) % 4]


@pytest.fixture(scope="session")
def bundle(profile: Profile, frame_of: Callable[[Floats, int], FeatureFrame]) -> Bundle:
    """Six small parts on random outcomes that depend on days past due."""
    rng = np.random.default_rng(7)
    days = np.rint(rng.uniform(-100, 300, 600))
    values = frame_of(days, 8).values  # noqa: PD011 (an array already)
    parts = {}
    for name in PARTS:
        y = (rng.random(600) < 1 / (1 + np.exp(-days / 80))).astype(float)
        data = lightgbm.Dataset(
            values, label=y, feature_name=list(MODEL_NAMES), params={"verbosity": -1}
        )
        parameters = {"objective": "binary", "num_leaves": 6, "verbosity": -1, "num_threads": 1}
        text = lightgbm.train(parameters, data, num_boost_round=12).model_to_string()
        parts[name] = make_part(text, CALIBRATORS.get(name, Calibrator()))
    made = Bundle(
        parts=parts,
        feature_names=MODEL_NAMES,
        feature_digest=feature_digest(),
        profile=profile,
        facts={"rows": 600},
    )
    return replace(made, version=bundle_digest(made))


@pytest.fixture(scope="session")
def mixed_bundle(bundle: Bundle) -> Bundle:
    """The same parts, with the matrix mixed in where there is little history."""
    made = replace(bundle, fallback=FALLBACK)
    return replace(made, version=bundle_digest(made))


@pytest.fixture(scope="session")
def matrix_bundle(profile: Profile) -> Bundle:
    """The roll-rate matrix alone."""
    return Bundle(
        parts={},
        feature_names=MODEL_NAMES,
        feature_digest=feature_digest(),
        profile=profile,
        version="m",
    )


@pytest.fixture(scope="session")
def loss_rate() -> dict[str, float]:
    """Loss rates that rise with the bucket."""
    return dict(zip(BUCKETS, (0.01, 0.02, 0.05, 0.12, 0.30), strict=True))
