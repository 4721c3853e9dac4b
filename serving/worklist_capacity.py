"""Who works what: a day's capacity filled lane by lane, dealt to collectors, a share by chance.

Every step is deterministic: rank decides within a lane, the seed and the day decide what is
drawn, load and name decide who gets an account that nobody owns.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from models.priority import LANES, NO_LANE
from serving.actions import PROPOSE
from serving.policy import Collector, Policy


@dataclass(slots=True, kw_only=True)
class _Desk:
    """What a collector has left today."""

    collector: Collector
    given: int = 0
    by_skill: dict[str, int] = field(default_factory=dict)

    def takes(self, skill: str) -> bool:
        fits = not skill or self.by_skill.get(skill, 0) < self.collector.skills.get(skill, 0)
        return fits and self.given < self.collector.accounts

    def take(self, skill: str) -> None:
        self.given += 1
        self.by_skill[skill] = self.by_skill.get(skill, 0) + 1

    @property
    def load(self) -> float:
        return self.given / self.collector.accounts


class _Desks:
    """Deals accounts to collectors: to their own first, else to whoever is least loaded."""

    def __init__(self, policy: Policy) -> None:
        self._skills = policy.skills
        self._desks = {entry.name: _Desk(collector=entry) for entry in policy.collectors}

    def deal(self, action: str, own: str | None) -> str | None:
        """Return who gets an account, None when nobody has room for it.

        Without collectors the account's own collector has room for everything.
        """
        if not self._desks:
            return own if isinstance(own, str) else ""
        skill = self._skills.get(action.removeprefix(PROPOSE), "")
        free = [desk for desk in self._desks.values() if desk.takes(skill)]
        if not free:
            return None
        desk = min(
            free, key=lambda desk: (desk.collector.name != own, desk.load, desk.collector.name)
        )
        desk.take(skill)
        return desk.collector.name


def fill_capacity(
    accounts: pd.DataFrame,
    policy: Policy,
    capacity: int,
    *,
    on: date,
    include_held: bool = False,
) -> pd.DataFrame:
    """Return the accounts to work, lane by lane, up to each lane's share of ``capacity``.

    Seats that a lane cannot fill go to the others in order. Where the policy names collectors,
    an account goes to its own collector while there is room, else to the least loaded one with
    room and skill; an account that nobody has room for is passed over.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``account_id``, ``currency``, ``lane``, ``rank``, ``hold``, ``action``, ``collector``.
    policy : Policy
        Shares, collectors, skills and the share left to chance.
    capacity : int
        Accounts to list; fewer where the collectors have less room.
    on : datetime.date
        The day, which with the policy's seed decides what is drawn.
    include_held : bool
        Whether held accounts are listed too, after all others of their lane.

    Returns
    -------
    pandas.DataFrame
        The accounts with ``position`` from 1, ``assigned_to``, ``explored`` (drawn by chance)
        and ``propensity``: the probability with which a drawn account was drawn, 1 for others.
    """
    free = accounts if include_held else accounts[accounts["hold"] == ""]
    free = free[free["lane"] != NO_LANE].sort_values(["lane", "rank", "account_id", "currency"])
    drawn_seats = int(round(capacity * policy.explore.share, 6))
    desks = _Desks(policy)
    seats = policy.seats(capacity - drawn_seats)
    taken: dict[str, list[int]] = {lane: [] for lane in LANES}
    owner: dict[int, str] = {}
    waiting = {lane: _places(free, lane) for lane in LANES}

    def fill(lane: str, count: int) -> None:
        left = []
        for row, action, own in waiting[lane]:
            name = desks.deal(action, own) if count > 0 else None
            if name is None:
                left.append((row, action, own))
            else:
                taken[lane].append(row)
                owner[row] = name
                count -= 1
        waiting[lane] = left

    for lane in LANES:
        fill(lane, seats[lane])
    for lane in LANES:
        fill(lane, capacity - drawn_seats - len(owner))
    listed = [row for lane in LANES for row in taken[lane]]
    pool = free.drop(index=listed)
    drawn = _drawn(pool[pool["hold"] == ""], policy, desks, drawn_seats, on, owner)
    chosen = free.loc[[*listed, *drawn]]
    share = min(1.0, drawn_seats / len(pool)) if len(pool) else 1.0
    explored = np.r_[np.zeros(len(listed), dtype=bool), np.ones(len(drawn), dtype=bool)]
    return chosen.assign(
        assigned_to=[owner[row] for row in chosen.index],
        explored=explored,
        propensity=np.where(explored, share, 1.0),
        position=np.arange(1, len(chosen) + 1),
    ).reset_index(drop=True)


def _places(free: pd.DataFrame, lane: str) -> list[tuple[int, str, str | None]]:
    rows = free[free["lane"] == lane]
    return list(zip(rows.index, rows["action"], rows["collector"], strict=True))


def _drawn(
    pool: pd.DataFrame, policy: Policy, desks: _Desks, seats: int, on: date, owner: dict[int, str]
) -> list[int]:
    """Return the accounts drawn by chance, each with an owner; the day moves the seed on."""
    if not seats or pool.empty:
        return []
    ordered = pool.sort_values(["account_id", "currency"])
    generator = np.random.default_rng([policy.explore.seed, on.toordinal()])
    drawn: list[int] = []
    for place in generator.permutation(len(ordered)).tolist():
        if len(drawn) == seats:
            break
        row = ordered.iloc[place]
        name = desks.deal(row["action"], row["collector"])
        if name is not None:
            owner[ordered.index[place]] = name
            drawn.append(ordered.index[place])
    return drawn
