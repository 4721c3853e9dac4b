"""Build the profile of a training portfolio: matrix, payment curves, medians."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.engines import open_session
from features.inputs import Rules
from features.ledger.read import Ledger
from features.stages import ITEM_STAGES
from models.priority import AGE_BANDS
from models.profile import ALL, CELLS, Profile, cell_index
from training.baselines import roll_matrix
from training.dataset import Dataset

CURVE_START, CURVE_END = -120, 365
MIN_CURVE_PAYMENTS = 500
"""Segments with fewer payments use the portfolio's curve."""

HAZARD_PRIOR = 5.0

PRIOR_CASH_RATE, PRIOR_BALANCE = 0.10, 10_000.0
"""Where a band holds little, its cash rate leans on one tenth a month."""


def build_profile(
    ledger: Ledger,
    dataset: Dataset,
    until: date,
    *,
    rules: Rules | None = None,
    reach_bounds: dict[str, list[int]] | None = None,
) -> Profile:
    """Return the profile of ``dataset`` as known on ``until``.

    Payment curves come from every dated invoice of the ledger known by then; invoices still
    open on that day are censored there, the others resolved when the books last moved on them.
    """
    return Profile(
        matrix=roll_matrix(dataset),
        curve_start=CURVE_START,
        curves=_curves(_durations(ledger, until, rules)),
        medians=_medians(dataset),
        remaining_shares=_remaining_shares(dataset),
        cash_rates=_cash_rates(dataset),
        reach_bounds=reach_bounds or {},
        peers=dataset.peers.until(f"{until:%Y-%m}"),
    )


def _durations(ledger: Ledger, until: date, rules: Rules | None) -> pd.DataFrame:
    with open_session(ledger, [until], rules) as session:
        session.run(ITEM_STAGES)
        frame: pd.DataFrame = session.arrow(
            """
            with shown as (
                select
                    coalesce(accounts.segment, '') as segment,
                    states.issued_on,
                    states.due_on,
                    states.balance_cents <= settings.tolerance_cents as resolved,
                    case
                        when states.balance_cents <= settings.tolerance_cents
                        then coalesce(states.changed_on, states.issued_on)
                        else as_of_dates.as_of
                    end as last_on
                from as_of_dates
                cross join settings
                inner join item_states as states
                    on states.from_on <= as_of_dates.as_of
                    and (states.until_on is null or states.until_on > as_of_dates.as_of)
                inner join accounts on states.account_id = accounts.account_id
                where states.due_on is not null
            )

            select
                segment,
                datediff('day', due_on, issued_on) as first_day,
                datediff('day', due_on, last_on) as last_day,
                resolved,
                count(*) as items
            from shown
            group by segment, first_day, last_day, resolved
            """
        ).to_pandas()
    return frame


def _curves(durations: pd.DataFrame) -> dict[str, list[float]]:
    ages = np.arange(CURVE_START, CURVE_END + 1)
    overall = _hazard(durations, ages, np.full(len(ages), 0.02))
    curves = {ALL: np.cumsum(overall).round(9).tolist()}
    for segment, rows in durations.groupby("segment"):
        if segment and rows.loc[rows["resolved"], "items"].sum() >= MIN_CURVE_PAYMENTS:
            curves[str(segment)] = np.cumsum(_hazard(rows, ages, overall)).round(9).tolist()
    return curves


def _hazard(
    rows: pd.DataFrame, ages: npt.NDArray[np.int64], prior: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the daily hazard of resolution by age, shrunk towards ``prior``."""
    size = len(ages)
    items = rows["items"].to_numpy(dtype=float)
    start = np.clip(rows["first_day"].to_numpy(dtype=float) - ages[0], 0, size).astype(int)
    end = np.clip(rows["last_day"].to_numpy(dtype=float) - ages[0], 0, size - 1).astype(int)
    entered = np.bincount(start, weights=items, minlength=size + 1)[:size].cumsum()
    left = np.bincount(end, weights=items, minlength=size).cumsum()
    at_risk = entered - np.concatenate([[0.0], left[:-1]])
    resolved = rows["resolved"].to_numpy(dtype=bool)
    events = np.bincount(end[resolved], weights=items[resolved], minlength=size)
    at_risk = np.maximum(at_risk, events)
    return np.asarray((events + HAZARD_PRIOR * prior) / (at_risk + HAZARD_PRIOR))


def _remaining_shares(dataset: Dataset) -> list[float]:
    """Return the balance left after 30 days ÷ the balance before, unresolved items, by cell."""
    cells = cell_index(dataset.days_past_due)
    left = dataset.outcomes["remaining_30"].to_numpy(dtype=float)
    still_open = dataset.outcomes["outcome_30"].to_numpy(dtype=object) == "open"
    shares = []
    for cell in range(len(CELLS)):
        here = still_open & (cells == cell) & (dataset.target("step_1") == 1)
        shares.append(
            float(
                (left[here].sum() + PRIOR_BALANCE) / (dataset.balance[here].sum() + PRIOR_BALANCE)
            )
        )
    return shares


def _cash_rates(dataset: Dataset) -> dict[str, float]:
    """Return the share of last-bucket balances paid within 30 days, by age band."""
    known = ~np.isnan(dataset.target("step_1"))
    remaining = dataset.outcomes["remaining_30"].to_numpy(dtype=float)
    paid = np.isin(dataset.outcomes["outcome_30"], ["paid", "open", "extended"])
    cash = np.where(paid, dataset.balance - np.nan_to_num(remaining), 0.0)
    rates, youngest = {}, 90
    for last_day, name in AGE_BANDS:
        days = dataset.days_past_due
        here = known & (days > youngest) & (days <= last_day)
        prior = PRIOR_CASH_RATE * PRIOR_BALANCE
        rates[name] = float(
            (cash[here].sum() + prior) / (dataset.balance[here].sum() + PRIOR_BALANCE)
        )
        youngest = last_day
    return rates


def _medians(dataset: Dataset) -> dict[str, list[float | None]]:
    values = pd.DataFrame(dataset.frame.values, columns=list(dataset.frame.names))
    groups = {ALL: values.median()}
    for segment in sorted(set(dataset.segment) - {""}):
        groups[segment] = values[dataset.segment == segment].median()
    return {
        name: [None if np.isnan(value) else float(value) for value in medians]
        for name, medians in groups.items()
    }
