"""LightGBM fitted as the recipe fits it, on rows with columns that the recipe does not have."""

from collections.abc import Sequence

import lightgbm

from training.config import TrainingConfig
from training.hazard import RiskSet, parameters


def fit_as_recipe(
    fit: RiskSet,
    stop: RiskSet,
    whole: RiskSet,
    names: Sequence[str],
    config: TrainingConfig,
    objective: str = "binary",
) -> tuple[int, lightgbm.Booster, lightgbm.Booster]:
    """Find the rounds on ``stop``, then fit as many on ``whole``.

    Parameters
    ----------
    fit, stop, whole : RiskSet
        Rows of the first two windows, and all that are known.
    names : sequence of str
        Columns of the rows; the recipe's own features stand first.
    config : TrainingConfig
        Parameters of the trees.
    objective : str
        ``cross_entropy`` for labels that are probabilities.

    Returns
    -------
    int, Booster, Booster
        Rounds, the trees of ``fit`` and those of ``whole``.
    """
    asked = parameters(config, "step_1") | {"objective": objective}
    asked["metric"] = "cross_entropy" if objective == "cross_entropy" else "binary_logloss"
    own = asked["monotone_constraints"]
    asked["monotone_constraints"] = [*own, *[0] * (len(names) - len(own))]

    def data(of: RiskSet, reference: lightgbm.Dataset | None = None) -> lightgbm.Dataset:
        return lightgbm.Dataset(
            of.values,
            of.y,
            weight=of.weight,
            feature_name=list(names),
            reference=reference,
            params={"feature_pre_filter": False, "verbosity": -1},
        )

    learn = data(fit)
    found = lightgbm.train(
        asked,
        learn,
        num_boost_round=config.trees.max_rounds,
        valid_sets=[data(stop, learn)],
        callbacks=[lightgbm.early_stopping(config.trees.stop_after, verbose=False)],
    )
    rounds = max(int(found.best_iteration), 1)
    return rounds, found, lightgbm.train(asked, data(whole), num_boost_round=rounds)
