"""The payer types and their numbers. Nothing here draws or decides; ``hazards`` does.

Every type lives in one of four **regimes**, which only the simulator sees: 0 normal,
1 strained, 2 bad, 3 insolvent. What a regime means depends on the type (for ``autopay``,
1 is a payment method that fails and 2 one that was removed; for ``churning``, 1 is leaving
and 2 is gone). Rates and probabilities are per business day.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

REGIMES = ("normal", "strained", "bad", "insolvent")
INSOLVENT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerType:
    """How one kind of customer pays.

    Parameters
    ----------
    name : str
        Name of the type.
    share : float
        Share of accounts, before the segment tilts it.
    centre, centre_sd : float
        Mean and standard deviation over accounts of the days past due at which the daily
        probability of paying stands at half its ceiling.
    spread : float
        Days over which it rises; small is punctual.
    ceiling : float
        Largest daily probability of paying, before calendar, regime and item effects.
    tire : float
        Days beyond ``centre + 12`` after which an old item is paid half as often.
    part_share : float
        Share of payments that cover only the next part of an item.
    dispute : float
        Daily probability that a dispute opens while days past due lie in [-25, 45].
    promise, keep : float
        Probability that a contact brings a promise, and mean probability of keeping it.
    extend : float
        Daily probability of an agreed later due date while dpd lies in [-5, 40].
    plan : float
        Daily probability of a payment plan beyond 45 days past due, after a contact.
    moves : tuple of (int, int, float)
        Regime changes (from, to, daily rate).
    pace : tuple of float
        Multiplier of the daily payment probability in each regime.
    delay : tuple of float
        Days by which ``centre`` moves in each regime.
    returns : tuple of float
        Multiplier of the method's probability of a return in each regime.
    """

    name: str
    share: float
    centre: float
    centre_sd: float
    spread: float
    ceiling: float
    tire: float
    part_share: float = 0.03
    dispute: float = 0.0006
    promise: float = 0.35
    keep: float = 0.75
    extend: float = 0.0008
    plan: float = 0.004
    moves: tuple[tuple[int, int, float], ...]
    pace: tuple[float, float, float, float] = (1.0, 0.45, 0.13, 0.0)
    delay: tuple[float, float, float, float] = (0.0, 12.0, 30.0, 30.0)
    returns: tuple[float, float, float, float] = (1.0, 2.0, 4.0, 4.0)


_STEADY = ((0, 1, 0.0010), (1, 0, 0.010), (1, 2, 0.0014), (2, 1, 0.004), (2, 3, 0.0003))

PAYER_TYPES = (
    PayerType(
        name="prompt",
        share=0.35,
        centre=-4.0,
        centre_sd=4.0,
        spread=2.5,
        ceiling=0.35,
        tire=40.0,
        keep=0.88,
        moves=_STEADY,
    ),
    PayerType(
        name="cycle",
        share=0.17,
        centre=-4.0,
        centre_sd=3.0,
        spread=1.0,
        ceiling=0.85,
        tire=60.0,
        keep=0.8,
        moves=_STEADY,
    ),
    PayerType(
        name="slow",
        share=0.14,
        centre=44.0,
        centre_sd=22.0,
        spread=7.0,
        ceiling=0.078,
        tire=20.0,
        keep=0.6,
        extend=0.0015,
        moves=_STEADY,
    ),
    PayerType(
        name="deteriorating",
        share=0.06,
        centre=2.0,
        centre_sd=5.0,
        spread=4.0,
        ceiling=0.18,
        tire=25.0,
        part_share=0.12,
        keep=0.45,
        extend=0.002,
        plan=0.012,
        moves=((0, 1, 0.0022), (1, 2, 0.0030), (2, 1, 0.0010), (2, 3, 0.0006)),
        pace=(1.0, 0.5, 0.16, 0.0),
    ),
    PayerType(
        name="seasonal",
        share=0.06,
        centre=2.0,
        centre_sd=5.0,
        spread=4.0,
        ceiling=0.16,
        tire=40.0,
        keep=0.7,
        moves=_STEADY,
    ),
    PayerType(
        name="disputing",
        share=0.06,
        centre=6.0,
        centre_sd=8.0,
        spread=4.0,
        ceiling=0.14,
        tire=20.0,
        dispute=0.011,
        promise=0.2,
        keep=0.6,
        moves=_STEADY,
    ),
    PayerType(
        name="autopay",
        share=0.07,
        centre=-0.5,
        centre_sd=0.0,
        spread=0.15,
        ceiling=0.9,
        tire=60.0,
        part_share=0.0,
        dispute=0.0003,
        keep=0.8,
        moves=((0, 1, 0.005), (1, 0, 0.05), (1, 2, 0.02), (2, 0, 0.02), (2, 3, 0.0005)),
        pace=(1.0, 0.35, 0.03, 0.0),
        delay=(0.0, 0.0, 10.0, 30.0),
        returns=(1.0, 160.0, 4.0, 4.0),
    ),
    PayerType(
        name="cash_strapped",
        share=0.06,
        centre=20.0,
        centre_sd=14.0,
        spread=6.0,
        ceiling=0.1,
        tire=24.0,
        part_share=0.75,
        keep=0.35,
        extend=0.002,
        plan=0.015,
        moves=((0, 1, 0.002), (1, 0, 0.006), (1, 2, 0.0015), (2, 1, 0.005), (2, 3, 0.001)),
        returns=(6.0, 10.0, 12.0, 12.0),
    ),
    PayerType(
        name="churning",
        share=0.03,
        centre=3.0,
        centre_sd=5.0,
        spread=4.0,
        ceiling=0.2,
        tire=20.0,
        dispute=0.0015,
        keep=0.4,
        moves=((0, 1, 0.0014), (1, 2, 0.008), (2, 3, 0.001)),
        pace=(1.0, 0.3, 0.06, 0.0),
        delay=(0.0, 15.0, 30.0, 30.0),
    ),
)
NAMES = tuple(kind.name for kind in PAYER_TYPES)
CYCLE = NAMES.index("cycle")
SEASONAL = NAMES.index("seasonal")
AUTOPAY = NAMES.index("autopay")
CHURNING = NAMES.index("churning")


def by_type(field: str) -> Floats:
    """Return one field of all payer types, one row a type.

    Examples
    --------
    >>> by_type("pace").shape
    (9, 4)
    """
    return np.array([getattr(kind, field) for kind in PAYER_TYPES], dtype=np.float32)


def regime_matrix(kind: PayerType) -> npt.NDArray[np.float64]:
    """Return the (4, 4) matrix of regime changes in one business day, rows = from.

    Examples
    --------
    >>> regime_matrix(PAYER_TYPES[0])[0].round(4).tolist()
    [0.999, 0.001, 0.0, 0.0]
    """
    matrix = np.zeros((4, 4))
    for origin, target, rate in kind.moves:
        matrix[origin, target] = rate
    matrix[np.diag_indices(4)] = 1.0 - matrix.sum(axis=1)
    return matrix
