"""One small ledger to judge models on: what was known by a day, and 90 days that followed."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

from features.build import FeatureFrame, feature_frame
from models.bundle import PARTS, Bundle
from tests.trained import small_config, small_ledger
from training.config import TrainingConfig
from training.dataset import Dataset, as_of_grid, load_dataset
from training.gate_rows import JudgedRows, direct_rows
from training.hazard import Rounds
from training.monitor_accounts import AccountBook, read_account_book
from training.recipe import Choices, make_bundle

ROUNDS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Rows up to a day and after it."""

    data: Dataset
    after: date
    book: AccountBook
    newest: FeatureFrame

    @property
    def past(self) -> Dataset:
        """What could be learnt on the day."""
        known = self.data.known_by(self.after, 7)
        return known.select(~np.isnan(known.target("step_1")))


def fixed_config() -> TrainingConfig:
    """The small recipe with fixed rounds: nothing to search."""
    small = small_config()
    windows = replace(small.windows, recalibrate_days=0)
    return replace(small, trees=replace(small.trees, rounds=ROUNDS), windows=windows)


@cache
def judged() -> Judged:
    """The small ledger, with a day 127 days before its end."""
    ledger = small_ledger()
    end = ledger.manifest.known_through
    after = end - timedelta(days=127)
    days = as_of_grid(end - timedelta(days=37), end - timedelta(days=400), 30)
    frame = feature_frame(ledger, [end])
    return Judged(
        data=load_dataset(ledger, days),
        after=after,
        book=read_account_book(ledger, end),
        newest=frame.select(~frame.items["residual"].to_numpy(dtype=bool)),
    )


def model_on(past: Dataset, **facts: object) -> Bundle:
    """Return a model trained on some rows with fixed rounds."""
    rounds = dict.fromkeys(PARTS, Rounds(found=ROUNDS))
    config = fixed_config()
    known = {
        "trained_until": judged().after,
        "as_of_dates": [str(past.as_of.max().date())],
        "config": config.to_json(),
        **facts,
    }
    choices = Choices(rounds=rounds, calibrators={})
    return make_bundle(small_ledger(), past, choices, config, judged().after, None, facts=known)


@cache
def honest() -> Bundle:
    """The model that the recipe makes of the past."""
    return model_on(judged().past)


def compared(challenger: Bundle, champion: Bundle | None) -> JudgedRows:
    """Return the rows after the day with what both models say."""
    case = judged()
    return direct_rows(case.data, case.after, 7, challenger, champion, case.book, case.newest)


def with_targets(past: Dataset, targets: npt.NDArray[np.float64]) -> Dataset:
    """Return the rows with other outcomes."""
    return replace(past, targets=targets)


def shuffled(past: Dataset) -> Dataset:
    """Return the rows with outcomes dealt out at random."""
    order = np.random.default_rng(2).permutation(len(past))
    return with_targets(past, past.targets[order])


def leaked(past: Dataset) -> Dataset:
    """Return the rows with the outcome in a column that will not know it later."""
    values = past.frame.values.copy()
    values[:, past.frame.names.index("terms_days")] = past.target("step_1") * 60
    return replace(past, frame=replace(past.frame, values=values))


def broken_in(past: Dataset, segment: str) -> Dataset:
    """Return the rows with the outcomes of one segment turned round."""
    here = (past.segment == segment)[:, None]
    return with_targets(past, np.where(here, 1 - past.targets, past.targets))


def in_place_of(bundle: Bundle, part: str, other: str) -> Bundle:
    """Return the model with another of its parts in the place of one."""
    return replace(bundle, parts={**bundle.parts, part: bundle.parts[other]})
