"""A day's steps are done once, found again after a stop, and always reported."""

import json
from pathlib import Path

import pytest

from serving.daily import Facts, Step, StepError, run_steps


class Work:
    """Steps that count how often they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.digest = "d1"
        self.raises: Exception | None = None
        self.stands = True

    def look(self, _: Facts) -> Facts:
        """Say what is there."""
        self.ran.append("look")
        return {"digest": self.digest}

    def score(self, facts: Facts) -> Facts:
        """Do the long work, or fail."""
        self.ran.append("score")
        if self.raises is not None:
            raise self.raises
        return {"snapshot": f"of {facts['digest']}"}

    def steps(self) -> list[Step]:
        """Return both."""
        score = Step(
            name="score", run=self.score, decided_by=("digest",), stands=lambda _: self.stands
        )
        return [Step(name="look", run=self.look), score]


def test_a_finished_step_is_kept_until_what_decides_it_changes(tmp_path: Path) -> None:
    """Or until what it gave is gone."""
    work = Work()
    states = []
    for change in ({}, {}, {"digest": "d2"}, {}, {"stands": False}):
        for name, value in change.items():
            setattr(work, name, value)
        report = run_steps(work.steps(), tmp_path / "daily.json")
        states.append(report.steps[-1].state)
    assert states == ["done", "kept", "done", "kept", "done"]
    assert report.steps[-1].facts == {"snapshot": "of d2"}


@pytest.mark.parametrize("diary", ["", "{", "[]", '{"format": 9}', '{"format": 1, "steps": []}'])
def test_a_broken_diary_costs_time_and_nothing_else(tmp_path: Path, diary: str) -> None:
    """All steps run again, and the diary is whole."""
    (tmp_path / "daily.json").write_text(diary)
    work = Work()
    for state in ("done", "kept"):
        assert run_steps(work.steps(), tmp_path / "daily.json").steps[-1].state == state


def test_a_refusal_ends_the_run_and_is_told_with_what_was_found(tmp_path: Path) -> None:
    """What came before it is kept, what comes after it does not run."""
    work = Work()
    work.raises = StepError("2 invariants fail.", {"failed": ["a", "b"]})
    after = Step(name="after", run=work.look)
    report = run_steps([*work.steps(), after], tmp_path / "daily.json")
    line = json.loads(report.line)
    assert (line["status"], line["error"]) == ("failed", "score: 2 invariants fail.")
    assert line["failed"] == ["a", "b"]
    assert {name: state for name, (state, _) in line["steps"].items()} == {
        "look": "done",
        "score": "failed",
    }
    assert report.mistake is None
    assert "\n" not in report.line


def test_a_mistake_is_reported_and_kept_for_its_traceback(tmp_path: Path) -> None:
    """A step that broke must not look like data that said no."""
    work = Work()
    for mistake in (TypeError("no"), KeyError("x")):
        work.raises = mistake
        report = run_steps(work.steps(), tmp_path / "daily.json")
        assert report.mistake is mistake
        assert type(mistake).__name__ in report.error
