"""What batch scoring does in a second, and the way from a ledger to a worklist.

``python -m benchmarks.serving_batch PART LEDGER HOME`` measures one part in a process of its own:
``scores`` and ``shap`` on features that are at hand, ``worklist`` from the ledger's files to a
published snapshot.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measure import peak_mb
from models.home import Home

ROOT = Path(__file__).parents[1]
THREADS = 2
PARTS = ("model", "worklist")


def batch_figures(home: Home, ledger: Path | None) -> dict[str, Any]:
    """Return the figures of each part, measured in fresh processes."""
    if ledger is None:
        ledger = home.path / "demo" / "ledger"
    figures = {}
    for part in PARTS:
        command = [sys.executable, "-m", "benchmarks.serving_batch", part]
        command += [str(ledger.resolve()), str(home.path.resolve())]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 (ourselves)
        if done.returncode:
            figures[part] = {"failed": done.stderr.splitlines()[-1:]}
        else:
            figures[part] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _model(ledger: Path, home: Home) -> dict[str, Any]:
    """Time the curves of all four steps and the SHAP values of all items."""
    from features.build import feature_frame  # noqa: PLC0415 (its own process)
    from features.engines import open_session  # noqa: PLC0415
    from features.ledger.read import open_ledger  # noqa: PLC0415
    from features.peers import with_groups  # noqa: PLC0415
    from models.explain import explain  # noqa: PLC0415
    from models.registry import load_model  # noqa: PLC0415
    from models.scorer import model_frame, survival_curves  # noqa: PLC0415

    opened, bundle = open_ledger(ledger), load_model(home)
    as_of = opened.manifest.known_through
    with open_session(opened, [as_of]) as session:
        frame = feature_frame(opened, [as_of], session=session)
        frame = model_frame(bundle, with_groups(frame, session, opened.present))
    segment = frame.items["account_id"].map(lambda _: "").to_numpy(dtype=object)
    started = time.perf_counter()
    curves = survival_curves(bundle, frame, segment, threads=THREADS)
    scored = time.perf_counter()
    explain(bundle, frame, curves, threads=THREADS)
    explained = time.perf_counter()
    items = len(frame.items)
    return {
        "items": items,
        "trees": {name: part.booster.num_trees() for name, part in bundle.parts.items()},
        "score_items_per_second": round(items / (scored - started)),
        "shap_items_per_second": round(items / (explained - scored)),
    }


def _worklist(ledger: Path, home: Home) -> dict[str, Any]:
    """Time what `rollrisk score` does, stage by stage."""
    from features.ledger.read import open_ledger  # noqa: PLC0415 (its own process)
    from models.registry import load_model  # noqa: PLC0415
    from serving.batch import score_batch  # noqa: PLC0415
    from serving.policy import read_policy  # noqa: PLC0415

    bundle = load_model(home)
    stages: list[tuple[str, float]] = []
    started = time.perf_counter()
    opened = open_ledger(ledger)
    with tempfile.TemporaryDirectory() as folder:
        scored = score_batch(
            opened,
            opened.manifest.known_through,
            bundle,
            read_policy(),
            Home(path=Path(folder)),
            ledger_path=ledger,
            model_reference=bundle.version,
            threads=THREADS,
            progress=lambda told: stages.append((told, time.perf_counter())),
        )
    ended = time.perf_counter()
    edges = [*stages, ("", ended)]
    spent: dict[str, float] = {}
    for (told, begun), (_, following) in pairwise(edges):
        spent[told] = round(spent.get(told, 0) + following - begun, 2)
    return {
        "items": len(scored.scoring.items),
        "accounts": len(scored.accounts),
        "seconds": round(ended - started, 1),
        "peak_mb": peak_mb(),
        "stages": spent,
    }


def main() -> None:
    """Measure one part and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("home", type=Path)
    asked = parser.parse_args()
    measure = {"model": _model, "worklist": _worklist}[asked.part]
    print(json.dumps(measure(asked.ledger, Home(path=asked.home))))


if __name__ == "__main__":
    main()
