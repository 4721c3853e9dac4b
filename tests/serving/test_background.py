"""The end of a process waits for the work beside its answers."""

import subprocess
import sys

AT_WORK = """
import duckdb
from serving import background
from threading import Event
started = Event()
def work():
    with duckdb.connect() as books:
        started.set()
        for _ in range(20):
            books.sql("SELECT sum(a.i * b.i) FROM range(9000) a(i), range(999) b(i)").fetchall()
    print("done")
background.begin("at-work", work)
started.wait()
"""


def ended(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )


def test_a_process_ends_after_the_work_that_it_began() -> None:
    end = ended(AT_WORK)
    assert (end.returncode, end.stdout, end.stderr) == (0, "done\n", "")


def test_work_that_takes_too_long_is_named() -> None:
    end = ended(AT_WORK + "background.wait(0.0)\n")
    assert "at-work is still at work; the process ends without it." in end.stderr
    assert end.stdout == "done\n"
