"""Keep what each family of features was worth in a backtest, with how it was found.

Usage: python -m benchmarks.ablation BACKTEST NAME WORDS COMMAND…

BACKTEST is the folder that ``rollrisk backtest --ablate`` wrote, NAME that of the file in
``benchmarks/results``, WORDS what the ledger is, COMMAND each command that led here.
``docs/generate.py`` makes ``docs/ablation.md`` of these files.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measure import machine

RESULTS = Path(__file__).parent / "results"
KEPT = (
    "rows",
    "accounts",
    "accounts_with_unresolved",
    "overall",
    "best_baseline",
    "against_best",
    "ablation",
    "steps",
    "remaining",
    "reach",
    "curve",
    "capture",
    "reason_stability",
    "origins",
    "config",
    "ledger_digest",
)


def record(metrics: dict[str, Any], words: str, commands: list[str]) -> dict[str, Any]:
    """Return what is kept of a backtest's metrics."""
    if "ablation" not in metrics:
        raise SystemExit("These metrics hold no ablation. Run `rollrisk backtest --ablate`.")
    return {
        "ledger": words,
        "commands": commands,
        "machine": machine() | {"lightgbm": version("lightgbm")},
        **{name: metrics[name] for name in KEPT},
    }


def main(folder: str, name: str, words: str, *commands: str) -> None:
    """Write one file of results."""
    metrics = json.loads((Path(folder) / "metrics.json").read_text("utf-8"))
    text = json.dumps(record(metrics, words, list(commands)), indent=1)
    path = RESULTS / f"ablation_{name}.json"
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text + "\n", "utf-8")
    temporary.replace(path)
    print(f"Wrote {path.name}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
