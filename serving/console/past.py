"""What the books say about the past: computed from the ledger once per snapshot.

Key figures of a year, roll-rate matrices of its steps, and the health of the ledger take seconds
on a large ledger, which no page should wait for. They are computed in a thread of their own and
kept beside the snapshots; a page that comes earlier says that they are being computed.
"""

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from features.ageing import STEP_DAYS
from features.engines import EngineOptions, open_session
from features.key_figures import SALES_DAYS, PastFigures, past_figures
from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger, open_ledger
from features.roll_rates import roll_counts, step_starts
from serving.console.health import Health, ledger_health
from serving.store import ServedPair

logger = logging.getLogger("rollrisk.console")

FORMAT = 1
STEPS = 12
"""Steps of 30 days that are looked back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the books say about the days before a snapshot.

    Parameters
    ----------
    figures : tuple of PastFigures
        Every 30 days of the last year, oldest first, all currencies.
    rolls : pandas.DataFrame
        As ``roll_counts`` gives them, of the last twelve steps that are final.
    health : Health or None
        What was found about the ledger itself; None where it cannot be read.
    trouble : str
        Empty, or why there is no past.
    """

    figures: tuple[PastFigures, ...]
    rolls: pd.DataFrame
    health: Health | None
    trouble: str = ""


NOTHING = Past(figures=(), rolls=pd.DataFrame(), health=None)


def compute_past(ledger: Ledger, as_of: date, *, folder: Path, changed: bool = False) -> Past:
    """Compute the past of a ledger as it stood on ``as_of``; nothing later is used.

    Parameters
    ----------
    ledger : Ledger
        The books.
    as_of : date
        Day of the snapshot.
    folder : Path
        Where the ledger stands.
    changed : bool
        Whether the ledger is no longer the one that was scored.
    """
    options = EngineOptions(threads=1)
    known = min(as_of, ledger.manifest.known_through)
    lag = ledger.manifest.maturity_lag_days
    # A date's collection effectiveness needs the balance of three steps before.
    back = STEPS + SALES_DAYS // STEP_DAYS
    days = [as_of - timedelta(days=STEP_DAYS * step) for step in range(back + 1)]
    with open_session(ledger, days, options=options) as session:
        figures = past_figures(session)
    starts = step_starts(known, lag, STEPS)
    with open_session(ledger, starts, options=options) as session:
        rolls = roll_counts(session, maturity_lag_days=lag, known_through=known)
    first = as_of - timedelta(days=STEP_DAYS * STEPS)
    return Past(
        figures=tuple(figure for figure in figures if figure.as_of >= first),
        rolls=rolls,
        health=ledger_health(ledger, as_of, folder=folder, changed=changed),
    )


def past_of(pair: ServedPair, folder: Path) -> Past:
    """Return the past of a snapshot, from its file in ``folder`` or computed and kept there."""
    path = folder / f"{pair.name}.json"
    if (kept := _read(path)) is not None:
        return kept
    try:
        ledger = open_ledger(Path(pair.manifest.ledger))
        changed = ledger.digest != pair.manifest.ledger_digest
        past = compute_past(
            ledger, pair.manifest.as_of, folder=Path(pair.manifest.ledger), changed=changed
        )
    except (LedgerError, OSError, duckdb.Error) as error:
        return Past(
            figures=(),
            rolls=pd.DataFrame(),
            health=None,
            trouble=f"The ledger of this snapshot cannot be read here ({_first_line(error)}). "
            "Make its folder available and start the service again.",
        )
    if not changed:
        _write(path, past)
    return past


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _write(path: Path, past: Past) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "format": FORMAT,
        "figures": [asdict(figure) for figure in past.figures],
        "rolls": past.rolls.assign(as_of=past.rolls["as_of"].astype(str)).to_dict("list"),
        "health": None if past.health is None else asdict(past.health),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, default=str), "utf-8")
    temporary.replace(path)


def _read(path: Path) -> Past | None:
    try:
        content: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            return None
        rolls = pd.DataFrame(content["rolls"])
        return Past(
            figures=tuple(
                PastFigures(**{**row, "as_of": date.fromisoformat(row["as_of"])})
                for row in content["figures"]
            ),
            rolls=rolls.assign(as_of=pd.to_datetime(rolls["as_of"])),
            health=Health.from_json(content["health"]) if content["health"] else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


class PastKeeper:
    """Computes the past of each snapshot once, off the request.

    Parameters
    ----------
    folder : Path
        Where it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._name = ""
        self._past: Past | None = None

    def of(self, pair: ServedPair) -> Past | None:
        """Return the past of a snapshot; None while it is being computed."""
        with self._lock:
            if pair.name != self._name:
                self._name, self._past = pair.name, None
                threading.Thread(
                    target=self._compute, args=(pair,), name="console-past", daemon=True
                ).start()
            return self._past

    def _compute(self, pair: ServedPair) -> None:
        try:
            past = past_of(pair, self._folder)
        except Exception as error:  # a page that says so is better than one that waits forever
            logger.exception("Computing the past of %s failed.", pair.name)
            past = Past(
                figures=(),
                rolls=pd.DataFrame(),
                health=None,
                trouble=f"The past could not be computed ({_first_line(error)}). The service's "
                "log says more.",
            )
        with self._lock:
            if pair.name == self._name:
                self._past = past
