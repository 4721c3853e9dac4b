"""Our features beside the same twenty computed with pandas: seconds, memory, equal values.

Usage: python -m benchmarks.features (--ledger FOLDER | --accounts N) [--dates 1|24] [--out FILE]
       python -m benchmarks.features --growth [--sizes 25000,50000] [--out FILE]
       python -m benchmarks.features --histories 12,24,48 --accounts N [--out FILE]
       python -m benchmarks.features --ledger FOLDER --one-account [--out FILE]

Same ledger, same machine, same run: every measurement has a fresh process of its own, one after
another, with the ledger's files read once before. The run fails unless all rows and values of
the twenty features are equal. Writes JSON to --out and prints a table.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import IDS, KINDS, ROOT, machine, measure, summary
from benchmarks.one_account import one_account
from benchmarks.pandas_features import TWENTY
from features.ledger.kept import keep_states
from features.ledger.manifest import Manifest, read_manifest

RTOL = 1e-9
DAYS_APART = 28
MANY_DATES = 24
SIZES = (25_000, 50_000, 100_000, 200_000)


def as_of_dates(manifest: Manifest, count: int) -> list[date]:
    """Return dates 28 days apart, the last day of the ledger last."""
    last = manifest.known_through
    return [last - timedelta(days=DAYS_APART * back) for back in reversed(range(count))]


def compare(ledger: Path, count: int, repeat: int) -> dict[str, Any]:
    """Measure both sides in turn, ``repeat`` times, and hold their values against each other."""
    manifest = read_manifest(ledger)
    dates = as_of_dates(manifest, count)
    kinds = [kind for kind in KINDS if kind != ("ours_all_bare", "ours_all_limited")[count == 1]]
    tell(f"keeping the states, once for each import: {(seconds := keeping(ledger)):.1f} s")
    warm(ledger)
    results: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(repeat):
            for kind in kinds:
                keep = Path(folder) / kind if turn == 0 else None
                if keep is not None:
                    keep.mkdir()
                results[kind].append(measure(kind, ledger, dates, keep=keep))
                tell(f"{KINDS[kind][0]}: {brief(results[kind][-1])}")
        equal = {
            kind: equality(Path(folder) / "pandas_20", Path(folder) / kind)
            for kind in kinds
            if kind != "pandas_20" and "failed" not in results[kind][0]
        }
    return {
        "ledger": described(manifest),
        "dates": [day.isoformat() for day in dates],
        "repeat": repeat,
        "features": list(TWENTY),
        "seconds_of_keeping_states": seconds,
        "measurements": {kind: summary(results[kind]) for kind in kinds},
        "equal": equal,
    }


def keeping(ledger: Path) -> float:
    """Return the seconds in which an import works out the states, on a copy of the ledger."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ledger"
        shutil.copytree(ledger, copy, ignore=shutil.ignore_patterns("states"))
        start = time.perf_counter()
        keep_states(copy)
        seconds = time.perf_counter() - start
    keep_states(ledger)
    return seconds


def equality(theirs: Path, ours: Path) -> dict[str, Any]:
    """Compare the twenty features of two folders, date by date.

    Raises
    ------
    SystemExit
        When a row or a value differs; the message names the first.
    """
    names = sorted(path.name for path in theirs.iterdir())
    if names != sorted(path.name for path in ours.iterdir()):
        raise SystemExit(f"{theirs.name} and {ours.name} do not have the same dates.")
    rows, largest = 0, 0.0
    for name in names:
        one, other = pd.read_parquet(theirs / name), pd.read_parquet(ours / name)
        if not one[IDS].equals(other[IDS]):
            raise SystemExit(f"{name}: {theirs.name} and {ours.name} have other open items.")
        x, y = one[list(TWENTY)].to_numpy(), other[list(TWENTY)].to_numpy()
        wrong = np.argwhere(~np.isclose(x, y, rtol=RTOL, atol=0, equal_nan=True))
        if len(wrong):
            row, column = wrong[0]
            raise SystemExit(
                f"{name}: {len(wrong)} values differ, first {TWENTY[column]} of "
                f"{one['invoice_id'][row]}: {x[row, column]!r} in {theirs.name}, "
                f"{y[row, column]!r} in {ours.name}."
            )
        apart = np.abs(x - y) / np.maximum(np.abs(y), np.finfo(float).tiny)
        rows, largest = rows + len(one), max(largest, float(np.nanmax(apart, initial=0.0)))
    return {"rows": rows, "values": rows * len(TWENTY), "largest_relative_difference": largest}


