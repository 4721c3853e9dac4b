"""The time an answer may take, and who speaks first when it is up."""

import threading
import time
from collections.abc import Callable

from serving.errors import ApiError, Detail


class Budget:
    """Seconds for one answer.

    The thread that makes the answer and the gate that watches the clock both claim the right to
    speak; the first gets it. So an answer is recorded only if it is given.

    Parameters
    ----------
    seconds : float
        From now.
    clock : callable
        Seconds from any zero, never going back.

    Examples
    --------
    >>> budget = Budget(60)
    >>> budget.claim(), budget.claim()
    (True, False)
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ends = clock() + seconds
        self._lock = threading.Lock()
        self._claimed = False

    @property
    def left(self) -> float:
        """Seconds that are left, 0 when it is up."""
        return max(0.0, self._ends - self._clock())

    def claim(self) -> bool:
        """Take the right to speak; False when it is taken."""
        with self._lock:
            first = not self._claimed
            self._claimed = True
        return first

    def error(self) -> ApiError:
        """Return the refusal of a request that took too long."""
        return ApiError(
            503,
            "time_budget",
            f"The answer took longer than {self._seconds:g} seconds and is not given. Ask for "
            "fewer accounts or send fewer rows at once, or try again when the service has less "
            "to do.",
            (Detail(where="request", rule=f"answered within {self._seconds:g} seconds"),),
        )
