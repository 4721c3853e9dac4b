"""Watch the model that is served: drift, matured outcomes, and whether a retrain is due.

Two clocks. Drift tells on the day of a scoring whether its items look like those the model was
judged on. Outcomes tell 37 days later whether it was right; the first ones, after 7 and 14
days, give warning before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import STEP_DAYS
from features.catalogue import MODEL_FEATURES
from features.ledger.read import Ledger
from models.bundle import Bundle
from models.home import Home
from training.monitor_accounts import CONTACT_DAYS, AccountBook, read_account_book
from training.monitor_checks import OWN, Check, Scores, drift_checks
from training.monitor_drift import Drift, account_draws, account_shares, bin_index, drift
from training.monitor_models import HorizonOutcomes, Models, horizon_outcomes
from training.monitor_outcomes import Estimate, Outcomes, without_nan
from training.monitor_reference import EARLY_HORIZONS, GROUPS, HORIZON, SCORE, group_names
from training.monitor_scores import (
    PastScoring,
    past_scorings,
    scored_items,
    scored_values,
    scoring_model,
    with_outcomes,
)

Floats = npt.NDArray[np.float64]

MIN_ACCOUNTS = 30
"""With fewer accounts in a group its drift is not judged."""

SEED = 20260101


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What monitoring found.

    Parameters
    ----------
    known_on : date
        Day by which everything was known.
    scored_on : date
        Day of the newest scoring, whose items are compared with the test window.
    model_version : str
        The model of that scoring; the rules ask about this one.
    scorings : tuple of str
        Folders of the scorings that were read.
    drifts : mapping of str to mapping of str to Drift
        By group, then by feature or ``score``.
    out_of_range : mapping of str to mapping of str to Estimate
        Share of accounts with values outside the training range, by group and feature.
    outcomes : mapping of str to mapping of str to Outcomes
        By horizon in days (30 matured, 7 and 14 as early warning), then by group and currency:
        of every past scoring, whatever model made it.
    models : mapping of str to tuple of str
        By horizon, the versions of the models that these scores are of.
    outcomes_by_model : mapping of str to mapping of str to mapping of str to Outcomes
        By horizon and version, then by group and currency; none where one model made them all.
    judged_on : mapping of str to mapping of str to str
        By horizon, then by group and currency, whose scores the rules judged.
    checks : tuple of Check
        Every rule that was judged or could not be.
    notes : tuple of str
        What a reader must know about the figures.
    """

    known_on: date
    scored_on: date
    model_version: str
    scorings: tuple[str, ...]
    drifts: Mapping[str, Mapping[str, Drift]]
    out_of_range: Mapping[str, Mapping[str, Estimate]]
    outcomes: Mapping[str, Mapping[str, Outcomes]]
    models: Mapping[str, tuple[str, ...]]
    outcomes_by_model: Mapping[str, Mapping[str, Mapping[str, Outcomes]]]
    judged_on: Mapping[str, Mapping[str, Scores]]
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why a retrain is due; empty when it is not."""
        return tuple(check.sentence for check in self.checks if check.state == "broken")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the first outcomes warn of."""
        return tuple(check.sentence for check in self.checks if check.state == "warning")

    @property
    def retrain_due(self) -> bool:
        """Whether any rule asks for a retrain."""
        return bool(self.reasons)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, NaN as None."""
        plain: dict[str, Any] = without_nan(asdict(self))
        plain["known_on"], plain["scored_on"] = str(self.known_on), str(self.scored_on)
        return {
            "retrain_due": self.retrain_due,
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
            **plain,
        }


def run_monitor(
    home: Home,
    ledger: Ledger,
    *,
    as_of: date | None = None,
    draws: int = 400,
    progress: Callable[[str], None] | None = None,
) -> Monitoring:
    """Compare past scorings of ``home`` with what ``ledger`` says became of them.

    Parameters
    ----------
    home : Home
        Whose snapshots; each holds the model that made it.
    ledger : Ledger
        The ledger that was scored, with what has happened since.
    as_of : date
        Pretend that the books end on this day; default the ledger's last known day.
    draws : int
        Resamples of intervals and critical values.
    progress : callable
        Told what is being done.

    Raises
    ------
    NoSnapshotError
        When nothing was scored by then, or all of it from another ledger.
    """
    tell = progress or (lambda _: None)
    rng = np.random.default_rng(SEED)
    last = ledger.manifest.known_through
    known_on = min(as_of or last, last)
    scorings = past_scorings(home, known_on)
    newest = scorings[-1]
    bundle = scoring_model(newest)
    reference: Mapping[str, Any] = bundle.facts.get("monitor") or {}
    book = read_account_book(ledger, known_on)

    tell("outcomes")
    rows, strange = with_outcomes(scorings, ledger, known_on)
    final_days = STEP_DAYS + ledger.manifest.maturity_lag_days
    models = _models(scorings, bundle, final_days)
    became = _outcomes(rows, models, book, known_on, rng, draws)

    tell("drift")
    drifts: dict[str, dict[str, Drift]] = {}
    ranges: dict[str, dict[str, Estimate]] = {}
    moved: list[Check] = []
    if reference and not bundle.is_matrix:
        drifts, ranges = _drifts(newest, bundle, reference, book, rng, draws)
        used = used_features(bundle)
        for group, measured in drifts.items():
            moved += drift_checks(group, measured, ranges[group], used)
    return Monitoring(
        known_on=known_on,
        scored_on=newest.manifest.as_of,
        model_version=newest.manifest.model_version,
        scorings=tuple(scoring.folder.name for scoring in scorings),
        drifts=drifts,
        out_of_range=ranges,
        outcomes={key: found.figures for key, found in became.items()},
        models={key: found.models for key, found in became.items()},
        outcomes_by_model={key: found.by_model for key, found in became.items()},
        judged_on={key: found.judged_on for key, found in became.items()},
        checks=(*(check for found in became.values() for check in found.checks), *moved),
        notes=tuple(_notes(became, drifts, reference, book, strange, newest)),
    )


def _models(scorings: Sequence[PastScoring], bundle: Bundle, final_days: int) -> Models:
    """Return the models of past scorings; that of the newest one is ``bundle``."""
    made = {scoring.manifest.model_version: scoring for scoring in scorings}
    newest = scorings[-1].manifest.model_version
    learnt_until = bundle.facts.get("trained_until")

    @cache
    def reference_of(version: str) -> Mapping[str, Any]:
        model = bundle if version == newest else scoring_model(made[version])
        return model.facts.get("monitor") or {}

    return Models(
        newest=newest,
        learnt_until=date.fromisoformat(str(learnt_until)) if learnt_until else None,
        final_days=final_days,
        reference_of=reference_of,
    )


def _outcomes(
    rows: pd.DataFrame,
    models: Models,
    book: AccountBook,
    known_on: date,
    rng: np.random.Generator,
    draws: int,
) -> dict[str, HorizonOutcomes]:
    """Return outcomes by horizon: matured ones, and early ones of scorings not yet matured."""
    ripe = rows["as_of"] <= pd.Timestamp(known_on - timedelta(days=models.final_days))
    return {
        str(horizon): horizon_outcomes(
            rows[ripe if horizon == HORIZON else ~ripe], horizon, models, book, rng, draws=draws
        )
        for horizon in (HORIZON, *EARLY_HORIZONS)
    }


def _drifts(
    scoring: PastScoring,
    bundle: Bundle,
    reference: Mapping[str, Any],
    book: AccountBook,
    rng: np.random.Generator,
    draws: int,
) -> tuple[dict[str, dict[str, Drift]], dict[str, dict[str, Estimate]]]:
    items = scored_items(scoring)
    values = scored_values(scoring, bundle.feature_names)
    rows = items.merge(values, on=["account_id", "invoice_id"], how="left")
    rows[SCORE] = rows["p_open_30"]
    account = rows["account_id"].to_numpy(dtype=object)
    group = group_names(book.worked_before(account, pd.to_datetime(rows["as_of"])))
    ranges = training_ranges(bundle, scoring.manifest.as_of)
    drifts: dict[str, dict[str, Drift]] = {}
    outside: dict[str, dict[str, Estimate]] = {}
    for name in GROUPS:
        here = group == name
        before = reference["accounts"].get(name, 0)
        names, place = np.unique(account[here].astype(str), return_inverse=True)
        if min(len(names), before) < MIN_ACCOUNTS:
            continue
        drawn = account_draws(len(names), before, rng, draws)
        drifts[name], outside[name] = {}, {}
        for key, counts in reference["counts"][name].items():
            column = rows.loc[here, key].to_numpy(dtype=float)
            edges = np.asarray(reference["edges"][key], dtype=float)
            bins = bin_index(column, edges)
            by_account = account_shares(place, len(names), bins, len(edges) + 2)
            drifts[name][key] = drift(np.asarray(counts), by_account, drawn)
            if key != SCORE:
                low, high = ranges.get(key, (-np.inf, np.inf))
                beyond = ((column < low) | (column > high)).astype(np.int64)
                shares = account_shares(place, len(names), beyond, 2)[:, 1]
                outside[name][key] = _share(shares, drawn[1])
    return drifts, outside


def _share(shares: Floats, drawn: npt.NDArray[np.float32]) -> Estimate:
    """Return the mean of accounts' shares with its interval."""
    means = drawn @ shares / drawn.sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(value=float(shares.mean()), low=float(low), high=float(high))


