"""The rows on which a challenger is judged: dates that neither model has seen an outcome of.

Where such dates are mature, the registered models themselves are compared. A model trained
yesterday has none; then both recipes are refitted at past origins, each knowing only its past,
and compared on the dates that followed. The registered model is held to its own refit, so that
a model that is not what its recipe makes does not pass in its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from features.ageing import STEP_DAYS, is_exposed
from features.build import FeatureFrame, feature_frame
from features.ledger.read import Ledger
from models.bundle import Bundle
from models.explain import explain
from models.scorer import CUTS, survival_curves
from training.baselines import baseline_probabilities
from training.config import ConfigError, TrainingConfig, parse_config
from training.dataset import Dataset, as_of_grid, load_dataset
from training.gate_horizons import (
    HorizonRows,
    horizon_rows,
    oldest_rows,
    scored_rows,
    together,
    within,
)
from training.monitor_accounts import AccountBook, read_account_book
from training.recipe import choose, make_bundle, oldest_as_of
from training.splits import four_windows

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]
Tops = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
How = Literal["the models themselves", "their recipes, refitted at each origin"]

DIRECT: How = "the models themselves"
REFITTED: How = "their recipes, refitted at each origin"

CHALLENGER, CHAMPION = "challenger", "champion"

MIN_DIRECT_DAYS = 28
"""Mature days after both models that a direct comparison needs."""

EVERY_DAYS = 14
MAX_DATES = 12
ORIGINS, ORIGIN_DAYS = 3, 28
BASELINE_DAYS = 365
REASON_ROWS = 1000
SEED = 20260101


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRows:
    """Exposed items with known outcomes, and what each model said of them.

    Parameters
    ----------
    how : str
        Whether the models themselves or their refitted recipes answered.
    test : Dataset
        n rows; several dates repeat items.
    family : numpy.ndarray of str, shape (n,)
        Parent family of each row's account.
    p : mapping of str to numpy.ndarray, shape (n,)
        P(unresolved after 30 days) by ``challenger``, ``champion`` (where there is one) and each
        baseline.
    curves : mapping of str to numpy.ndarray, shape (n, 6)
        Survival at ``CUTS`` by ``challenger`` and ``champion`` (where there is one).
    registered : numpy.ndarray or None, shape (n, 6)
        Where recipes were refitted: what the registered challenger says of the same rows, having
        seen them.
    horizons : mapping of int to HorizonRows
        By days: the rows on which the other cuts are judged.
    oldest : HorizonRows
        Items of the oldest bucket after 30 days.
    top : pair of numpy.ndarray of int, shape (m,), or None
        The family with the largest contribution, on a sample of rows, of the challenger and of
        the model that it is compared with: the champion, else its own refit; None without either.
    newest : FeatureFrame
        Exposed items of the ledger's last known day.
    """

    how: How
    test: Dataset
    family: Names
    p: Mapping[str, Floats]
    curves: Mapping[str, Floats]
    registered: Floats | None
    horizons: Mapping[int, HorizonRows]
    oldest: HorizonRows
    top: Tops | None
    newest: FeatureFrame

    @property
    def y(self) -> Floats:
        """Whether each item was unresolved after 30 days."""
        return self.test.target("step_1")


def recipe_of(bundle: Bundle) -> TrainingConfig:
    """Return the configuration a model was trained with; ConfigError when it cannot be had."""
    if "config" not in bundle.facts:
        raise ConfigError(f"Model {bundle.version} does not say with which recipe it was made.")
    return parse_config(_parsed(bundle.facts["config"]))


def _parsed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored configuration as it would stand in TOML: no nulls, dates as dates."""
    content: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            content[key] = _parsed(value)
        elif isinstance(value, tuple):
            content[key] = list(value)
        elif value is not None:
            dated = isinstance(value, str) and key in {
                "first_as_of",
                "train_until",
                "test_from",
                "test_until",
            }
            content[key] = date.fromisoformat(value) if dated else value
    return content


def last_outcome(bundle: Bundle) -> date:
    """Return the day by which every outcome that a model used was known."""
    return date.fromisoformat(str(bundle.facts["trained_until"]))


