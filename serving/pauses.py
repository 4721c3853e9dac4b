"""No long pauses: what Python's collector has walked in vain it does not walk again.

A full collection stops every thread while it walks all objects that may be in a cycle. What
is loaded once and stays (libraries, a snapshot) makes it long, a quarter of a second and more,
and finds nothing there. So whatever a long one leaves is set aside (``gc.freeze``): no later
one looks at it. ``serving.store`` lets all be looked at again when a new snapshot is taken up.
"""

import gc
import time
from typing import Any

from serving.metrics import COLLECTION

LONG_SECONDS = 0.02
"""A full collection that takes longer leaves more behind than requests do."""

_FULL = 2


class Pauses:
    """Watches the collector from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._began = 0.0

    def start(self) -> None:
        """Begin to watch."""
        gc.callbacks.append(self._told)

    def stop(self) -> None:
        """Watch no more."""
        gc.callbacks.remove(self._told)

    def _told(self, phase: str, facts: dict[str, Any]) -> None:
        """Take a full collection's time; set aside what is left after a long one."""
        if facts["generation"] != _FULL:
            return
        if phase == "start":
            self._began = time.perf_counter()
            return
        took = time.perf_counter() - self._began
        COLLECTION.observe(took)
        if took > LONG_SECONDS:
            gc.freeze()