def growth(
    sizes: Sequence[tuple[int, int]], seed: int, repeat: int, counts: Sequence[int]
) -> dict[str, Any]:
    """Measure the whole catalogue on ledgers of so many accounts and months, on some dates."""
    points = []
    for accounts, months in sizes:
        with simulated(accounts, months, seed) as ledger:
            manifest = read_manifest(ledger)
            warm(ledger)
            for count in counts:
                dates = as_of_dates(manifest, count)
                results = [measure("ours_all", ledger, dates) for _ in range(repeat)]
                points.append(
                    {"ledger": described(manifest), "months": months, "dates": count}
                    | summary(results)
                )
                for one in results:
                    tell(f"{accounts} accounts, {months} months, dates: {count}: {brief(one)}")
    return {"seed": seed, "repeat": repeat, "growth": points}


@contextmanager
def simulated(accounts: int, months: int, seed: int) -> Iterator[Path]:
    """Simulate a ledger with the command line, for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"
        asked = {"accounts": accounts, "months": months, "seed": seed, "out": ledger}
        options = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "serving.cli", "simulate", *options]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        yield ledger


def ledger_of(asked: argparse.Namespace) -> AbstractContextManager[Path]:
    """Return the ledger that was named, or one simulated for the run."""
    if asked.ledger is not None:
        return nullcontext(asked.ledger)
    return simulated(asked.accounts, asked.months, asked.seed)


def described(manifest: Manifest) -> dict[str, Any]:
    """Return where a ledger came from and its rows by table."""
    rows: dict[str, int] = {}
    for batch in manifest.batches:
        for file in batch.files:
            rows[file.table] = rows.get(file.table, 0) + file.rows
    return {
        "source": [batch.source for batch in manifest.batches],
        "known_through": manifest.known_through.isoformat(),
        "rows": rows,
    }


def warm(ledger: Path) -> None:
    """Read the files once, so that no measurement pays for the disk."""
    for path in ledger.iterdir():
        if path.is_file():
            path.read_bytes()


def brief(one: dict[str, Any]) -> str:
    """Return one measurement in a few words."""
    if "failed" in one:
        return f"failed: {one['failed']}"
    return f"{one['seconds']:.1f} s, {one['peak_mb']:,.0f} MB"


def tell(words: str) -> None:
    """Say what was done on the error stream."""
    print(words, file=sys.stderr, flush=True)


def table(result: dict[str, Any]) -> str:
    """Return the figures as lines of text."""
    if "one_account" in result:
        one = result["one_account"]
        waits = [
            f"{name:<28}{ms['median']:>9.1f}{ms['p90']:>9.1f}" for name, ms in one["ms"].items()
        ]
        stages = [f"{name:<28}{ms:>9.2f}" for name, ms in one["stages_ms"].items()]
        return "\n".join([f"{'ms':<28}{'median':>9}{'p90':>9}", *waits, "", *stages])
    if "growth" in result:
        named = [
            (
                f"{point['ledger']['rows']['invoices']:,} invoices of {point['months']} months, "
                f"dates: {point['dates']}",
                point,
            )
            for point in result["growth"]
        ]
    else:
        named = [(KINDS[kind][0], one) for kind, one in result["measurements"].items()]
    lines = [f"{'':<44}{'seconds':>10}{'cpu s':>10}{'peak MB':>10}{'rows':>12}"]
    for name, one in named:
        if "failed" in one:
            lines.append(f"{name:<44}  failed: {one['failed'][0]}")
        else:
            lines.append(
                f"{name:<44}{one['seconds']:>10.1f}{one['processor_seconds']:>10.1f}"
                f"{one['peak_mb']:>10,.0f}{one['rows']:>12,}"
            )
    return "\n".join(lines)


def write(path: Path, result: dict[str, Any]) -> None:
    """Write JSON to a temporary name and rename it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(result, indent=1, default=str) + "\n", "utf-8")
    temporary.replace(path)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", type=Path, help="a ledger of Parquet files")
    parser.add_argument("--accounts", type=int, default=2000, help="simulated without --ledger")
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--dates", type=int, default=1, choices=(1, MANY_DATES))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="measure ledgers of --sizes")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of accounts")
    parser.add_argument("--histories", help="months, for ledgers of --accounts: their newest day")
    parser.add_argument("--one-account", action="store_true", help="time one account by stage")
    parser.add_argument("--runs", type=int, default=30, help="runs of --one-account")
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser.parse_args()


def main() -> None:
    """Run what the command line asks for; print a table and write JSON."""
    asked = parsed()
    result: dict[str, Any] = {"machine": machine()}
    if asked.growth:
        sizes = [(int(accounts), asked.months) for accounts in asked.sizes.split(",")]
        result |= growth(sizes, asked.seed, asked.repeat, (1, MANY_DATES))
    elif asked.histories:
        sizes = [(asked.accounts, int(months)) for months in asked.histories.split(",")]
        result |= growth(sizes, asked.seed, asked.repeat, (1,))
    else:
        with ledger_of(asked) as ledger:
            if asked.one_account:
                result["one_account"] = one_account(ledger, asked.runs)
            else:
                result |= compare(ledger, asked.dates, asked.repeat)
    print(table(result))
    if asked.out is not None:
        write(asked.out, result)


if __name__ == "__main__":
    main()
