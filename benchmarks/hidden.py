"""What only the simulator knows of an open item, as columns a model can be given.

Two kinds: what an account *is* (its type and the numbers behind its hazards, which a long history
would show in the end), and what *goes on* at the moment (its regime, invoices lost on the way,
cash in the mail, the item's own pull), which no books show.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.sources.simulated import Simulation
from features.sources.simulated.columns import ids
from features.sources.simulated.engine import run
from features.sources.simulated.items import Snapshot
from features.sources.simulated.world import World

Floats = npt.NDArray[np.float64]

ACCOUNT = (
    "kind",
    "centre",
    "spread",
    "ceiling",
    "dispute",
    "keep",
    "contact",
    "return_rate",
    "rhythm",
    "season",
    "method",
)
MOMENT = ("regime", "pull", "phase", "parts", "contacted", "wakes_in")
FAR = 250
"""Business days; an item that waits for nothing wakes never."""


def hidden_state(simulation: Simulation, as_of: Sequence[date]) -> pd.DataFrame:
    """Return the hidden columns of every item open at the dates, by ``as_of`` and invoice.

    The simulation is replayed from its configuration; watching changes nothing.
    """
    days = sorted(set(as_of))
    world, snapshots = run(simulation.config, watch=days, last=days[-1])
    return pd.concat([_of(world, snapshots[day], day) for day in days])


def _of(world: World, snapshot: Snapshot, day: date) -> pd.DataFrame:
    waits = snapshot.wake.astype(float) - snapshot.index
    account = {name: getattr(world.population, name)[snapshot.account] for name in ACCOUNT}
    moment = {name: getattr(snapshot, name) for name in MOMENT if name != "wakes_in"}
    columns = {**account, **moment, "wakes_in": np.where(waits < FAR, waits, np.nan)}
    index = pd.MultiIndex.from_arrays(
        [
            np.full(len(waits), pd.Timestamp(day)),
            ids("INV-", snapshot.item).to_pandas().to_numpy(dtype=object),
        ],
        names=["as_of", "invoice_id"],
    )
    return pd.DataFrame(
        {name: np.asarray(values, dtype=float) for name, values in columns.items()}, index=index
    )
