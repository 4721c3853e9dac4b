"""How long one account sent as rows waits for its features, and in which stage.

The account is taken from a ledger and written as the rows that a request would carry; every
table is present. Typing and checking the rows, the features with plans that stand, as the
service computes them, and with plans made anew take turns, ten requests each as they follow one
another in a service; then the stages one by one.
"""

import gc
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, TypeVar

import pyarrow.parquet as pq

from benchmarks.pandas_features import TWENTY
from features.build import feature_frame
from features.engines import EngineOptions, open_session
from features.ledger.read import Ledger, open_ledger
from features.stages import FEATURE_STAGES, ITEM_STAGES
from serving.account_ledger import restrict_ledger
from serving.rows import ledger_of_rows

INVOICES = 40
TURN = 10
ONE_THREAD = EngineOptions(threads=1)
STANDING = EngineOptions(threads=1, standing=True)

T = TypeVar("T")


class Watch:
    """Milliseconds of every run of every step, by the step's name."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = {}

    def time(self, name: str, step: Callable[[], T]) -> T:
        """Run a step and note how long it took."""
        started = time.perf_counter()
        result = step()
        self.ms.setdefault(name, []).append(1000 * (time.perf_counter() - started))
        return result

    def turn(self, name: str, step: Callable[[], T]) -> T:
        """Run a step once unnoticed, then ten times."""
        result = step()
        for _ in range(TURN):
            self.time(name, step)
        return result


def one_account(folder: Path, runs: int = 30) -> dict[str, Any]:
    """Time the features of one account on the last day of a ledger.

    Parameters
    ----------
    folder : Path
        The ledger; the account with about 40 invoices is taken from it.
    runs : int
        Repetitions, in turns of ten; the first of each turn does not count.

    Returns
    -------
    dict
        Counts of the account; ``ms``: median and 90th percentile of what a caller waits for;
        ``stages_ms``: the median of each step of the whole catalogue.
    """
    ledger = open_ledger(folder)
    as_of = ledger.manifest.known_through
    account = typical_account(ledger, as_of)
    rows = {name: list(json_rows(account, name)) for name in account.rows}
    waits, steps = Watch(), Watch()
    sent = ledger_of_rows(rows, as_of, present=account.present)
    compute = partial(feature_frame, sent, [as_of])
    gc.collect()
    gc.freeze()  # as a service does with what it loads
    for _ in range(max(runs // TURN, 1)):
        waits.turn("rows to ledger", partial(ledger_of_rows, rows, as_of, present=account.present))
        frame = waits.turn("all features", partial(compute, options=STANDING))
        waits.turn("20 features", partial(compute, names=TWENTY, options=STANDING))
        waits.turn("all features, planned anew", partial(compute, options=ONE_THREAD))
        for _ in range(TURN):
            by_stage(sent, as_of, steps)
    return {
        "invoices": len(rows["invoices"]),
        "open_items": len(frame.items),
        "rows": sum(len(records) for records in rows.values()),
        "tables": len(rows),
        "runs": runs,
        "ms": {name: spread(spent) for name, spent in waits.ms.items()},
        "stages_ms": {name: round(median(spent[1:]), 2) for name, spent in steps.ms.items()},
    }


def by_stage(ledger: Ledger, as_of: date, watch: Watch) -> None:
    """Time the opening of a session, each stage, and the join that makes the frame."""
    opening = open_session(ledger, [as_of], options=STANDING)
    session = watch.time("open session", opening.__enter__)
    try:
        for stage in (*ITEM_STAGES, *FEATURE_STAGES):
            watch.time(stage, partial(session.run, (stage,)))
        watch.time("join", partial(feature_frame, ledger, [as_of], session=session))
    finally:
        watch.time("close session", partial(opening.__exit__, None, None, None))


def typical_account(ledger: Ledger, as_of: date) -> Ledger:
    """Return the rows of the account nearest to 40 invoices that has an open item."""
    columns = [pq.read_table(file, columns=["account_id"]) for file in ledger.files["invoices"]]
    counts: dict[str, int] = {}
    for column in columns:
        for one in column["account_id"].value_counts().to_pylist():
            counts[one["values"]] = counts.get(one["values"], 0) + one["counts"]
    for account_id in sorted(counts, key=lambda name: (abs(counts[name] - INVOICES), name)):
        account = restrict_ledger(ledger, [account_id])
        if len(feature_frame(account, [as_of], options=ONE_THREAD).items):
            return account
    raise SystemExit("No account of the ledger has an open item.")


def json_rows(ledger: Ledger, table: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as a request carries them: ISO dates and money as text."""
    for row in ledger.rows[table].to_pylist():
        yield {
            name: str(value) if isinstance(value, date | Decimal) else value
            for name, value in row.items()
            if value is not None
        }


def spread(spent: list[float]) -> dict[str, float]:
    """Return the median and the 90th percentile in milliseconds."""
    return {"median": round(median(spent), 2), "p90": round(quantiles(spent, n=10)[-1], 2)}
