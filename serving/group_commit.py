"""Threads that commit at the same time share one commit.

A commit waits for the disk, and a database takes one writer at a time. The thread that finds
nobody at work leads: it commits what it brought and whatever others have brought meanwhile;
the others wait for it, and one of those that came later leads next.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Entry = TypeVar("Entry")
Result = TypeVar("Result")

AT_MOST = 64
"""Entries of one commit."""


class _Waiting(Generic[Entry, Result]):
    """An entry and what became of it."""

    __slots__ = ("entry", "error", "result", "woken")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.result: list[Result] = []
        self.error: BaseException | None = None
        self.woken = threading.Event()

    def outcome(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.result[0]


class GroupCommit(Generic[Entry, Result]):
    """Commits entries of several threads together.

    Parameters
    ----------
    commit : callable
        Commits entries, all or none, and returns the result of each.
    shared : tuple of exception types
        Errors that concern everybody, such as a database that is away. After any other error
        each entry is committed alone, so that nobody fails for what a neighbour brought.

    Examples
    --------
    >>> stored = []
    >>> def commit(entries):
    ...     stored.extend(entries)
    ...     return [len(stored)] * len(entries)
    >>> GroupCommit(commit)("row")
    1
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Entry]], Sequence[Result]],
        *,
        shared: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._commit = commit
        self._shared = shared
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[Entry, Result]] = []
        self._led = False

    def __call__(self, entry: Entry) -> Result:
        """Commit an entry; return its result once it is committed, or raise why it is not."""
        own: _Waiting[Entry, Result] = _Waiting(entry)
        with self._lock:
            self._waiting.append(own)
            leads, self._led = not self._led, True
        if not leads:
            own.woken.wait()
        if not (own.result or own.error):
            self._lead()
        return own.outcome()

    def _lead(self) -> None:
        """Commit what waits, the leader's own entry first in line, and name the next leader."""
        with self._lock:
            group, self._waiting = self._waiting[:AT_MOST], self._waiting[AT_MOST:]
        try:
            self._settle(group)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._led = following is not None
            for waiting in (*group, *([] if following is None else [following])):
                waiting.woken.set()

    def _settle(self, group: Sequence[_Waiting[Entry, Result]]) -> None:
        try:
            results = self._commit([waiting.entry for waiting in group])
        except BaseException as error:  # noqa: BLE001 (handed to whoever brought the entry)
            if len(group) > 1 and not isinstance(error, self._shared):
                for waiting in group:
                    self._settle([waiting])
                return
            for waiting in group:
                waiting.error = error
        else:
            for waiting, result in zip(group, results, strict=True):
                waiting.result.append(result)
