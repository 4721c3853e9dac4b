"""Which families of features help: the recipe refitted without each, at the same origins.

What is left out is the family alone: others may say much the same, so a family without effect
here is not useless, only replaceable. Rounds are found anew without it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from features.catalogue import FAMILIES, MODEL_FEATURES, PEER_NAMES
from models.bundle import Part
from models.fallback import PAID_ITEMS
from models.peers import with_peers
from training.baselines import matrix_rates
from training.config import TrainingConfig
from training.dataset import Dataset
from training.fallback import make_fallback
from training.hazard import fit_parts, side_by_side
from training.metrics import Interval
from training.origins import Origin, OriginRows, rows_of_origin
from training.recipe import Choices, choose
from training.resampling import paired_differences

Floats = npt.NDArray[np.float64]

_STEP = ("step_1",)


def variants(config: TrainingConfig) -> dict[str, TrainingConfig]:
    """Return the recipe without each family it reads, by family.

    Where the recipe does not read peers, the variant called ``peers`` reads them besides.

    Examples
    --------
    >>> names = ("age_days", "days_past_due", "due_weekday")
    >>> without = variants(TrainingConfig(features=names))
    >>> without["calendar"].feature_names
    ('days_past_due', 'age_days')
    """
    family = {feature.name: feature.family for feature in MODEL_FEATURES}
    found = {}
    for name in FAMILIES:
        kept = tuple(f for f in config.feature_names if family[f] != name)
        if name == "peers" and set(PEER_NAMES).isdisjoint(config.feature_names):
            kept = (*config.feature_names, *PEER_NAMES)
        if kept and kept != config.feature_names:
            found[name] = replace(config, features=kept)
    return found


def step_1_probabilities(rows: OriginRows, config: TrainingConfig, lag: int) -> Floats:
    """Return P(unresolved after 30 days) of an origin's test rows; only that part is fitted."""
    part, margin, choices = fitted_step_1(rows, config, lag)
    return mixed(rows, choices, part.calibrator.probability(margin))


def mixed(rows: OriginRows, choices: Choices, own: Floats) -> Floats:
    """Return the probabilities of test rows with what the roll-rate matrix answers in them."""
    rule = make_fallback(choices.fallback, rows.past)
    share = rule.model_share(rows.test.frame.column(PAID_ITEMS), rows.test.segment)
    return np.asarray(share * own + (1.0 - share) * matrix_rates(rows.past, rows.test))


def fitted_step_1(
    rows: OriginRows, config: TrainingConfig, lag: int
) -> tuple[Part, Floats, Choices]:
    """Return the first step's part, its log-odds of the test rows, and what was chosen for it.

    The log-odds are those before recalibration, without the roll-rate matrix.
    """
    choices = choose(rows.past, rows.windows, config, lag, lambda _: None, parts=_STEP)
    part = fit_parts(rows.past, config, choices.rounds, choices.calibrators, parts=_STEP)["step_1"]
    levels = rows.past.peers.until(f"{rows.origin.cutoff:%Y-%m}")
    values = with_peers(rows.test.frame, levels).matrix(config.feature_names)
    margin: Any = part.booster.predict(values, raw_score=True, num_threads=1)
    return part, np.asarray(margin, dtype=np.float64), choices


def ablate(
    data: Dataset,
    origins: Sequence[Origin],
    config: TrainingConfig,
    lag: int,
    own: Floats,
    *,
    draws: int,
    progress: Callable[[str], None] | None = None,
) -> list[dict[str, Any]]:
    """Return what each family is worth, with intervals over accounts.

    Parameters
    ----------
    data : Dataset
        Rows of all dates.
    origins : sequence of Origin
        Cut-offs.
    config : TrainingConfig
        The recipe; no window of its own is kept for a test.
    lag : int
        Maturity lag in days.
    own : numpy.ndarray, shape (n,)
        Probabilities of the whole recipe on the judged rows, origins in order.
    draws : int
        Resamples of the intervals.
    progress : callable
        Told what is being done.

    Returns
    -------
    list of dict
        Per family its ``features`` (count), ``change`` (``left out`` or ``added``) and, per
        figure, the recipe without the family minus the recipe with it: log-loss above 0 and
        average precision below 0 say that the family helps.
    """
    tell = progress or (lambda _: None)
    changed = variants(config)
    parts: dict[str, list[Floats]] = {family: [] for family in changed}
    y, account = [], []
    for origin in origins:
        rows = rows_of_origin(data, origin, config, lag)
        y.append(rows.test.target("step_1"))
        account.append(rows.test.account)

        def refit(family: str, rows: OriginRows = rows) -> Floats:
            tell(f"ablation: {family}, origin {rows.origin.cutoff}")
            return step_1_probabilities(rows, changed[family], lag)

        for family, p in zip(changed, side_by_side(refit, tuple(changed)), strict=True):
            parts[family].append(p)
    gaps = paired_differences(
        np.concatenate(y),
        own,
        {family: np.concatenate(found) for family, found in parts.items()},
        np.concatenate(account),
        seed=config.seed,
        draws=draws,
    )
    return [_entry(family, config, changed[family], gaps[family]) for family in changed]


def _entry(
    family: str, config: TrainingConfig, variant: TrainingConfig, gaps: Mapping[str, Interval]
) -> dict[str, Any]:
    before, after = len(config.feature_names), len(variant.feature_names)
    entry: dict[str, Any] = {
        "family": family,
        "features": abs(before - after),
        "change": "added" if after > before else "left out",
    }
    for name, gap in gaps.items():
        # The gap is recipe minus variant; the variant is the one without the family, or with it.
        turned = {"difference": -gap.difference, "low": -gap.high, "high": -gap.low}
        entry[name] = asdict(gap) if after > before else turned
    return entry
