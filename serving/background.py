"""Work beside the answers, in threads that the end of the process waits for.

A thread that Python ends while it is inside DuckDB takes the whole process down with it
(``FATAL: exception not rethrown``), and a supervisor then reads a stop as a crash.
"""

import atexit
import logging
import threading
import time
from collections.abc import Callable
from weakref import WeakSet

logger = logging.getLogger("rollrisk.background")

PATIENCE_SECONDS = 20.0
"""How long the end of the process waits for all of them together."""

_begun: WeakSet[threading.Thread] = WeakSet()


def begin(name: str, work: Callable[[], None]) -> threading.Thread:
    """Start work in a thread of its own and return the thread.

    Examples
    --------
    >>> done = []
    >>> begin("example", lambda: done.append("once")).join()
    >>> done
    ['once']
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    _begun.add(thread)
    thread.start()
    return thread


def wait(seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until all work is done, ``seconds`` at most; name in the log what is not."""
    end = time.monotonic() + seconds
    for thread in list(_begun):
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            logger.warning("%s is still at work; the process ends without it.", thread.name)


atexit.register(wait)
