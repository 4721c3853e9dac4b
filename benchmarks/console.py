"""How long a manager waits for each page of the console on a huge book, measured in Chromium.

Usage: python -m benchmarks.console [--ledger LEDGER | --home HOME] [--rounds 5] [--out FILE]

A ledger (without one given, of 100,000 simulated accounts) is scored with the product's own
command and a model trained on a small ledger. The scoring is brought to 120,000 accounts with
400,000 open items by leaving accounts with few items out and taking those with many again under
other ids; every account keeps its items, so that all sums hold. `rollrisk serve` is started on
it, and a real browser signs in and loads each page. Times are those of the browser's navigation
timing: to the first byte, to the page drawn for the first time, and to the load event. The first
load of a page in a fresh process is told apart from the later ones. Account pages are of
accounts that the ledger holds.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
import pyarrow.parquet as pq
from playwright.sync_api import Page, sync_playwright

from benchmarks.features import write
from benchmarks.large_book import AGAIN, enlarge
from benchmarks.measure import machine
from features.ledger.manifest import read_manifest
from models.home import Home
from models.snapshot import current_snapshot
from serving.auth import create_key
from serving.reports.pdf import find_chromium

ROOT = Path(__file__).parents[1]
SIMULATED, MODEL_ACCOUNTS, MONTHS = 100_000, 400, 36
ACCOUNTS, ITEMS = 120_000, 400_000
ENOUGH_SECONDS = 1.0
"""What the first page, the list and an account may take."""

TIMING = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    first_byte: page.responseStart, painted: paint ? paint.startTime : null,
    loaded: page.loadEventEnd, bytes: page.decodedBodySize,
  };
}"""


def command(home: Path, *arguments: str) -> None:
    """Run ``rollrisk`` on a home."""
    environment = {**os.environ, "ROLLRISK_HOME": str(home), "PYTHONPATH": str(ROOT)}
    subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-m", "serving.cli", *arguments], check=True, env=environment
    )


def scored_home(folder: Path, ledger: Path | None) -> Home:
    """Return a home in ``folder`` with a large ledger scored and published."""
    small, home = folder / "small", Home(path=folder / "home")
    command(home.path, "simulate", "--accounts", str(MODEL_ACCOUNTS), "--months", str(MONTHS),
            "--seed", "7", "--out", str(small))  # fmt: skip
    command(home.path, "train", str(small), "--config", "quick")
    if ledger is None:
        ledger = folder / "ledger"
        command(home.path, "simulate", "--accounts", str(SIMULATED), "--months", str(MONTHS),
                "--seed", "11", "--out", str(ledger))  # fmt: skip
    day = read_manifest(ledger).known_through.isoformat()
    command(home.path, "score", str(ledger), "--as-of", day, "--out", str(folder / "scores"))
    return home


