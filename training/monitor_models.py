"""Whose scores the outcomes are of: those of all models, of each, and those that rules judge.

Outcomes take longer to be final than a model may serve, so the figures are of every past
scoring, whatever model made it. The rules are about the newest model and prefer its own scores.
Those of all models stand in where it has too few, held against the test windows of the models
that made them; they ask for a retrain only by outcomes that the newest model has not learnt
from, since another training on the same outcomes would change nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.outcomes import unresolved
from training.monitor_accounts import AccountBook
from training.monitor_checks import ALL, FRESH, OWN, Check, Scores, enough, outcome_checks
from training.monitor_outcomes import JUDGED_SHARE, Outcomes
from training.monitor_reference import HORIZON, group_keys, grouped_outcomes

Figures = Mapping[str, Outcomes]

FEWER_DRAWS = 4
"""Figures of a single model that nothing is judged on have a fourth of the resamples."""

_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The models of past scorings.

    Parameters
    ----------
    newest : str
        Version of the model of the newest scoring.
    learnt_until : date or None
        Day by which every outcome that it has learnt from was known; None where it does not say.
    final_days : int
        Days after a scoring by which its outcomes are final.
    reference_of : callable
        Returns what the model of a version left of its test window; may be empty.
    """

    newest: str
    learnt_until: date | None
    final_days: int
    reference_of: Callable[[str], Mapping[str, Any]]

    def is_fresh(self, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return which rows have outcomes that the newest model has not learnt from."""
        if self.learnt_until is None:
            return np.ones(len(rows), dtype=bool)
        final = rows["as_of"] + timedelta(days=self.final_days)
        return (final > pd.Timestamp(self.learnt_until)).to_numpy(dtype=bool)

    def usual(self, version: str, horizon: int, group: str) -> Mapping[str, Any]:
        """Return a group's figures in the test window of a model; empty where it left none."""
        outcomes = self.reference_of(version).get("outcomes", {})
        found: Mapping[str, Any] = outcomes.get(str(horizon), {}).get(group, {})
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonOutcomes:
    """What became of past scores after some days.

    Parameters
    ----------
    models : tuple of str
        Versions whose scores the figures are of, in the order in which they first scored.
    figures : mapping of str to Outcomes
        Of all of them, by group and currency.
    by_model : mapping of str to mapping of str to Outcomes
        The same by version; empty with fewer than two.
    judged_on : mapping of str to str
        By group, whose scores the checks are of.
    checks : tuple of Check
        The rules on them.
    """

    models: tuple[str, ...]
    figures: Figures
    by_model: Mapping[str, Figures]
    judged_on: Mapping[str, Scores]
    checks: tuple[Check, ...]


def horizon_outcomes(
    rows: pd.DataFrame,
    horizon: int,
    models: Models,
    book: AccountBook,
    rng: np.random.Generator,
    *,
    draws: int,
) -> HorizonOutcomes:
    """Return the figures of all models' scores, of each model's, and the checks.

    Parameters
    ----------
    rows : pandas.DataFrame
        Scored items as ``grouped_outcomes`` reads them, with ``model_version``, oldest first.
    horizon : int
        7, 14 or 30 days.
    models : Models
        Who made the scores.
    book : AccountBook
        Families and contacts.
    rng : numpy.random.Generator
        Source of the resampling.
    draws : int
        Number of resamples.
    """
    p = rows[f"p_open_{horizon}"].to_numpy(dtype=float)
    rows = rows[~np.isnan(unresolved(rows[f"outcome_{horizon}"])) & ~np.isnan(p)]
    versions = tuple(str(version) for version in pd.unique(rows["model_version"]))
    figures = grouped_outcomes(rows, horizon, book, rng, draws=draws)
    by_model: dict[str, Figures] = {}
    for version in versions if len(versions) > 1 else ():
        own = rows[rows["model_version"] == version]
        count = draws if version == models.newest else max(draws // FEWER_DRAWS, 1)
        by_model[version] = grouped_outcomes(own, horizon, book, rng, draws=count)
    judged_on: dict[str, Scores] = {}
    checks: list[Check] = []
    candidates = _candidates(rows, horizon, models, book, rng, draws, figures, by_model)
    for group in figures:
        scores, part, found = _chosen(group, candidates)
        judged_on[group] = scores
        usual = _usual(part, horizon, group, models, book)
        checks += outcome_checks(horizon, {group: found}, {group: usual}, scores=scores)
    return HorizonOutcomes(
        models=versions,
        figures=figures,
        by_model=by_model,
        judged_on=judged_on,
        checks=tuple(checks),
    )


_Candidate = tuple[Scores, pd.DataFrame, Figures]


def _candidates(
    rows: pd.DataFrame,
    horizon: int,
    models: Models,
    book: AccountBook,
    rng: np.random.Generator,
    draws: int,
    figures: Figures,
    by_model: Mapping[str, Figures],
) -> list[_Candidate]:
    """Return the scores that checks can be of, the best first; the last is never too few."""
    own = rows[rows["model_version"] == models.newest]
    if len(own) == len(rows):
        return [(OWN, rows, figures)]
    fresh = rows[models.is_fresh(rows)]
    found = (
        figures
        if len(fresh) == len(rows)
        else grouped_outcomes(fresh, horizon, book, rng, draws=draws)
    )
    return [
        (OWN, own, by_model.get(models.newest, {})),
        (FRESH, fresh, found),
        (ALL, rows, figures),
    ]


def _chosen(group: str, candidates: list[_Candidate]) -> tuple[Scores, pd.DataFrame, Outcomes]:
    """Return the first scores of a group that are enough to judge, else the last."""
    for scores, rows, figures in candidates:
        if group in figures and enough(figures[group]):
            return scores, rows, figures[group]
    scores, rows, figures = candidates[-1]
    return scores, rows, figures[group]


def _usual(
    rows: pd.DataFrame, horizon: int, group: str, models: Models, book: AccountBook
) -> Mapping[str, Any]:
    """Return what is usual for a group: each model's test window, by what the model expected."""
    versions = [str(version) for version in pd.unique(rows["model_version"])]
    if len(versions) == 1:
        return models.usual(versions[0], horizon, group)
    part = rows[group_keys(rows, horizon, book) == group]
    p = part[f"p_open_{horizon}"]
    items = p if horizon == HORIZON else 1 - p
    expected = pd.DataFrame({"items": items, "dollars": items * part["open_balance"]})
    weights = expected.groupby(part["model_version"]).sum() + _TINY
    windows = [models.usual(str(version), horizon, group) for version in weights.index]
    ratios = {
        kind: [_value(window.get(kind)) or 1.0 for window in windows]
        for kind in ("items", "dollars")
    }
    found: dict[str, Any] = {
        kind: {"value": float(np.average(values, weights=weights[kind]))}
        for kind, values in ratios.items()
    }
    share = f"{JUDGED_SHARE:.0%}"
    captured = [_value((window.get("capture") or {}).get(share)) for window in windows]
    if None not in captured:
        mean = np.average(np.array(captured, dtype=float), weights=weights["dollars"])
        found["capture"] = {share: {"value": float(mean)}}
    return found


def _value(estimate: Mapping[str, float | None] | None) -> float | None:
    return (estimate or {}).get("value")
