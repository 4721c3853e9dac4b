"""Slow evidence that the simulator keeps to its time and memory. Run by `make evidence`."""

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINUTES, GIGABYTES = 5, 6


@pytest.mark.evidence
def test_a_hundred_thousand_accounts_take_five_minutes_and_six_gigabytes(tmp_path: Path) -> None:
    """Simulating and importing 100,000 accounts over 36 months stays within both bounds."""
    started = time.monotonic()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "serving.cli",
            "simulate",
            "--accounts",
            "100000",
            "--months",
            "36",
            "--out",
            str(tmp_path / "ledger"),
        ],
        cwd=ROOT,
        check=True,
    )
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"{seconds:.0f} s, {peak:.2f} GB")
    assert seconds < MINUTES * 60
    assert peak < GIGABYTES