def training_ranges(bundle: Bundle, as_of: date) -> dict[str, tuple[float, float]]:
    """Return lowest and highest value of each feature that was seen in training.

    The trees' text says so itself, but for zeros, which LightGBM does not count: 0 is always
    inside, and so is what rounding takes. A value in days may have grown since, by as many days
    as have passed: the oldest account is older every day.
    """
    infos = bundle.parts["step_1"].booster.dump_model(num_iteration=1)["feature_infos"]
    dates = bundle.facts.get("as_of_dates") or [str(as_of)]
    passed = max((as_of - date.fromisoformat(str(dates[-1]))).days, 0)
    in_days = {feature.name for feature in MODEL_FEATURES if feature.unit == "days"}
    ranges = {}
    for name, info in infos.items():
        low, high = min(info["min_value"], 0.0), max(info["max_value"], 0.0)
        rounding = 1e-9 * (high - low)
        ranges[name] = (low - rounding, high + rounding + (passed if name in in_days else 0))
    return ranges


def used_features(bundle: Bundle) -> frozenset[str]:
    """Return the features that the first step's trees split on."""
    booster = bundle.parts["step_1"].booster
    splits = booster.feature_importance("split")
    return frozenset(
        name for name, count in zip(bundle.feature_names, splits, strict=True) if count
    )


