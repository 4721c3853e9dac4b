"""What a worker holds and how soon it serves, with a snapshot of a million items.

The snapshot of a home is repeated under other account ids until it has as many items as asked
for. ``python -m benchmarks.serving_store HOME`` then does what a worker does: it loads the
published pair and answers for accounts drawn at random.
"""

import argparse
import gc
import json
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from models.home import Home
from models.snapshot import (
    current_snapshot,
    map_tables,
    read_snapshot_manifest,
    write_manifest,
    write_mapped,
)
from serving.online import END, FIRST

ROOT = Path(__file__).parents[1]
WORKERS = 2
ASKED = 2000


def store_figures(home: Home, folder: Path, items: int) -> dict[str, Any]:
    """Return what each of two workers took to load the snapshot, and holds."""
    large = Home(path=folder / "large")
    stored = repeat_snapshot(home, large, items)
    command = [sys.executable, "-m", "benchmarks.serving_store", str(large.path)]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 (ourselves)
        for _ in range(WORKERS)
    ]
    told = [process.communicate()[0] for process in running]
    shutil.rmtree(large.path)
    return {**stored, "workers": [json.loads(text.splitlines()[-1]) for text in told]}


def repeat_snapshot(home: Home, large: Home, items: int) -> dict[str, float]:
    """Publish in ``large`` the snapshot of ``home``, repeated to about ``items`` items."""
    source = current_snapshot(home)
    manifest = read_snapshot_manifest(source)
    target = large.snapshots / source.name
    shutil.copytree(source, target)
    tables = map_tables(source, manifest)
    times = max(1, round(items / tables["items"].num_rows))
    parts = [_renamed(tables["accounts"], n, tables["items"].num_rows) for n in range(times)]
    repeated = {
        "items": pa.concat_tables([tables["items"]] * times).combine_chunks(),
        "accounts": pa.concat_tables(parts).combine_chunks(),
    }
    digests = write_mapped(target, repeated)
    write_manifest(target, replace(manifest, mapped=digests))
    shutil.copy(home.snapshots / "CURRENT", large.snapshots / "CURRENT")
    size = sum(path.stat().st_size for path in (target / "online").iterdir())
    return {
        "items": repeated["items"].num_rows,
        "accounts": repeated["accounts"].num_rows,
        "mapped_mb": round(size / 1e6),
    }


def _renamed(accounts: pa.Table, number: int, items: int) -> pa.Table:
    """Return the accounts under ids that come after those of the repetition before."""
    texts = (pa.scalar(text, pa.large_string()) for text in (f"{number:06d}", "-"))
    prefix, joint = texts
    ids = pc.binary_join_element_wise(prefix, accounts["account_id"], joint)
    moved = accounts.set_column(accounts.column_names.index("account_id"), "account_id", ids)
    for name in (FIRST, END):
        place = pc.add(accounts[name], number * items)
        moved = moved.set_column(moved.column_names.index(name), name, place)
    return moved


def main() -> None:
    """Load the published pair, answer for some accounts, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    asked = parser.parse_args()
    from serving.store import load_pair  # noqa: PLC0415 (before it, what a worker holds anyway)

    gc.collect()
    before = _memory_mb()
    started = time.perf_counter()
    pair = load_pair(Home(path=asked.home))
    seconds = time.perf_counter() - started
    loaded = _memory_mb()
    ids = pair.ranking["account_id"]
    rows = random.Random(7).choices(range(len(ids)), k=ASKED)  # noqa: S311 (a benchmark's draw)
    spent = []
    for row in rows:
        begun = time.perf_counter()
        pair.table.account(ids[row], 5)
        spent.append(time.perf_counter() - begun)
    after = _memory_mb()
    print(
        json.dumps(
            {
                "load_seconds": round(seconds, 2),
                "own_mb_before": before["RssAnon"],
                "own_mb": loaded["RssAnon"],
                "own_mb_after_answers": after["RssAnon"],
                "shared_mb_after_answers": after["RssFile"],
                "account_microseconds": round(median(spent) * 1e6),
            }
        )
    )


def _memory_mb() -> dict[str, float]:
    """Return the memory of this process's own and that which it shares with others, in MB."""
    status = Path("/proc/self/status").read_text()
    return {
        name: round(int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 / 1e6)
        for name in ("RssAnon", "RssFile")
    }


if __name__ == "__main__":
    main()
