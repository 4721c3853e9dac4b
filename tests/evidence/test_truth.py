"""Slow evidence of the distance to the true probabilities. Run by `make evidence`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.evidence
def test_the_model_closes_a_quarter_of_the_gap_to_the_truth() -> None:
    """On 4,000 simulated accounts with the quick recipe, overall and with long histories."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.truth", "--accounts", "4000", "--config", "quick"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    result = json.loads(done.stdout)
    assert all(run["without_truth"] == 0 for run in result["seeds"])
    for rows in ("all", "10 or more"):
        closed = result["over_seeds"]["30"][rows]["closed"]
        assert 0.25 < closed["rollrisk"] < closed["given what goes on too"] < 1
