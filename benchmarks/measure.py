"""One measurement in a process of its own, so that memory and caches are nobody else's.

Usage: python -m benchmarks.measure KIND LEDGER --date 2025-12-31 [--date …] [--keep FOLDER]

Imports are not timed; opening the ledger is. Prints seconds, processor seconds, the peak of the
process's memory and the seconds of each stage as JSON. With --keep the twenty features are
written, a file per date.
"""

import argparse
import json
import os
import platform
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from benchmarks.pandas_features import TWENTY

ROOT = Path(__file__).parents[1]
MEMORY_LIMIT = "2GB"
DATES_IN_LITTLE_MEMORY = 2
STAGE = "stage "
IDS = ["account_id", "invoice_id"]

Run = Callable[[Callable[[str], None]], tuple[int, Callable[[], pd.DataFrame]]]
"""Compute features, telling each stage before it runs; return the number of columns and a
function that gives ids and the twenty."""


def _pandas(ledger: Path, dates: Sequence[date]) -> Run:
    from benchmarks.pandas_features import twenty_features  # noqa: PLC0415 (its own process)

    def run(tell: Callable[[str], None]) -> tuple[int, Callable[[], pd.DataFrame]]:
        tell("pandas")
        features = twenty_features(ledger, dates)
        return len(TWENTY), lambda: features

    return run


def _ours(
    ledger: Path,
    dates: Sequence[date],
    *,
    twenty: bool = False,
    limit: str | None = None,
    kept: bool = True,
) -> Run:
    from features.build import feature_parts  # noqa: PLC0415 (its own process)
    from features.catalogue import NAMES  # noqa: PLC0415
    from features.engines import EngineOptions  # noqa: PLC0415
    from features.ledger.read import open_ledger  # noqa: PLC0415

    names = TWENTY if twenty else NAMES

    def run(tell: Callable[[str], None]) -> tuple[int, Callable[[], pd.DataFrame]]:
        tell("open")
        with tempfile.TemporaryDirectory() as spill:
            at_once = DATES_IN_LITTLE_MEMORY if limit else EngineOptions().dates_at_once
            options = EngineOptions(memory_limit=limit, spill_folder=spill, dates_at_once=at_once)
            opened = open_ledger(ledger)
            opened = opened if kept else replace(opened, states={})
            parts = [
                pd.concat(
                    [
                        part.items[["as_of", *IDS]],
                        pd.DataFrame(part.matrix(TWENTY), columns=list(TWENTY)),
                    ],
                    axis=1,
                )
                for part in feature_parts(
                    opened, dates, names=names, options=options, progress=tell
                )
            ]
        return len(names), lambda: pd.concat(parts, ignore_index=True)

    return run


KINDS: dict[str, tuple[str, Callable[[Path, Sequence[date]], Run]]] = {
    "pandas_20": ("pandas, 20 features", _pandas),
    "ours_20": (
        "rollrisk, 20 features",
        lambda ledger, dates: _ours(ledger, dates, twenty=True),
    ),
    "ours_all": ("rollrisk, all features", _ours),
    "ours_all_bare": (
        "rollrisk, all, no states kept",
        lambda ledger, dates: _ours(ledger, dates, kept=False),
    ),
    "ours_all_limited": (
        f"rollrisk, all features, {MEMORY_LIMIT}",
        lambda ledger, dates: _ours(ledger, dates, limit=MEMORY_LIMIT),
    ),
}
"""What can be measured: the words of the table and the function that prepares it."""


