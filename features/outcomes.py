"""What became of each open item: the outcome after 7, 14 and 30·k days.

Outcomes follow one rule (see ``features/sql/outcomes.sql``): judged from rows dated by the
horizon and known by the horizon plus the maturity lag. ``open`` and ``written_off`` are
unresolved, ``paid``, ``credited`` and ``extended`` are resolved, ``unknown`` is censored.
The first resolution at a step is absorbing.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.ageing import STEP_DAYS, rolls_by
from features.engines import EngineOptions, open_session
from features.inputs import Rules
from features.ledger.read import Ledger
from features.session import Session
from features.stages import ITEM_STAGES

STEPS = 4
CUT_DAYS: tuple[int, ...] = (7, 14)
HORIZONS: tuple[int, ...] = (*CUT_DAYS, *(STEP_DAYS * step for step in range(1, STEPS + 1)))
RESOLVED = ("paid", "credited", "extended")


def outcome_frame(
    ledger: Ledger,
    as_of: Sequence[date],
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    session: Session | None = None,
) -> pd.DataFrame:
    """Return the outcomes of every open item at every date in ``as_of``.

    Returns
    -------
    pandas.DataFrame, shape (n_items, 3 + 2 * len(HORIZONS))
        ``as_of``, ``account_id``, ``invoice_id`` in the row order of ``feature_frame``, then
        per horizon ``outcome_<days>`` (text) and ``remaining_<days>`` (document currency, NaN
        when unknown).
    """
    shared = nullcontext(session) if session else open_session(ledger, as_of, rules, options)
    with shared as active:
        active.run(ITEM_STAGES)
        active.register("horizons", pa.table({"horizon_days": pa.array(HORIZONS, pa.int32())}))
        active.register(
            "maturity",
            pa.table(
                {
                    "maturity_lag_days": pa.array([ledger.manifest.maturity_lag_days], pa.int32()),
                    "known_through": pa.array([ledger.manifest.known_through], pa.date32()),
                }
            ),
        )
        active.run(("outcomes",))
        table = active.arrow(_pivot())
    frame: pd.DataFrame = table.to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    return _absorb(frame)


def _pivot() -> str:
    columns = ", ".join(
        f"max(case when horizon_days = {days} then outcome end) as outcome_{days}, "
        f"cast(max(case when horizon_days = {days} then remaining_cents end) as double) / 100 "
        f"as remaining_{days}"
        for days in HORIZONS
    )
    names = ", ".join(f"wide.outcome_{days}, wide.remaining_{days}" for days in HORIZONS)
    return f"""
        select items.as_of, items.account_id, items.invoice_id, {names}
        from open_items as items
        inner join (
            select as_of, invoice_id, {columns} from outcomes group by as_of, invoice_id
        ) as wide
            on items.as_of = wide.as_of and items.invoice_id = wide.invoice_id
        order by items.item_no
    """  # noqa: S608 (numbers from HORIZONS)


def _absorb(frame: pd.DataFrame) -> pd.DataFrame:
    """Carry the first resolution on to the later steps and blank what is unknown."""
    previous = None
    for days in HORIZONS:
        outcome = frame[f"outcome_{days}"].to_numpy(dtype=object)
        remaining = frame[f"remaining_{days}"].to_numpy(dtype=float)
        if days > STEP_DAYS and previous is not None:
            before, left = previous
            settled = np.isin(before, [*RESOLVED, "written_off"]) & (outcome != "unknown")
            outcome = np.where(settled, before, outcome)
            remaining = np.where(settled, left, remaining)
        remaining = np.where(outcome == "unknown", np.nan, remaining)
        frame[f"outcome_{days}"] = outcome
        frame[f"remaining_{days}"] = remaining
        if days >= STEP_DAYS:
            previous = (outcome, remaining)
    return frame


def unresolved(outcome: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return 1 for unresolved, 0 for resolved and NaN for unknown outcomes.

    Examples
    --------
    >>> unresolved(["open", "written_off", "credited", "unknown"]).tolist()
    [1.0, 1.0, 0.0, nan]
    """
    names = np.asarray(outcome, dtype=object)
    known = np.where(np.isin(names, RESOLVED), 0.0, 1.0)
    return np.where(names == "unknown", np.nan, known)


def long_outcomes(frame: pd.DataFrame, days_past_due: npt.ArrayLike) -> pd.DataFrame:
    """Return one row per item and step, as ``rollrisk outcomes`` writes them.

    ``rolled`` is missing where the outcome is unknown and where an unresolved item would not
    stand in an older bucket at the horizon.
    """
    parts = []
    for step in range(1, STEPS + 1):
        days = STEP_DAYS * step
        flags = unresolved(frame[f"outcome_{days}"])
        rolled = np.where(rolls_by(days_past_due, days), flags, np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "as_of": frame["as_of"],
                    "account_id": frame["account_id"],
                    "invoice_id": frame["invoice_id"],
                    "step": step,
                    "outcome": frame[f"outcome_{days}"],
                    "rolled": pd.array(rolled, dtype="Float64").astype("boolean"),
                    "remaining": frame[f"remaining_{days}"],
                }
            )
        )
    long = pd.concat(parts, ignore_index=True)
    return long.sort_values(["as_of", "account_id", "invoice_id", "step"], ignore_index=True)
