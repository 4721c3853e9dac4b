"""The small tables that every query may read beside the ledger: dates, rules and fixed curves.

``as_of_dates(as_of)``
    The observation dates asked for.
``looks(as_of, looked_on, days_back)``
    Earlier days at which a date looks back on balances.
``calendar(day, shown_on)``
    For each day from the first to the last of interest, the first day asked for that is not
    before it. Movements between two such days are one row to the queries: a single date costs
    one sum per invoice, many dates cost their changes.
``settings(tolerance_cents, promise_grace_days, first_on, last_on)``
    One row of business rules, and the ends of the calendar.
``decay(days_ago, weight)``
    Weights that halve every 90 days, as integers.
``usual_curve(day, hazard, total)``
    When business customers usually pay, for accounts with little history.
``return_classes(code, class)``
    What a return code says (see ``features.return_codes``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import pyarrow as pa

from features.return_codes import return_classes
from features.usual_curve import usual_curve

LOOKS_BACK_DAYS: tuple[int, ...] = (30, 90)
"""How far the change of an account's ageing is looked back on."""

HALF_LIFE_DAYS = 90
_ONE = 2**20
_LAST_WEIGHT_DAY = HALF_LIFE_DAYS * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Business rules that every query shares.

    Parameters
    ----------
    tolerance : float
        An item is open when its balance exceeds this amount of document currency.
    promise_grace_days : int
        Days after the promised date within which cash still keeps the promise.
    """

    tolerance: float = 1.0
    promise_grace_days: int = 3

    @property
    def tolerance_cents(self) -> int:
        """The tolerance in cents."""
        return round(self.tolerance * 100)


def input_tables(
    as_of: Sequence[date], rules: Rules, watched: Sequence[date] = ()
) -> dict[str, pa.Table]:
    """Return every input table by name.

    Parameters
    ----------
    as_of : sequence of date
        Observation dates; repeated dates count once.
    rules : Rules
        Business rules.
    watched : sequence of date
        Further days on which the states of items will be read.

    Raises
    ------
    ValueError
        When ``as_of`` is empty.
    """
    if not as_of:
        raise ValueError("as_of must name at least one date, got none.")
    dated = date_tables(as_of)
    looked_on = dated["looks"]["looked_on"].to_pylist()
    days = sorted({*as_of, *watched, *looked_on})
    return dated | {
        "calendar": calendar(days),
        "settings": pa.table(
            {
                "tolerance_cents": pa.array([rules.tolerance_cents], pa.int64()),
                "promise_grace_days": pa.array([rules.promise_grace_days], pa.int32()),
                "first_on": pa.array([days[0]], pa.date32()),
                "last_on": pa.array([days[-1]], pa.date32()),
            }
        ),
        "decay": decay(),
        "usual_curve": usual_curve(),
        "return_classes": return_classes(),
    }


def date_tables(as_of: Sequence[date]) -> dict[str, pa.Table]:
    """Return the input tables of the observation dates and of what they look back on.

    Examples
    --------
    >>> date_tables([date(2024, 1, 31)])["looks"]["days_back"].to_pylist()
    [30, 90]
    """
    dates = sorted(set(as_of))
    looks = [(day, day - timedelta(days=back), back) for day in dates for back in LOOKS_BACK_DAYS]
    return {
        "as_of_dates": pa.table({"as_of": pa.array(dates, pa.date32())}),
        "looks": pa.table(
            {
                "as_of": pa.array([look[0] for look in looks], pa.date32()),
                "looked_on": pa.array([look[1] for look in looks], pa.date32()),
                "days_back": pa.array([look[2] for look in looks], pa.int32()),
            }
        ),
    }


def calendar(days: Sequence[date]) -> pa.Table:
    """Return for each day from the first to the last of ``days`` the next one in ``days``.

    Examples
    --------
    >>> shown = calendar([date(2024, 1, 1), date(2024, 1, 3)])
    >>> [str(day) for day in shown["shown_on"].to_pylist()]
    ['2024-01-01', '2024-01-03', '2024-01-03']
    """
    asked = np.array(days, dtype="datetime64[D]")
    every = np.arange(asked[0], asked[-1] + 1)
    shown = asked[np.searchsorted(asked, every)]
    return pa.table({"day": pa.array(every, pa.date32()), "shown_on": pa.array(shown, pa.date32())})


@cache
def decay() -> pa.Table:
    """Return the weight of a payment by its age in days: 2**20 today, half of it 90 days on.

    Examples
    --------
    >>> decay()["weight"][180].as_py() / decay()["weight"][0].as_py()
    0.25
    """
    days = np.arange(_LAST_WEIGHT_DAY + 1)
    weight = np.rint(_ONE * 0.5 ** (days / HALF_LIFE_DAYS)).astype(np.int64)
    return pa.table(
        {"days_ago": pa.array(days, pa.int64()), "weight": pa.array(weight, pa.int64())}
    )
