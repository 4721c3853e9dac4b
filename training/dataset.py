"""Training rows: features and outcomes side by side, for many as-of dates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import STEP_DAYS, is_exposed
from features.build import FeatureFrame, feature_parts, joined
from features.engines import EngineOptions, open_session
from features.inputs import Rules
from features.ledger.read import Ledger
from features.outcomes import CUT_DAYS, STEPS, outcome_frame, unresolved
from features.peers import with_groups
from features.rates import known_rates
from features.session import Session
from features.stages import ITEM_STAGES
from models.bundle import PARTS
from models.peers import PeerLevels, with_peers
from training.peers import measure_levels

Floats = npt.NDArray[np.float64]

_TRAINABLE = "select count(*) as rows from open_items where residual = 0"
_LARGEST_HASH = 2**64 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Open items with features, outcomes and what they are grouped by.

    Parameters
    ----------
    frame : FeatureFrame
        n rows, with the levels of each row's peers as known before its month.
    outcomes : pandas.DataFrame, shape (n, …)
        As returned by ``outcome_frame``, same rows.
    targets : numpy.ndarray of float64, shape (n, 6)
        Per part of the model 1, 0 or NaN (not in that part's risk set, or unknown).
    segment : numpy.ndarray of str, shape (n,)
        Segment of each row's account, ``""`` when there is none.
    rate : numpy.ndarray of float64, shape (n,)
        Units of the reporting currency for one of the row's, as known at its date; 1 where the
        ledger has no rate.
    peers : PeerLevels
        How accounts of a kind pay, by month, up to the ledger's last known day.
    """

    frame: FeatureFrame
    outcomes: pd.DataFrame
    targets: Floats
    segment: npt.NDArray[np.object_]
    rate: Floats
    peers: PeerLevels

    def __len__(self) -> int:
        return len(self.segment)

    @property
    def as_of(self) -> pd.Series:
        """As-of date of each row."""
        return self.frame.items["as_of"]

    @property
    def account(self) -> npt.NDArray[np.object_]:
        """Account of each row."""
        return self.frame.items["account_id"].to_numpy(dtype=object)

    @property
    def days_past_due(self) -> Floats:
        """Days past due of each row, NaN for undated items."""
        return self.frame.items["days_past_due"].to_numpy(dtype=float)

    @property
    def balance(self) -> Floats:
        """Open balance of each row in document currency."""
        return self.frame.items["open_balance"].to_numpy(dtype=float)

    @property
    def dollars(self) -> Floats:
        """Open balance of each row in the reporting currency, for sums over currencies."""
        return self.balance * self.rate

    @property
    def exposed(self) -> npt.NDArray[np.bool_]:
        """Whether each row can roll within one step."""
        return is_exposed(self.days_past_due)

    def target(self, part: str) -> Floats:
        """Return the outcome that a part of the model is trained on."""
        return self.targets[:, PARTS.index(part)]

    def select(self, keep: npt.NDArray[np.bool_]) -> "Dataset":
        """Return the rows where ``keep`` is true."""
        return replace(
            self,
            frame=self.frame.select(keep),
            outcomes=self.outcomes.loc[keep].reset_index(drop=True),
            targets=self.targets[keep],
            segment=self.segment[keep],
            rate=self.rate[keep],
        )

    def between(self, first: date | None, last: date | None) -> "Dataset":
        """Return the rows with ``first <= as_of <= last``; None leaves a side open."""
        days = self.as_of.to_numpy(dtype="datetime64[D]")
        keep = np.ones(len(days), dtype=bool)
        if first is not None:
            keep &= days >= np.datetime64(first)
        if last is not None:
            keep &= days <= np.datetime64(last)
        return self.select(keep)

    def known_by(self, day: date, maturity_lag_days: int) -> "Dataset":
        """Return the dataset with the outcomes blanked that were not mature on ``day``."""
        age = (np.datetime64(day) - self.as_of.to_numpy(dtype="datetime64[D]")).astype(int)
        targets = self.targets.copy()
        for position, part in enumerate(PARTS):
            needed = horizon_of(part) + maturity_lag_days
            targets[age < needed, position] = np.nan
        return replace(self, targets=targets)


def horizon_of(part: str) -> int:
    """Return the days after which the outcome of a model part is decided.

    Examples
    --------
    >>> [horizon_of(part) for part in ("step_1", "step_4", "cut_7")]
    [30, 120, 30]
    """
    return STEP_DAYS * int(part[-1]) if part.startswith("step_") else STEP_DAYS