def _notes(
    became: Mapping[str, HorizonOutcomes],
    drifts: Mapping[str, Mapping[str, Drift]],
    reference: Mapping[str, Any],
    book: AccountBook,
    strange: list[str],
    newest: PastScoring,
) -> list[str]:
    notes = []
    if not book.has_contacts:
        notes.append(
            "The ledger has no contacts: nobody is known to have been worked, so every account "
            "counts as unworked. Where collectors do call, that makes the model look too cautious."
        )
    if not reference:
        notes.append(
            f"Model {newest.manifest.model_version} left no reference of its test window, so drift "
            "and capture are not judged. Models trained with this version leave one."
        )
    elif not drifts:
        notes.append(f"Fewer than {MIN_ACCOUNTS} accounts: drift is not judged.")
    notes += _whose(became, newest.manifest.model_version)
    if strange:
        notes.append(f"Left out, since the ledger does not hold their items: {', '.join(strange)}.")
    notes.append(
        "An account is worked when it was contacted: for drift in the "
        f"{CONTACT_DAYS} days before the scoring, for outcomes between the scoring and the "
        "horizon. Collectors call those who are late, so the unworked are no random sample; that "
        "is why each group is compared with its like in the test window."
    )
    return notes


def _whose(became: Mapping[str, HorizonOutcomes], newest: str) -> list[str]:
    """Return whose scores the outcomes are of, and whose were judged."""
    matured = became[str(HORIZON)]
    if not matured.models:
        notes = [
            "No past scoring has matured outcomes yet; the outcomes after 7 and 14 days stand in "
            "as early warning."
        ]
    else:
        notes = [f"Matured outcomes are of scores by {models_named(matured.models)}."]
        if newest not in matured.models:
            notes[0] += f" Those of model {newest}, the newest, have not matured yet."
    others = {
        scores for found in became.values() for scores in found.judged_on.values() if scores != OWN
    }
    if others:
        notes.append(
            f"Where model {newest} has too few outcomes of its own scores, the rules judge the "
            "scores of all models against the test windows of the models that made them: on "
            "outcomes that it has not learnt from or, where these are too few as well, on all. "
            "The latter are shown and ask for nothing, since training on them again would change "
            "nothing."
        )
    return notes


def models_named(versions: Sequence[str]) -> str:
    """Return the versions as people list them.

    Examples
    --------
    >>> models_named(["3"]), models_named(["3", "4", "5"])
    ('model 3', 'models 3, 4 and 5')
    """
    *others, last = versions
    return f"models {', '.join(others)} and {last}" if others else f"model {last}"
