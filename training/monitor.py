"""Watch the model that is served: drift, matured outcomes, and whether a retrain is due.

Two clocks. Drift tells on the day of a scoring whether its items look like those the model was
judged on. Outcomes tell 37 days later whether it was right; the first ones, after 7 and 14
days, give warning before.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import STEP_DAYS
from features.catalogue import MODEL_FEATURES
from features.ledger.read import Ledger
from models.bundle import Bundle
from models.home import Home
from models.snapshot import read_snapshot_model
from training.monitor_accounts import CONTACT_DAYS, AccountBook, read_account_book
from training.monitor_checks import Check, drift_checks, outcome_checks
from training.monitor_drift import Drift, account_draws, account_shares, bin_index, drift
from training.monitor_outcomes import Estimate, Outcomes, without_nan
from training.monitor_reference import (
    EARLY_HORIZONS,
    GROUPS,
    HORIZON,
    SCORE,
    group_names,
    grouped_outcomes,
)
from training.monitor_scores import (
    PastScoring,
    past_scorings,
    scored_items,
    scored_values,
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
        The model of that scoring; the rules judge this one.
    scorings : tuple of str
        Folders of the scorings that were read.
    drifts : mapping of str to mapping of str to Drift
        By group, then by feature or ``score``.
    out_of_range : mapping of str to mapping of str to Estimate
        Share of accounts with values outside the training range, by group and feature.
    outcomes : mapping of str to mapping of str to Outcomes
        By horizon in days (30 matured, 7 and 14 as early warning), then by group and currency.
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
    bundle = read_snapshot_model(newest.folder)
    reference: Mapping[str, Any] = bundle.facts.get("monitor") or {}
    book = read_account_book(ledger, known_on)

    tell("outcomes")
    rows, strange = with_outcomes(scorings, ledger, known_on)
    own = rows[rows["model_version"] == newest.manifest.model_version]
    outcomes, checks = _outcomes(own, reference, book, known_on, ledger, rng, draws)

    tell("drift")
    drifts: dict[str, dict[str, Drift]] = {}
    ranges: dict[str, dict[str, Estimate]] = {}
    found: list[Check] = []
    if reference and not bundle.is_matrix:
        drifts, ranges = _drifts(newest, bundle, reference, book, rng, draws)
        used = used_features(bundle)
        for group, measured in drifts.items():
            found += drift_checks(group, measured, ranges[group], used)
    return Monitoring(
        known_on=known_on,
        scored_on=newest.manifest.as_of,
        model_version=newest.manifest.model_version,
        scorings=tuple(scoring.folder.name for scoring in scorings),
        drifts=drifts,
        out_of_range=ranges,
        outcomes=outcomes,
        checks=tuple(checks + found),
        notes=tuple(_notes(outcomes, drifts, reference, book, strange, newest)),
    )


def _outcomes(
    rows: pd.DataFrame,
    reference: Mapping[str, Any],
    book: AccountBook,
    known_on: date,
    ledger: Ledger,
    rng: np.random.Generator,
    draws: int,
) -> tuple[dict[str, Mapping[str, Outcomes]], list[Check]]:
    """Return outcomes by horizon: matured ones, and early ones of scorings not yet matured."""
    ripe = pd.Timestamp(known_on - timedelta(days=STEP_DAYS + ledger.manifest.maturity_lag_days))
    usual = reference.get("outcomes", {})
    outcomes: dict[str, Mapping[str, Outcomes]] = {}
    checks: list[Check] = []
    for horizon in (HORIZON, *EARLY_HORIZONS):
        part = rows[rows["as_of"] <= ripe] if horizon == HORIZON else rows[rows["as_of"] > ripe]
        found = grouped_outcomes(part, horizon, book, rng, draws=draws)
        outcomes[str(horizon)] = found
        checks += outcome_checks(horizon, found, usual.get(str(horizon), {}))
    return outcomes, checks


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
    outcomes: Mapping[str, Mapping[str, Outcomes]],
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
    if not outcomes[str(HORIZON)]:
        notes.append(
            f"No scoring of model {newest.manifest.model_version} has matured outcomes yet; the "
            "outcomes after 7 and 14 days stand in as early warning."
        )
    if strange:
        notes.append(f"Left out, since the ledger does not hold their items: {', '.join(strange)}.")
    notes.append(
        "An account is worked when it was contacted: for drift in the "
        f"{CONTACT_DAYS} days before the scoring, for outcomes between the scoring and the "
        "horizon. Collectors call those who are late, so the unworked are no random sample; that "
        "is why each group is compared with its like in the test window."
    )
    return notes
