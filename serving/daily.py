"""The day's work in steps: each done once, found again after an interruption, and reported.

A run is a list of steps over one growing set of facts. What a step gave is written down as soon
as it is done, beside the facts that decide it; a later run with the same facts keeps it. So a
run that was stopped, by a power cut too, goes on where it was, and a run that has nothing to do
is quick.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Facts = dict[str, Any]

FORMAT = 1


class StepError(ValueError):
    """A step whose data say no; ``facts`` tell what was found."""

    def __init__(self, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.facts = dict(facts or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the day.

    Parameters
    ----------
    name : str
        What the report calls it.
    run : callable
        Takes the facts so far and returns what it adds to them, as JSON knows it.
    decided_by : tuple of str
        Facts that decide what it gives; with the same ones it is not run again. Empty for a
        step that always runs.
    stands : callable
        Takes what it gave and says whether that is still there; a snapshot may be pruned.
    """

    name: str
    run: Callable[[Facts], Facts]
    decided_by: tuple[str, ...] = ()
    stands: Callable[[Facts], bool] = field(default=lambda _: True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """What became of a step: done, kept from an earlier run, or failed."""

    name: str
    state: Literal["done", "kept", "failed"]
    seconds: float
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """What became of a run.

    Parameters
    ----------
    steps : tuple of StepReport
        In order, up to the first that failed.
    error : str
        Why it failed, empty when it did not.
    mistake : Exception or None
        What was raised where the data did not say no: to be shown with its traceback.
    """

    steps: tuple[StepReport, ...]
    error: str = ""
    mistake: Exception | None = None

    @property
    def line(self) -> str:
        """The report as one line of JSON."""
        facts = {name: value for step in self.steps for name, value in step.facts.items()}
        content = {
            "status": "failed" if self.error else "done",
            **facts,
            "steps": {step.name: [step.state, round(step.seconds, 3)] for step in self.steps},
        }
        if self.error:
            content["error"] = self.error
        return json.dumps(content, default=str)


def run_steps(
    steps: Sequence[Step], diary: Path, *, progress: Callable[[str], None] = lambda _: None
) -> DailyReport:
    """Run the steps in order until one fails.

    Parameters
    ----------
    steps : sequence of Step
        What to do.
    diary : Path
        File in which finished steps are written down; replaced in one step each time.
    progress : callable
        Told which step runs.

    Returns
    -------
    DailyReport
        Whatever a step raises ends the run and is in the report.
    """
    facts: Facts = {}
    reports: list[StepReport] = []
    for step in steps:
        progress(step.name)
        started = time.perf_counter()
        decided_by = {name: facts.get(name) for name in step.decided_by}
        gave = _kept(step, diary, decided_by)
        state: Literal["done", "kept"] = "done" if gave is None else "kept"
        try:
            if gave is None:
                gave = step.run(dict(facts))
                _write_down(diary, step.name, decided_by, gave)
        except Exception as error:  # noqa: BLE001 (the report must be made whatever happens)
            found = error.facts if isinstance(error, StepError) else {}
            reports.append(_report(step, "failed", started, found))
            return _failed(step, reports, error)
        facts |= gave
        reports.append(_report(step, state, started, gave))
    return DailyReport(steps=tuple(reports))


def _failed(step: Step, reports: list[StepReport], error: Exception) -> DailyReport:
    """Return the report of a run that ends here; refusals are sentences, mistakes are not."""
    refused = isinstance(error, ValueError | LookupError | OSError)
    if refused and not isinstance(error, KeyError | IndexError):
        return DailyReport(steps=tuple(reports), error=f"{step.name}: {error}")
    told = f"{step.name}: {type(error).__name__}: {error}"
    return DailyReport(steps=tuple(reports), error=told, mistake=error)


def _report(
    step: Step, state: Literal["done", "kept", "failed"], started: float, facts: Facts
) -> StepReport:
    seconds = time.perf_counter() - started
    return StepReport(name=step.name, state=state, seconds=seconds, facts=facts)


def _kept(step: Step, diary: Path, decided_by: Facts) -> Facts | None:
    """Return what a step gave with the same facts before, None when it must run."""
    entry = _read(diary).get(step.name) if step.decided_by else None
    if entry is None or entry["decided_by"] != json.loads(json.dumps(decided_by, default=str)):
        return None
    gave: Facts = entry["gave"]
    return gave if step.stands(gave) else None


def _read(diary: Path) -> dict[str, Any]:
    """Return the finished steps; none where there is no diary, or one that cannot be read."""
    try:
        content = json.loads(diary.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    found = content.get("steps") if isinstance(content, dict) else None
    return found if isinstance(found, dict) and content.get("format") == FORMAT else {}


def _write_down(diary: Path, name: str, decided_by: Facts, gave: Facts) -> None:
    steps = _read(diary) | {name: {"decided_by": decided_by, "gave": gave}}
    diary.parent.mkdir(parents=True, exist_ok=True)
    temporary = diary.with_name(f".{diary.name}.{os.getpid()}")
    content = json.dumps({"format": FORMAT, "steps": steps}, default=str, indent=1)
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(diary)