def gather_rows(
    ledger: Ledger,
    challenger: Bundle,
    champion: Bundle | None,
    *,
    progress: Callable[[str], None] | None = None,
) -> JudgedRows:
    """Return the rows to judge on, with the probabilities of every model.

    Raises
    ------
    TooLittleHistoryError
        When the ledger is too short to refit a recipe at a past origin.
    ConfigError
        When a recipe cannot be run again.
    """
    tell = progress or (lambda _: None)
    lag = ledger.manifest.maturity_lag_days
    newest = ledger.manifest.known_through - timedelta(days=STEP_DAYS + lag)
    models = [challenger] if champion is None else [challenger, champion]
    after = max(last_outcome(model) for model in models)
    same = all(model.feature_digest == challenger.feature_digest for model in models)
    direct = same and (newest - after).days >= MIN_DIRECT_DAYS
    config = recipe_of(challenger)
    if direct:
        days = as_of_grid(newest, after + timedelta(days=1), EVERY_DAYS)[-MAX_DATES:]
        start = days[0] - timedelta(days=BASELINE_DAYS)
    else:
        start = oldest_as_of(ledger, config, newest - timedelta(days=ORIGINS * ORIGIN_DAYS))
        days = as_of_grid(newest, newest - timedelta(days=ORIGINS * ORIGIN_DAYS - 1), EVERY_DAYS)
    before = as_of_grid(days[0] - timedelta(days=EVERY_DAYS), start, config.windows.every_days)
    data = load_dataset(ledger, [*before, *days], max_rows=config.max_rows, progress=progress)
    book = read_account_book(ledger, ledger.manifest.known_through)
    tell("newest items")
    frame = feature_frame(ledger, [ledger.manifest.known_through])
    if direct:
        return direct_rows(data, after, lag, challenger, champion, book, frame)
    parts = [
        _refitted(ledger, data, newest, back, challenger, champion, book, tell)
        for back in range(ORIGINS, 0, -1)
    ]
    return _joined(parts, data, book, frame, REFITTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    keep: npt.NDArray[np.bool_]
    p: dict[str, Floats]
    curves: dict[str, Floats]
    registered: Floats | None
    horizons: dict[int, HorizonRows]
    oldest: HorizonRows
    top: Tops | None


def direct_rows(
    data: Dataset,
    after: date,
    maturity_lag_days: int,
    challenger: Bundle,
    champion: Bundle | None,
    book: AccountBook,
    newest: FeatureFrame,
) -> JudgedRows:
    """Return what the models themselves say of the rows after a day.

    Parameters
    ----------
    data : Dataset
        Rows before that day, for the baselines, and after it, to judge on.
    after : date
        Last day by which any outcome that a model used was known.
    maturity_lag_days : int
        Days after a horizon before its outcome is final.
    challenger, champion : Bundle
        The models; None for no champion.
    book : AccountBook
        Families of the accounts.
    newest : FeatureFrame
        Open items of the ledger's last known day.
    """
    models = {CHALLENGER: challenger} | ({CHAMPION: champion} if champion is not None else {})
    first, last = after + timedelta(days=1), data.as_of.max().date()
    past, known = data.known_by(after, maturity_lag_days), (after, maturity_lag_days)
    compared = None if champion is None else (challenger, champion)
    part = _part(data, past, models, None, compared, book, (first, last), known)
    return _joined([part], data, book, newest, DIRECT)


def _refitted(
    ledger: Ledger,
    data: Dataset,
    newest: date,
    back: int,
    challenger: Bundle,
    champion: Bundle | None,
    book: AccountBook,
    tell: Callable[[str], None],
) -> _Part:
    lag = ledger.manifest.maturity_lag_days
    first = newest - timedelta(days=back * ORIGIN_DAYS - 1)
    last = first + timedelta(days=ORIGIN_DAYS - 1)
    tell(f"refit at {first}")
    past = data.known_by(first, lag)
    past = past.select(~np.isnan(past.target("step_1")))
    refits = {CHALLENGER: _refit(ledger, past, recipe_of(challenger), first, lag)}
    if champion is not None:
        same = recipe_of(champion) == recipe_of(challenger)
        refits[CHAMPION] = (
            refits[CHALLENGER] if same else _refit(ledger, past, recipe_of(champion), first, lag)
        )
    compared = challenger, _compared(refits, challenger, champion)
    return _part(data, past, refits, challenger, compared, book, (first, last), (first, lag))


def _compared(refits: Mapping[str, Bundle], challenger: Bundle, champion: Bundle | None) -> Bundle:
    """Return the model whose reasons the registered challenger's are held to."""
    if champion is None:
        return refits[CHALLENGER]
    same = refits[CHAMPION] is refits[CHALLENGER]
    readable = champion.feature_digest == challenger.feature_digest
    return champion if same and readable else refits[CHAMPION]


def _part(
    data: Dataset,
    past: Dataset,
    models: Mapping[str, Bundle],
    registered: Bundle | None,
    compared: tuple[Bundle, Bundle] | None,
    book: AccountBook,
    window: tuple[date, date],
    known: tuple[date, int],
) -> _Part:
    """Return what models say of the rows of a window.

    ``registered`` has seen the rows; the reasons of both models of ``compared`` are looked at;
    ``known`` is the day of the past and the days after a horizon before its outcome is final.
    """
    rows = scored_rows(data, *window)
    scored = data.select(rows)
    here = scored.exposed & within(scored, *window)
    keep = rows.copy()
    keep[rows] = here
    test = scored.select(here)
    curves = _curves(models, scored)
    judged = {name: survival[here] for name, survival in curves.items()}
    own = {name: survival[:, CUTS.index(STEP_DAYS)] for name, survival in judged.items()}
    return _Part(
        keep=keep,
        p=own | baseline_probabilities(past, test, SEED),
        curves=judged,
        registered=None if registered is None else _survival(registered, test),
        horizons=horizon_rows(scored, curves, past, book, window, known),
        oldest=oldest_rows(scored, curves, past, book, window),
        top=None if compared is None else _top_families(*compared, test),
    )


def _curves(models: Mapping[str, Bundle], rows: Dataset) -> dict[str, Floats]:
    """Return the survival of the rows by model, once where two names stand for one model."""
    found = {id(bundle): bundle for bundle in models.values()}
    survival = {key: _survival(bundle, rows) for key, bundle in found.items()}
    return {name: survival[id(bundle)] for name, bundle in models.items()}


def _survival(bundle: Bundle, rows: Dataset) -> Floats:
    return survival_curves(bundle, rows.frame, rows.segment).survival


def _refit(ledger: Ledger, past: Dataset, config: TrainingConfig, cutoff: date, lag: int) -> Bundle:
    inner = replace(config, windows=replace(config.windows, test_days=0))
    first, last = past.as_of.min().date(), past.as_of.max().date()
    windows = four_windows(first, last, inner.windows, lag)
    choices = choose(past, windows, inner, lag, lambda _: None)
    return make_bundle(ledger, past, choices, inner, cutoff, None)


def _top_families(one: Bundle, other: Bundle, test: Dataset) -> Tops:
    """Return the family with the largest contribution under both models, on a sample of rows."""
    step = max(len(test) // REASON_ROWS, 1)
    sample = test.select(np.arange(len(test)) % step == 0)
    tops = []
    for bundle in (one, other):
        curves = survival_curves(bundle, sample.frame, sample.segment)
        families = explain(bundle, sample.frame, curves).families
        tops.append(np.abs(families).argmax(axis=1).astype(np.int64))
    return tops[0], tops[1]


def _joined(
    parts: list[_Part], data: Dataset, book: AccountBook, frame: FeatureFrame, how: How
) -> JudgedRows:
    place = np.concatenate([np.flatnonzero(part.keep) for part in parts])
    order = np.argsort(place, kind="stable")
    keep = np.zeros(len(data), dtype=bool)
    keep[place] = True
    test = data.select(keep)

    def in_order(values: list[Floats]) -> Floats:
        return np.concatenate(values)[order]

    registered = [part.registered for part in parts if part.registered is not None]
    tops = [part.top for part in parts if part.top is not None]
    residual = frame.items["residual"].to_numpy(dtype=bool)
    days = frame.items["days_past_due"].to_numpy(dtype=float)
    return JudgedRows(
        how=how,
        test=test,
        family=book.family(test.account),
        p={name: in_order([part.p[name] for part in parts]) for name in parts[0].p},
        curves={name: in_order([part.curves[name] for part in parts]) for name in parts[0].curves},
        registered=in_order(registered) if registered else None,
        horizons={
            days: together([part.horizons[days] for part in parts]) for days in parts[0].horizons
        },
        oldest=together([part.oldest for part in parts]),
        top=(np.concatenate([top[0] for top in tops]), np.concatenate([top[1] for top in tops]))
        if tops
        else None,
        newest=frame.select(is_exposed(days) & ~residual),
    )
