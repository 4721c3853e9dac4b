"""How a variant's figures differ from the recipe's on the same rows, with their intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.stacked import reached
from features.ageing import STEP_DAYS
from features.outcomes import STEPS
from training.dataset import Dataset
from training.metrics import CLIP, Interval, headline
from training.resampling import Figure, average_precision_of, log_loss_of, resample

Floats = npt.NDArray[np.float64]

DRAWS = 400


def compared(y: Floats, dollars: Floats) -> dict[str, Callable[[Floats], Figure]]:
    """Return the figures that variants are compared by, each of a model's probabilities."""

    def dollar_loss(p: Floats) -> Figure:
        loss = -np.log(np.clip(np.where(y == 1, p, 1 - p), CLIP, 1 - CLIP))
        return lambda weight: float((weight * dollars) @ loss / (weight @ dollars))

    return {
        "log_loss": lambda p: log_loss_of(y, p),
        "average_precision": lambda p: average_precision_of(y, p),
        "dollar_log_loss": dollar_loss,
    }


def changes(
    y: Floats,
    own: Floats,
    others: Mapping[str, Floats],
    test: tuple[Floats, npt.NDArray[np.object_]],
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Return, by variant and figure, the variant's less the recipe's with its interval."""
    dollars, account = test
    samples = resample(account, seed, DRAWS)
    found: dict[str, dict[str, Any]] = {name: {} for name in others}
    for figure, of in compared(y, dollars).items():
        gaps = samples.intervals(of(own), {name: of(p) for name, p in others.items()})
        for name, gap in gaps.items():
            turned = Interval(difference=-gap.difference, low=-gap.high, high=-gap.low)
            found[name][figure] = asdict(turned)
    return found


def steps_compared(
    steps: Mapping[str, Sequence[Floats]], tests: Sequence[Dataset], seed: int
) -> list[dict[str, Any]]:
    """Return, per step, both ways' log-loss of being unresolved and the stacked one's excess."""
    truth = np.concatenate([reached(test) for test in tests])
    account = np.concatenate([test.account for test in tests])
    balance = np.concatenate([test.balance for test in tests])
    own, other = (np.concatenate(steps[name]) for name in ("per_step", "one_model"))
    found = []
    for step in range(STEPS):
        known = ~np.isnan(truth[:, step])
        y = truth[known, step]
        gaps = changes(
            y,
            own[known, step],
            {"one_model": other[known, step]},
            (balance[known], account[known]),
            seed,
        )
        found.append(
            {
                "days": STEP_DAYS * (step + 1),
                "rows": int(known.sum()),
                "per_step": headline(y, own[known, step], balance[known]),
                "one_model": headline(y, other[known, step], balance[known]),
                "change": gaps["one_model"],
            }
        )
    return found
