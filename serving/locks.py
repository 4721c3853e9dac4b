"""One at a time: a lock between processes that ends with its holder, however that ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class LockedError(ValueError):
    """Another process holds the lock; the message names the file."""


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of ``path``; the file stays, only the lock on it comes and goes.

    Parameters
    ----------
    path : Path
        Lock file, made with mode 0600 where it is not there.
    wait : bool
        Wait for another holder, instead of raising.

    Raises
    ------
    LockedError
        When another process holds it and ``wait`` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        path.chmod(0o600)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise LockedError(
                f"Another process holds {path}. Wait until it is done, then start again."
            ) from error
        yield
