"""The service beside its rivals, on loopback, with the same model and the same accounts.

Usage: python -m benchmarks.serving [--home HOME] [--seconds 20] [--rounds 3] [--tail 60]
[--requests 100000] [--ledger LEDGER] [--only latency tail memory batch store] [--out FILE]

``latency``: ``/v1/score`` of one account of five items, at 1 and 16 clients, in rounds that take
turns, beside a bare Starlette application that calls the same function with the same audit
commit, ``mlflow models serve`` on the same model, and routes that do nothing. ``tail``: one
client for a minute. ``memory``: the service's resident memory over many requests. ``batch``
and ``store``: see ``benchmarks.serving_batch`` and ``benchmarks.serving_store``.

Without --home, one is made as `rollrisk demo` makes it.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.http_load import Load, run_load
from benchmarks.serving_batch import batch_figures
from benchmarks.serving_processes import CONTENDERS, Contender, Setup, prepare
from benchmarks.serving_store import store_figures
from models.home import Home

CLIENTS = (1, 16)
WARM_UP_SECONDS = 3.0
MB = 1_000_000
PARTS = ("latency", "tail", "memory", "batch", "store")


def latency(setup: Setup, names: Sequence[str], *, seconds: float, rounds: int) -> dict[str, Any]:
    """Return the figures of each contender by clients: medians of the rounds, and ratios."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {
        name: {str(clients): [] for clients in CLIENTS} for name in names
    }
    running: dict[str, Contender] = {}
    try:
        for name in names:
            running[name] = CONTENDERS[name](setup)
        for contender in running.values():
            run_load(contender.target, 4, seconds=WARM_UP_SECONDS)
        for _ in range(rounds):
            for clients in CLIENTS:
                for name, contender in running.items():
                    found[name][str(clients)].append(_measured(contender, clients, seconds))
    finally:
        for contender in running.values():
            contender.stop()
    typical = {
        name: {clients: _median(figures) for clients, figures in by_clients.items()}
        for name, by_clients in found.items()
    }
    return {"typical": typical, "rounds": found, "ratios": _ratios(typical)}


def _measured(contender: Contender, clients: int, seconds: float) -> dict[str, float]:
    before = contender.processor_seconds()
    load = run_load(contender.target, clients, seconds=seconds)
    spent = contender.processor_seconds() - before
    return {**load.figures(), "processor_ms": round(spent * 1000 / len(load.milliseconds), 3)}


def _median(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(figures[name] for figures in rounds) for name in rounds[0]}


def _ratios(typical: dict[str, dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the service's figures over those that they are to be compared with."""
    if set(typical) != set(CONTENDERS):
        return {}
    ratios = {}
    for clients in map(str, CLIENTS):
        ours, bare = typical["rollrisk"][clients], typical["starlette"][clients]
        ratios[clients] = {
            "p50_over_starlette": round(ours["p50"] / bare["p50"], 2),
            "p99_over_starlette": round(ours["p99"] / bare["p99"], 2),
            "processor_over_starlette": round(ours["processor_ms"] / bare["processor_ms"], 2),
            "per_second_over_mlflow": round(
                ours["per_second"] / typical["mlflow"][clients]["per_second"], 1
            ),
            "empty_bentoml_over_empty_starlette": round(
                typical["empty bentoml"][clients]["p50"]
                / typical["empty starlette"][clients]["p50"],
                2,
            ),
        }
    return ratios


def tail(setup: Setup, seconds: float) -> dict[str, Any]:
    """Return the service's figures of a long load by one client and by sixteen."""
    contender = CONTENDERS["rollrisk"](setup)
    try:
        run_load(contender.target, 4, seconds=WARM_UP_SECONDS)
        loads = {
            clients: run_load(contender.target, clients, seconds=seconds) for clients in CLIENTS
        }
    finally:
        contender.stop()
    return {str(clients): _tail_of(load) for clients, load in loads.items()}


def _tail_of(load: Load) -> dict[str, float]:
    return {**load.figures(), "p999_over_p50": round(load.at(0.999) / load.at(0.5), 1)}


def memory(setup: Setup, requests: int, *, looks: int = 10) -> dict[str, Any]:
    """Return the service's resident memory after each tenth of the requests."""
    contender = CONTENDERS["rollrisk"](setup)
    try:
        run_load(contender.target, 4, seconds=WARM_UP_SECONDS)
        resident = [_resident_mb(contender)]
        for _ in range(looks):
            run_load(contender.target, 4, requests=requests // looks)
            resident.append(_resident_mb(contender))
    finally:
        contender.stop()
    later = resident[looks // 2 :]
    return {
        "requests": requests,
        "resident_mb": resident,
        "growth_mb_in_the_second_half": round(later[-1] - later[0], 1),
    }


def _resident_mb(contender: Contender) -> float:
    """Return the memory of the worker, which is the largest process of the server's."""
    return round(max(each.memory_info().rss for each in contender.family()) / MB, 1)


def report(results: dict[str, Any]) -> str:
    """Return the results as tables in Markdown."""
    lines: list[str] = []
    if "latency" in results:
        lines += [
            "| contender | clients | p50 ms | p99 ms | p99.9 ms | requests/s | processor ms |"
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        for name, by_clients in results["latency"]["typical"].items():
            lines += [
                f"| {name} | {clients} | {row['p50']:.2f} | {row['p99']:.2f} | "
                f"{row['p999']:.2f} | {row['per_second']:.0f} | "
                f"{row['processor_ms']:.2f} |"
                for clients, row in by_clients.items()
            ]
        for clients, ratios in results["latency"]["ratios"].items():
            told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in ratios.items())
            lines += ["", f"{clients} client(s): {told}."]
    for clients, row in results.get("tail", {}).items():
        lines += [
            "",
            f"Tail, {clients} client(s), {row['requests']} requests: p50 {row['p50']} ms, "
            f"p99.9 {row['p999']} ms = {row['p999_over_p50']} × p50, longest {row['max']} ms.",
        ]
    for part in ("memory", "batch", "store"):
        if part in results:
            lines += ["", f"{part}: {json.dumps(results[part])}"]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the tables and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tail", type=float, default=60)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--ledger", type=Path, help="ledger for `batch`")
    parser.add_argument("--items", type=int, default=1_000_000, help="items for `store`")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    results: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: version(name) for name in ("bentoml", "starlette", "uvicorn", "mlflow")},
    }
    with tempfile.TemporaryDirectory() as scratch:
        setup = prepare(Path(scratch), None if asked.home is None else Home(path=asked.home))
        if "latency" in asked.only:
            results["latency"] = latency(
                setup, asked.contenders, seconds=asked.seconds, rounds=asked.rounds
            )
        if "tail" in asked.only:
            results["tail"] = tail(setup, asked.tail)
        if "memory" in asked.only:
            results["memory"] = memory(setup, asked.requests)
        if "batch" in asked.only:
            results["batch"] = batch_figures(setup.home, asked.ledger)
        if "store" in asked.only:
            results["store"] = store_figures(setup.home, Path(scratch), asked.items)
    print(report(results))
    if asked.out is not None:
        asked.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
