"""Slow evidence on real closed invoices, where they are at hand. Run by `make evidence`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("ROLLRISK_DATA", ROOT.parent / "shared" / "data")) / "highradius"
LOWER_IS_BETTER = ("brier", "log_loss")


@pytest.mark.evidence
@pytest.mark.skipif(not DATA.is_dir(), reason=f"the closed invoices are not at {DATA}")
def test_the_model_beats_the_reference_on_every_figure(tmp_path: Path) -> None:
    """AUC, average precision, Brier, log-loss and dollars, on the same rows in the same run."""
    python = [sys.executable, "-m"]
    invoices, ledger = str(DATA / "closed_invoices_dev.csv"), str(tmp_path / "ledger")
    load = [*python, "serving.cli", "import", "highradius", invoices, "--out", ledger]
    subprocess.run(load, cwd=ROOT, check=True)
    compare = [*python, "benchmarks.highradius", ledger, str(DATA / "reference.py"), invoices]
    done = subprocess.run(compare, cwd=ROOT, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)["all rows"]
    for figure, reference in result["reference"].items():
        own = result["rollrisk"][figure]
        better = own < reference if figure in LOWER_IS_BETTER else own > reference
        assert better, f"{figure}: {own} against {reference}"
