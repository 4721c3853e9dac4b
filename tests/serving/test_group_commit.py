"""Threads that wait at the same time share a commit, and nobody fails for a neighbour."""

import threading
from collections.abc import Callable, Sequence

import pytest

from serving.group_commit import AT_MOST, GroupCommit


class AwayError(Exception):
    """What concerns everybody."""


class Slow:
    """Commits, the first time only when it is let; keeps what it was given."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, entries: Sequence[str]) -> list[str]:
        """Return the entries in capitals; refuse what is called bad or away."""
        self.groups.append(list(entries))
        self.begun.set()
        assert self.go_on.wait(10)
        if "away" in entries:
            raise AwayError
        if "bad" in entries:
            raise ValueError("bad")
        return [entry.upper() for entry in entries]


def outcomes(group: GroupCommit[str, str], slow: Slow, entries: Sequence[str]) -> list[object]:
    """Commit entries from threads of their own while a first commit is under way."""
    found: list[object] = [None] * len(entries)

    def ask(place: int) -> None:
        try:
            found[place] = group(entries[place])
        except (AwayError, ValueError) as error:
            found[place] = error

    first = threading.Thread(target=group, args=("first",))
    first.start()
    assert slow.begun.wait(10)
    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(entries))]
    for thread in threads:
        thread.start()
    while len(group._waiting) < len(entries):  # noqa: SLF001 (nobody else can say who waits)
        pass
    slow.go_on.set()
    for thread in (first, *threads):
        thread.join(10)
    return found


@pytest.fixture
def slow() -> Slow:
    """A commit that waits."""
    return Slow()


def test_those_who_wait_go_together_and_each_gets_its_own_result(slow: Slow) -> None:
    """One commit for all that came meanwhile."""
    names = [f"row {number}" for number in range(10)]
    found = outcomes(GroupCommit(slow), slow, names)
    assert found == [name.upper() for name in names]
    assert [len(group) for group in slow.groups] == [1, 10]


def test_a_bad_entry_fails_alone(slow: Slow) -> None:
    """The others are committed one by one."""
    found = outcomes(GroupCommit(slow), slow, ["a", "bad", "b"])
    assert [str(one) for one in found] == ["A", "bad", "B"]
    assert isinstance(found[1], ValueError)


def test_what_concerns_everybody_is_told_everybody_once(slow: Slow) -> None:
    """A database that is away is not asked again for each who waits."""
    found = outcomes(GroupCommit(slow, shared=(AwayError,)), slow, ["a", "away", "b"])
    assert all(isinstance(one, AwayError) for one in found)
    assert len(slow.groups) == 2


def test_more_than_a_commit_holds_takes_another(slow: Slow) -> None:
    """The next in line leads."""
    names = [f"row {number}" for number in range(AT_MOST + 5)]
    found = outcomes(GroupCommit(slow), slow, names)
    assert found == [name.upper() for name in names]
    assert [len(group) for group in slow.groups] == [1, AT_MOST, 5]


def test_a_leader_who_fails_leaves_the_way_free() -> None:
    """The next commit goes through."""
    commit: Callable[[Sequence[str]], list[str]] = {}.__getitem__  # type: ignore[assignment]
    group: GroupCommit[str, str] = GroupCommit(commit)
    for _ in range(2):
        with pytest.raises(TypeError):
            group("row")
