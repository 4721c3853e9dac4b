"""Our model beside a reference script's models, on the same rows of real invoices, in one run.

Usage: python -m benchmarks.highradius LEDGER REFERENCE.py CLOSED_INVOICES.csv

LEDGER is the imported file; REFERENCE.py fits its models in ``main(path)`` and hands each to
``judge(name, test, p)``. The recipe is ``training/configs/highradius.toml``. Prints the figures
of both, paired differences with intervals over customers, and both again without the three
customers that have the most unresolved rows.
"""

import importlib.util
import json
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from features.ledger.read import open_ledger
from training.backtest import run_backtest
from training.backtest_figures import LARGEST_LEFT_OUT
from training.config import read_config
from training.metrics import headline, paired_intervals

SHOWN = ("roc_auc", "average_precision", "brier", "log_loss", "captured_dollars")
RIVAL = "lightgbm"


def load(path: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location("reference", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reference_probabilities(script: Path, data: Path) -> pd.DataFrame:
    """Run the reference and return its LightGBM's probability per date and row."""
    module = load(script)
    caught: dict[str, pd.DataFrame] = {}

    def catch(name: str, test: pd.DataFrame, p: Any) -> None:  # noqa: ANN401 (any array)
        caught[name] = pd.DataFrame(
            {
                "as_of": test["as_of"].to_numpy(),
                "invoice_id": ("row-" + test["row"].astype(str)).to_numpy(),
                "rolled": test["rolled"].to_numpy(),
                "p_reference": np.asarray(p),
            }
        )

    module.judge = catch
    module.main(str(data))
    return caught[RIVAL]


def main(ledger: str, script: str, data: str) -> None:
    """Print the comparison as JSON."""
    config = read_config("highradius")
    ours = run_backtest(open_ledger(Path(ledger)), config, draws=20).predictions
    theirs = reference_probabilities(Path(script), Path(data))
    rows = ours.merge(theirs, on=["as_of", "invoice_id"], how="outer", indicator=True)
    unmatched = int((rows["_merge"] != "both").sum())
    if unmatched or (rows["rolled"] != rows["unresolved"]).any():
        raise SystemExit(f"The two did not judge the same rows: {unmatched} differ.")
    largest = rows.groupby("account_id")["unresolved"].sum().nlargest(LARGEST_LEFT_OUT).index
    result = {
        name: compare(part, config.seed)
        for name, part in {
            "all rows": rows,
            "past due only": rows[rows["bucket"] != "current"],
            "without the three largest customers": rows[~rows["account_id"].isin(largest)],
        }.items()
    }
    print(json.dumps(result, indent=1))


def compare(rows: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return both models' figures and the paired differences on some rows."""
    y, dollars = rows["unresolved"].to_numpy(), rows["balance"].to_numpy()
    ours, theirs = rows["p_rollrisk"].to_numpy(), rows["p_reference"].to_numpy()
    account = rows["account_id"].to_numpy(dtype=object)
    intervals = paired_intervals(
        y, (ours, theirs), dollars, account, np.random.default_rng(seed), draws=1000
    )
    return {
        "rows": len(rows),
        "rollrisk": {key: round(headline(y, ours, dollars)[key], 4) for key in SHOWN},
        "reference": {key: round(headline(y, theirs, dollars)[key], 4) for key in SHOWN},
        "rollrisk minus reference": {
            key: {name: round(value, 4) for name, value in asdict(interval).items()}
            for key, interval in intervals.items()
        },
    }


if __name__ == "__main__":
    main(*sys.argv[1:4])
