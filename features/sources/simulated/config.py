"""What a simulated ledger is made from: how many accounts, how long, which seed."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """Size, span and seed of a simulated ledger.

    Parameters
    ----------
    accounts : int
        Number of accounts, at least 1.
    months : int
        Number of calendar months, from 1 to 240. The ledger is known through the last day
        of the last month.
    seed : int
        Seed of every draw, not negative. Equal configurations give equal bytes.
    start : datetime.date
        First day of the ledger. Nothing is open when it begins, so the older buckets need
        about five months to fill.

    Raises
    ------
    ValueError
        When a value lies outside its range.

    Examples
    --------
    >>> from datetime import date
    >>> config = SimulationConfig(accounts=50, months=14, seed=7, start=date(2024, 1, 1))
    >>> config.known_through
    datetime.date(2025, 2, 28)
    """

    accounts: int
    months: int
    seed: int
    start: date = date(2023, 1, 1)

    def __post_init__(self) -> None:
        if self.accounts < 1:
            raise ValueError(f"accounts must be at least 1, got {self.accounts}.")
        if not 1 <= self.months <= 240:
            raise ValueError(f"months must lie between 1 and 240, got {self.months}.")
        if self.seed < 0:
            raise ValueError(
                f"seed must not be negative, got {self.seed}. Take any number from 0 up."
            )

    @property
    def known_through(self) -> date:
        """Last day the ledger knows: the end of the last simulated month."""
        months = self.start.month - 1 + self.months
        return date(self.start.year + months // 12, months % 12 + 1, 1) - timedelta(days=1)