def measure(
    kind: str, ledger: Path, dates: Sequence[date], *, keep: Path | None = None
) -> dict[str, Any]:
    """Run one measurement in a fresh process.

    Parameters
    ----------
    kind : str
        Key of ``KINDS``.
    ledger : Path
        Folder of a ledger.
    dates : sequence of date
        Observation dates.
    keep : Path or None
        Folder for the twenty features, a Parquet file per date.

    Returns
    -------
    dict
        ``seconds``, ``processor_seconds``, ``peak_mb``, ``rows``, ``columns`` and seconds by
        stage; or ``failed`` with what the process last said.
    """
    command = [sys.executable, "-m", "benchmarks.measure", kind, str(ledger.resolve())]
    for day in dates:
        command += ["--date", day.isoformat()]
    if keep is not None:
        command += ["--keep", str(keep.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return {"failed": _last_words(done.stderr) or f"ended with code {done.returncode}"}
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _last_words(said: str) -> str:
    """Return the stage a process died in and the error it named, of its error stream."""
    words = [line for line in said.splitlines() if line.startswith(STAGE)][-1:]
    words += re.findall(r"^[\w.]+(?:Error|Exception|Exit)\b.*", said, re.MULTILINE)[-1:]
    return "; ".join(words).replace(str(ROOT), ".")


def summary(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return medians and all values of repeated measurements; of failed ones what was said."""
    failed = [result["failed"] for result in results if "failed" in result]
    if failed:
        return {"failed": failed}
    measured = ("seconds", "processor_seconds", "peak_mb")
    return {
        **{name: median(result[name] for result in results) for name in measured},
        "rows": results[0]["rows"],
        "columns": results[0]["columns"],
        "stages": {
            name: median(result["stages"][name] for result in results)
            for name in results[0]["stages"]
        },
        "runs": {name: [result[name] for result in results] for name in measured},
    }


def peak_mb() -> float:
    """Return the peak of this process's resident memory in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss would count the process that started this one
        lines = status.read_text("utf-8").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def give_way() -> None:
    """Ask the kernel to end this process, not a neighbour, when memory runs out."""
    score = Path("/proc/self/oom_score_adj")
    if score.is_file():
        score.write_text("1000", "utf-8")


def command_line(module: str) -> str:
    """Return the command that was given, folders of this machine left out."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["python", "-m", module, *words])


def machine() -> dict[str, Any]:
    """Return what the figures depend on, without the machine's name."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text("utf-8").splitlines() if cpus.is_file() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "pandas", "numpy", "pyarrow")},
    }


class Laps:
    """When each stage began; told on the error stream, so that a failure can be placed."""

    def __init__(self) -> None:
        self._begun: list[tuple[str, float]] = []

    def begin(self, stage: str) -> None:
        """Note that a stage begins, which ends the one before it."""
        print(f"{STAGE}{stage}", file=sys.stderr, flush=True)
        self._begun.append((stage, time.perf_counter()))

    def seconds(self, end: float) -> dict[str, float]:
        """Return seconds by stage; reading the frame at the end counts to the last stage."""
        spent: dict[str, float] = {}
        ends = [since for _, since in self._begun[1:]] + [end]
        for (stage, since), until in zip(self._begun, ends, strict=True):
            spent[stage] = round(spent.get(stage, 0.0) + until - since, 3)
        return spent


def main() -> None:
    """Measure in this process and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--date", type=date.fromisoformat, action="append", required=True)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    give_way()
    run = KINDS[arguments.kind][1](arguments.ledger, arguments.date)
    laps = Laps()
    started, worked = time.perf_counter(), time.process_time()
    columns, result = run(laps.begin)
    ended, processor = time.perf_counter(), time.process_time() - worked
    peak = peak_mb()
    features = result()
    if arguments.keep is not None:
        for as_of, part in features.groupby("as_of"):
            rows = part.sort_values(IDS)[[*IDS, *TWENTY]]
            rows.to_parquet(arguments.keep / f"{as_of:%Y-%m-%d}.parquet", index=False)
    figures = {
        "seconds": round(ended - started, 3),
        "processor_seconds": round(processor, 3),
        "peak_mb": round(peak, 1),
        "rows": len(features),
        "columns": columns,
        "stages": laps.seconds(ended),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
