"""What the books say about the past: computed from the ledger once per snapshot.

Key figures of a year, roll-rate matrices of its steps, what became of earlier forecasts, and the
health of the ledger take seconds on a large ledger, which no page should wait for. They are
computed in a thread of their own and kept beside the snapshots; a page that comes earlier says
that they are being computed.
"""

import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
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
from models.home import Home
from serving.background import begin
from serving.console.health import Health, ledger_health
from serving.console.track_record import Earlier, PastForecast, earlier_scorings, track_record
from serving.store import ServedPair

logger = logging.getLogger("rollrisk.console")

FORMAT = 2
CACHE = "console"
"""Folder of the home in which the past of each snapshot is kept."""
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
    record : tuple of PastForecast
        What earlier scorings of the home expected and what came of it, oldest first.
    trouble : str
        Empty, or why there is no past.
    """

    figures: tuple[PastFigures, ...]
    rolls: pd.DataFrame
    health: Health | None
    record: tuple[PastForecast, ...] = ()
    trouble: str = ""


NOTHING = Past(figures=(), rolls=pd.DataFrame(), health=None)


def compute_past(
    ledger: Ledger,
    as_of: date,
    *,
    folder: Path,
    changed: bool = False,
    scorings: Sequence[Earlier] = (),
) -> Past:
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
    scorings : sequence of Earlier
        Earlier scorings whose forecasts are judged.
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
        record=track_record(scorings, ledger, known),
    )


def past_of(pair: ServedPair, home: Home) -> Past:
    """Return the past of a snapshot, from its file in the home's cache or computed and kept there.

    The file is good as long as the same earlier scorings are there to be judged; it needs no
    ledger.
    """
    path = home.path / CACHE / f"{pair.name}.json"
    if (kept := _read(path, home)) is not None:
        return kept
    place, as_of = Path(pair.manifest.ledger), pair.manifest.as_of
    try:
        ledger = open_ledger(place)
        books = {
            "known": min(as_of, ledger.manifest.known_through).isoformat(),
            "maturity_lag_days": ledger.manifest.maturity_lag_days,
        }
        scorings = _scorings(home, books)
        changed = ledger.digest != pair.manifest.ledger_digest
        past = compute_past(ledger, as_of, folder=place, changed=changed, scorings=scorings)
    except (LedgerError, OSError, duckdb.Error) as error:
        return Past(
            figures=(),
            rolls=pd.DataFrame(),
            health=None,
            trouble=f"The ledger of this snapshot cannot be read here ({_first_line(error)}). "
            "Make its folder available and start the service again.",
        )
    if not changed:
        names = [scoring.folder.name for scoring in scorings]
        _write(path, past, {"scorings": names, **books})
    return past


def _scorings(home: Home, books: Mapping[str, Any]) -> Sequence[Earlier]:
    return earlier_scorings(
        home.snapshots, date.fromisoformat(books["known"]), books["maturity_lag_days"]
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _write(path: Path, past: Past, made_from: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "format": FORMAT,
        **made_from,
        "record": [forecast.to_json() for forecast in past.record],
        "figures": [asdict(figure) for figure in past.figures],
        "rolls": past.rolls.assign(as_of=past.rolls["as_of"].astype(str)).to_dict("list"),
        "health": None if past.health is None else asdict(past.health),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, default=str), "utf-8")
    temporary.replace(path)


def _read(path: Path, home: Home) -> Past | None:
    try:
        content: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        if content["format"] != FORMAT:
            return None
        if content["scorings"] != [scoring.folder.name for scoring in _scorings(home, content)]:
            return None
        rolls = pd.DataFrame(content["rolls"])
        return Past(
            figures=tuple(
                PastFigures(**{**row, "as_of": date.fromisoformat(row["as_of"])})
                for row in content["figures"]
            ),
            rolls=rolls.assign(as_of=pd.to_datetime(rolls["as_of"])),
            health=Health.from_json(content["health"]) if content["health"] else None,
            record=tuple(PastForecast.from_json(one) for one in content["record"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


class PastKeeper:
    """Computes the past of each snapshot once, off the request.

    Parameters
    ----------
    home : Home
        In whose cache it is kept.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._pair: ServedPair | None = None
        self._past: Past | None = None

    def of(self, pair: ServedPair) -> Past | None:
        """Return the past of a snapshot; None while it is being computed."""
        with self._lock:
            if pair is not self._pair:
                self._pair, self._past = pair, None
                begin("console-past", partial(self._compute, pair))
            return self._past

    def _compute(self, pair: ServedPair) -> None:
        try:
            past = past_of(pair, self._home)
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
            if pair is self._pair:
                self._past = past
