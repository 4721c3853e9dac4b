"""Maps from a model's margin to a calibrated probability.

A calibrator is two or three numbers, monotone in the margin, so that ranking is unchanged:

``identity``
    sigmoid(m)
``logistic``
    sigmoid(a·m + c), Platt (1999).
``beta``
    sigmoid(a·ln p − b·ln(1 − p) + c) with p = sigmoid(m), Kull, Silva Filho & Flach (2017).

Isotonic maps are not offered: under drift they answer 0 or 1 and the log-loss explodes.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

Kind = Literal["identity", "logistic", "beta"]
KINDS: tuple[Kind, ...] = ("identity", "logistic", "beta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrator:
    """A monotone map from margin (log-odds) to probability.

    Parameters
    ----------
    kind : {"identity", "logistic", "beta"}
        Which formula applies.
    a, b : float
        Slopes, both at least 0; ``b`` is used by ``beta`` only.
    c : float
        Intercept.

    Examples
    --------
    >>> Calibrator().probability(np.array([0.0])).tolist()
    [0.5]
    """

    kind: Kind = "identity"
    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    def __post_init__(self) -> None:
        """Refuse maps that are not monotone."""
        if self.kind not in KINDS:
            raise ValueError(f"Calibrator kind must be one of {KINDS}, got {self.kind!r}.")
        if self.a < 0 or self.b < 0:
            raise ValueError(
                f"Calibrator slopes must be at least 0, got a={self.a}, b={self.b}: "
                "a falling map would turn the ranking round."
            )

    def probability(self, margin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the calibrated probability of each margin; shape and order are kept."""
        if self.kind == "identity":
            return np.asarray(expit(margin))
        if self.kind == "logistic":
            return np.asarray(expit(self.a * margin + self.c))
        return np.asarray(expit(self.a * log_expit(margin) - self.b * log_expit(-margin) + self.c))

    def slope(self, margin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the derivative of the probability with respect to the margin."""
        p = self.probability(margin)
        if self.kind == "identity":
            rate = np.ones_like(margin)
        elif self.kind == "logistic":
            rate = np.full_like(margin, self.a)
        else:
            rate = self.a * expit(-margin) + self.b * expit(margin)
        return np.asarray(p * (1.0 - p) * rate)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON values."""
        return {"kind": self.kind, "a": self.a, "b": self.b, "c": self.c}