def learnt_at(past: Dataset, days: int, known_on: date, maturity_lag_days: int) -> Dataset:
    """Return the dataset with the outcome after some days in the place of that of the first step.

    An outcome that was not final on ``known_on`` is NaN, resolved or not: were those kept that
    were resolved early, too few would seem to stay open.
    """
    y = unresolved(past.outcomes[f"outcome_{days}"])
    age = (np.datetime64(known_on) - past.as_of.to_numpy(dtype="datetime64[D]")).astype(int)
    y[age < days + maturity_lag_days] = np.nan
    targets = past.targets.copy()
    targets[:, PARTS.index("step_1")] = y
    return replace(past, targets=targets)


def as_of_grid(newest: date, oldest: date, every_days: int) -> list[date]:
    """Return the as-of dates from ``newest`` back to ``oldest``, in rising order.

    Examples
    --------
    >>> [str(day) for day in as_of_grid(date(2024, 1, 31), date(2024, 1, 1), 14)]
    ['2024-01-03', '2024-01-17', '2024-01-31']
    """
    count = max((newest - oldest).days // every_days, 0) + 1
    return [newest - timedelta(days=every_days * back) for back in range(count)][::-1]


def load_dataset(
    ledger: Ledger,
    as_of: Sequence[date],
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    max_rows: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Dataset:
    """Compute features and outcomes of every trainable open item at the given dates.

    Residual balances are left out. With ``max_rows``, whole invoices are dropped by a hash of
    their id until about that many rows remain, so that the sample does not depend on order. A
    few dates are computed at a time and thinned at once, so that memory follows what is kept.
    """
    options = options or EngineOptions()
    with open_session(ledger, as_of, rules, options) as session:
        threshold = _hash_threshold(session, options.dates_at_once, max_rows)
        kept = [
            _kept(ledger, session, part, threshold, progress)
            for part in feature_parts(
                ledger, as_of, options=options, session=session, progress=progress
            )
        ]
        accounts = session.arrow("select account_id, segment from accounts").to_pandas()
        rates = known_rates(session, ledger.manifest.reporting_currency)
    frame = joined([part for part, _ in kept])
    outcomes = pd.concat([part for _, part in kept], ignore_index=True)
    segments = accounts.set_index("account_id")["segment"]
    segment = frame.items["account_id"].map(segments).fillna("").to_numpy(dtype=object)
    if progress is not None:
        progress("peers")
    peers = measure_levels(ledger, as_of, rules=rules, options=options)
    return Dataset(
        frame=with_peers(frame, peers),
        outcomes=outcomes,
        targets=_targets(outcomes),
        segment=segment,
        rate=_rates(frame, rates),
        peers=peers,
    )


def _rates(frame: FeatureFrame, rates: pd.DataFrame) -> Floats:
    """Return the exchange rate of each row, 1 where there is none."""
    keys = ["as_of", "currency"]
    found = frame.items[keys].merge(rates, on=keys, how="left")["rate"]
    return found.fillna(1.0).to_numpy(dtype=float)


def _hash_threshold(session: Session, dates_at_once: int, max_rows: int | None) -> int:
    """Return the hash of an invoice's id up to which its rows are kept."""
    if max_rows is None:
        return _LARGEST_HASH
    rows = 0
    dates = session.as_of
    for start in range(0, len(dates), dates_at_once):
        if len(dates) > dates_at_once:
            session.turn_to(dates[start : start + dates_at_once])
        session.run(ITEM_STAGES)
        rows += session.arrow(_TRAINABLE)["rows"][0].as_py()
    return int(max_rows / rows * _LARGEST_HASH) if rows > max_rows else _LARGEST_HASH


def _kept(
    ledger: Ledger,
    session: Session,
    part: FeatureFrame,
    threshold: int,
    progress: Callable[[str], None] | None,
) -> tuple[FeatureFrame, pd.DataFrame]:
    """Return the rows of some dates that are learnt from, with their outcomes."""
    part = with_groups(part, session, ledger.present)
    if progress is not None:
        progress("outcomes")
    outcomes = outcome_frame(ledger, session.as_of, session=session)
    keep = ~part.items["residual"].to_numpy(dtype=bool)
    if threshold < _LARGEST_HASH:
        hashes = pd.util.hash_array(part.items["invoice_id"].to_numpy(dtype=object))
        keep &= hashes < np.uint64(threshold)
    return part.select(keep), outcomes[keep]


def _targets(outcomes: pd.DataFrame) -> Floats:
    """Return the targets of all parts in the order of ``PARTS``; NaN outside a risk set."""
    columns = []
    before = np.ones(len(outcomes))
    for step in range(1, STEPS + 1):
        now = unresolved(outcomes[f"outcome_{STEP_DAYS * step}"])
        columns.append(np.where(before == 1, now, np.nan))
        before = np.where(before == 1, now, 0.0)
    at_risk = columns[0] == 0
    for days in reversed(CUT_DAYS):
        resolved = 1.0 - unresolved(outcomes[f"outcome_{days}"])
        columns.append(np.where(at_risk, resolved, np.nan))
        at_risk &= resolved == 1
    return np.column_stack(columns)