@contextmanager
def serving(home: Home) -> Iterator[tuple[str, int, float]]:
    """Serve a home on a free port; yield its address, process and the seconds until it answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    environment = {
        **os.environ,
        "ROLLRISK_HOME": str(home.path),
        "PYTHONPATH": str(ROOT),
        "ROLLRISK_REQUESTS_PER_MINUTE": "100000",
    }
    address, started = f"http://127.0.0.1:{port}", time.perf_counter()
    with (home.path / "serve.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-m", "serving.cli", "serve", "--port", str(port)],
            env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        while True:
            try:
                if httpx.get(f"{address}/readyz", timeout=60).status_code == 200:
                    break
            except httpx.TransportError:
                pass  # nothing listens yet
            if process.poll() is not None:
                raise SystemExit(f"The service ended; see {home.path / 'serve.log'}.")
            time.sleep(0.1)
        yield address, process.pid, time.perf_counter() - started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def sign_in(page: Page, address: str, key: str) -> dict[str, float]:
    """Sign in and return the timing of the first page."""
    page.goto(f"{address}/login")
    page.fill("#key", key)
    with page.expect_navigation(url=f"{address}/", wait_until="load"):
        page.get_by_role("button", name="Sign in").click()
    return timing(page)


def timing(page: Page) -> dict[str, float]:
    """Return the navigation timing of a loaded page in milliseconds."""
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    found: dict[str, float] = page.evaluate(TIMING)
    return found


def pages_of(home: Home) -> dict[str, str]:
    """Return the address of every page by name; accounts from the middle and top of the list."""
    table = pq.read_table(
        current_snapshot(home) / "accounts.parquet", columns=["account_id", "dollars_at_risk"]
    )
    ordered = table.sort_by([("dollars_at_risk", "descending")])["account_id"]
    own = [name for name in ordered.to_pylist() if AGAIN not in name]
    riskiest, middle = own[0], own[len(own) // 3]
    return {
        "Portfolio": "/",
        "Portfolio, 3 steps": "/?steps=3",
        "Worklist": "/worklist",
        "Worklist, all by name": "/worklist?lane=all&sort=name",
        "Worklist, search": "/worklist?lane=all&search=holding",
        "Worklist, page 40": "/worklist?lane=all&sort=dollars_at_risk&down=1&page=40",
        "Account, most at risk": f"/accounts/{riskiest}",
        "Account, in the middle": f"/accounts/{middle}",
        "Allowance": "/allowance",
        "Model": "/model",
        "Ledger health": "/ledger",
    }


def measure(home: Home, rounds: int) -> dict[str, Any]:
    """Serve a home and time its pages.

    Parameters
    ----------
    home : Home
        With a published scoring. A key is made for the benchmark.
    rounds : int
        Loads of every page after the first.

    Returns
    -------
    dict
        ``seconds`` by page and event, the counts of the book, memory, and the time the service
        took to start and to read the past.
    """
    today = datetime.now(UTC).date()
    key = create_key(home.keys, f"bench-{secrets.token_hex(4)}", "manager", today=today)
    with serving(home) as (address, pid, started), sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        begun = time.perf_counter()
        loads: dict[str, list[dict[str, float]]] = {
            "Portfolio, right after the start": [sign_in(page, address, key)]
        }
        page.wait_for_selector("[data-pending]", state="detached", timeout=1_800_000)
        past = time.perf_counter() - begun
        for _ in range(rounds + 1):
            for name, path in pages_of(home).items():
                answer = page.goto(address + path)
                if answer is None or answer.status != 200:
                    raise SystemExit(f"{path} failed; see {home.path / 'serve.log'}.")
                loads.setdefault(name, []).append(timing(page))
        browser.close()
        memory = resident_mb(pid)
    folder = current_snapshot(home)
    counts = {
        name: pq.read_metadata(folder / f"{name}.parquet").num_rows
        for name in ("accounts", "items")
    }
    return {
        "book": counts,
        "service_starts_seconds": round(started, 2),
        "past_read_seconds": round(past, 2),
        "resident_mb": memory,
        "rounds": rounds,
        "pages": {name: summary(found) for name, found in loads.items()},
    }


def resident_mb(pid: int) -> float:
    """Return the resident memory in MB of a process and all that it started."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return round(sum(one.memory_info().rss for one in family) / 1e6, 1)


def summary(loads: list[dict[str, float]]) -> dict[str, Any]:
    """Return the first load and the median and slowest of the later ones, in seconds.

    Examples
    --------
    >>> load = {"first_byte": 100.0, "painted": 150.0, "loaded": 200.0, "bytes": 5000.0}
    >>> summary([load, load])["first"]
    {'first_byte': 0.1, 'painted': 0.15, 'loaded': 0.2}
    """
    events = ("first_byte", "painted", "loaded")
    later = loads[1:] or loads
    return {
        "first": {event: round((loads[0][event] or 0) / 1000, 3) for event in events},
        "median": {
            event: round(median(x[event] or 0 for x in later) / 1000, 3) for event in events
        },
        "slowest": {event: round(max(x[event] or 0 for x in later) / 1000, 3) for event in events},
        "kilobytes": round(loads[-1]["bytes"] / 1000, 1),
    }


def table(result: Mapping[str, Any]) -> str:
    """Return the result as a table of text: seconds to the load event and to the first byte."""
    book = result["book"]
    lines = [
        f"{book['accounts']:,} accounts, {book['items']:,} open items; the service starts in "
        f"{result['service_starts_seconds']:.1f} s, the past is read in "
        f"{result['past_read_seconds']:.1f} s, {result['resident_mb']:,.0f} MB resident.",
        f"{'page':34} {'first':>7} {'median':>7} {'slowest':>8} {'1st byte':>9} {'kB':>6}",
    ]
    for name, found in result["pages"].items():
        mark = "" if found["first"]["loaded"] <= ENOUGH_SECONDS else "  over 1 s"
        lines.append(
            f"{name:34} {found['first']['loaded']:7.3f} {found['median']['loaded']:7.3f} "
            f"{found['slowest']['loaded']:8.3f} {found['median']['first_byte']:9.3f} "
            f"{found['kilobytes']:6.0f}{mark}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print a table, and write the result where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ledger", type=Path, help="A ledger to score instead of a simulated one.")
    parser.add_argument("--home", type=Path, help="A home that holds a scoring already.")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.home:
            home = Home(path=asked.home.resolve())
        else:
            home = scored_home(Path(folder), asked.ledger)
            enlarge(home, asked.accounts, asked.items)
        result = {"machine": machine(), **measure(home, asked.rounds)}
    print(table(result))
    if asked.out is not None:
        write(asked.out, result)
    else:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
