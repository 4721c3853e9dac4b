"""Backtest of the mixture with the roll-rate matrix, by how much history an account has.

Usage: python -m benchmarks.fallback LEDGER [--config quick] [--origins 3] [--out F.json]

At every origin the recipe runs as it would have then and judges the as-of dates that follow:

* *known segments*: the model alone, the recipe's own mixture, and the mixture for every k, on
  the same rows;
* *segments as if new*: each segment is left out of a refit of step 1, and its rows are judged
  by that refit alone and mixed with the portfolio's matrix.

Figures are log-losses by the invoices that the account paid within a year, and differences to the
model alone with 95 % intervals from resampling accounts.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import STEP_DAYS
from features.ledger.read import open_ledger
from models.fallback import PAID_ITEMS, shrinkage
from models.scorer import survival_curves
from training.baselines import matrix_rates
from training.config import read_config
from training.dataset import as_of_grid, load_dataset
from training.fallback import TRIED_K, as_if_new
from training.metrics import clipped_log_loss
from training.origins import OriginRows, plan_origins, rows_of_origin
from training.recipe import Choices, choose, make_bundle, oldest_as_of
from training.resampling import log_loss_of, resample

Floats = npt.NDArray[np.float64]

BANDS: tuple[tuple[str, float, float], ...] = (
    ("0", 0, 0),
    ("1-3", 1, 3),
    ("4-9", 4, 9),
    ("10+", 10, np.inf),
    ("all", 0, np.inf),
)
DRAWS = 400


def known_rows(rows: OriginRows, choices: Choices, bundle: Any) -> pd.DataFrame:  # noqa: ANN401
    """Return the judged rows of one origin with each way of answering."""
    test = rows.test
    alone = survival_curves(replace(bundle, fallback=None), test.frame, test.segment).at(STEP_DAYS)
    recipe = survival_curves(bundle, test.frame, test.segment).at(STEP_DAYS)
    paid, usual = test.frame.column(PAID_ITEMS), matrix_rates(rows.past, test)
    print(
        rows.origin.cutoff, "known k", choices.fallback.known_k, "unseen", choices.fallback.unseen_k
    )
    return mixtures(alone, usual, np.nan_to_num(paid)).assign(
        recipe=recipe, y=test.target("step_1"), account=test.account
    )


def unseen_rows(rows: OriginRows, config: Any, rounds: int) -> pd.DataFrame:  # noqa: ANN401
    """Return the judged rows of one origin, each answered without its segment."""
    parts = []
    for segment in sorted(set(rows.test.segment) - {""}):
        found = as_if_new(rows.past, rows.test, segment, config, rounds)
        if found is None:
            continue
        places, own, usual = found
        paid = np.nan_to_num(rows.test.frame.column(PAID_ITEMS))[places]
        parts.append(
            mixtures(own, usual, paid).assign(
                y=rows.test.target("step_1")[places], account=rows.test.account[places]
            )
        )
    return pd.concat(parts, ignore_index=True)


def mixtures(own: Floats, usual: Floats, paid: Floats) -> pd.DataFrame:
    """Return the model alone, the matrix alone, and the mixture for every k."""
    found = {"paid": paid, "alone": own, "matrix": usual}
    for k in TRIED_K:
        weight = shrinkage(paid, k)
        found[f"k={k:g}"] = weight * own + (1 - weight) * usual
    return pd.DataFrame(found)


def figures(rows: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    """Return log-loss by band and way of answering, and differences to the model alone."""
    ways = [name for name in rows.columns if name not in {"paid", "y", "account", "alone"}]
    result = []
    for name, low, high in BANDS:
        here = rows[(rows["paid"] >= low) & (rows["paid"] <= high)]
        y, account = here["y"].to_numpy(), here["account"].to_numpy(dtype=object)
        if len(np.unique(y)) < 2:
            continue
        samples = resample(account, seed, DRAWS)
        alone = log_loss_of(y, here["alone"].to_numpy())
        gaps = {
            way: samples.intervals(log_loss_of(y, here[way].to_numpy()), {"alone": alone})["alone"]
            for way in ways
        }
        result.append(
            {
                "paid_invoices": name,
                "rows": len(here),
                "accounts": int(here["account"].nunique()),
                "positives": int(y.sum()),
                "alone": clipped_log_loss(y, here["alone"].to_numpy()),
                "minus_alone": {way: asdict(gap) for way, gap in gaps.items()},
            }
        )
    return result


def show(title: str, found: list[dict[str, Any]]) -> None:
    """Print a table."""
    print(title)
    for row in found:
        gaps = "  ".join(
            f"{way} {gap['difference']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}]"
            for way, gap in row["minus_alone"].items()
        )
        print(
            f"  paid {row['paid_invoices']:>4}: {row['rows']:>6} rows, "
            f"{row['accounts']:>5} accounts, alone {row['alone']:.4f}  {gaps}"
        )


def main() -> None:
    """Run the backtest and print or write its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--config", default=None)
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    ledger, config = open_ledger(arguments.ledger), read_config(arguments.config)
    config = replace(
        config,
        windows=replace(config.windows, test_days=0),
        backtest=replace(config.backtest, origins=arguments.origins),
    )
    lag = ledger.manifest.maturity_lag_days
    origins = plan_origins(ledger, config)
    oldest = oldest_as_of(ledger, config, origins[0].first)
    dates = as_of_grid(origins[-1].last, oldest, config.windows.every_days)
    data = load_dataset(ledger, dates)
    known, unseen = [], []
    for origin in origins:
        rows = rows_of_origin(data, origin, config, lag)
        choices = choose(rows.past, rows.windows, config, lag, lambda _: None)
        bundle = make_bundle(ledger, rows.past, choices, config, origin.cutoff, None)
        known.append(known_rows(rows, choices, bundle))
        unseen.append(unseen_rows(rows, config, choices.rounds["step_1"].found))
    result = {
        "ledger_digest": ledger.digest,
        "config": arguments.config or "default",
        "origins": [str(origin.cutoff) for origin in origins],
        "known_segments": figures(pd.concat(known, ignore_index=True), config.seed),
        "segments_as_if_new": figures(pd.concat(unseen, ignore_index=True), config.seed),
    }
    show("known segments", result["known_segments"])
    show("segments as if new", result["segments_as_if_new"])
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
