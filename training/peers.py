"""Measure how accounts of a kind pay, for every month from what was known before it."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.engines import EngineOptions, open_session
from features.inputs import Rules
from features.ledger.read import Ledger
from features.peers import HISTORY, eves, months_until
from features.stages import PEER_STAGES, STATE_STAGES
from models.peers import AGES, ANY, PAYMENTS, PRIOR_ITEMS, PeerLevels, terms_band

Floats = npt.NDArray[np.float64]

MIN_ITEMS = 30
"""A kind with fewer payments in a month is answered by its segment, that by the portfolio."""

DIGITS = 6
_PORTFOLIO, _KIND = (ANY, ANY, ANY), 3
Key = tuple[str, str, str]


def measure_levels(
    ledger: Ledger,
    as_of: Sequence[date],
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
) -> PeerLevels:
    """Return the levels of every month from the first date to the ledger's last known day.

    Parameters
    ----------
    ledger : Ledger
        Whose accounts.
    as_of : sequence of date
        Days of which the first month is wanted.
    rules, options : Rules, EngineOptions
        Business rules and the use of the machine.
    """
    months = months_until(min(as_of), max(*as_of, ledger.manifest.known_through))
    with open_session(ledger, eves(months), rules, options) as session:
        session.run((*STATE_STAGES, *PEER_STAGES))
        sums = session.arrow("select * from peer_levels").to_pandas()
    sums["as_of"] = pd.to_datetime(sums["as_of"])
    if HISTORY not in ledger.present:
        sums[["segment", "region"]] = ""
    sums["terms"] = terms_band(sums["terms_days"]).astype(str)
    return levels_of(sums, months)


def levels_of(sums: pd.DataFrame, months: Sequence[str]) -> PeerLevels:
    """Return shrunken levels from the sums of ``peer_levels.sql``.

    Parameters
    ----------
    sums : pandas.DataFrame
        Rows of the query, with ``terms`` for the band.
    months : sequence of str
        Whose; the rows of a month are those known on its eve.
    """
    hits, counts = _levels(sums)
    table = pd.concat(
        [sums[["as_of", "segment", "region", "terms"]], hits, counts],
        axis=1,
        keys=["key", "hits", "counts"],
    )
    by_month = {str(month): _month(rows) for month, rows in table.groupby(table["key", "as_of"])}
    shown = [by_month.get(f"{day} 00:00:00", ({}, {})) for day in eves(months)]
    groups = _groups([counts for _, counts in shown])
    return PeerLevels(
        months=list(months),
        groups=[list(key) for key in groups],
        items=[
            [int(counts[key][0]) if key in counts else 0 for key in groups] for _, counts in shown
        ],
        values=[_values(groups, hits, counts) for hits, counts in shown],
    )


def _levels(sums: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return numerator and denominator of every level.

    Dollars of several currencies cannot be added: the late share of each currency's dollars
    counts as often as it has payments.
    """
    paid = sums["paid_items"].astype(float)
    share = (sums["late_cents"] / sums["paid_cents"].where(sums["paid_cents"] > 0)).fillna(0.0)
    hits = {
        "peer_dbt_mean": sums["late_days"],
        "peer_late_share": sums["late_items"],
        "peer_late_30_share": sums["late_30_items"],
        "peer_late_dollars_share": paid * share,
        "peer_days_to_pay_mean": sums["days_to_pay"],
    }
    counts = dict.fromkeys(PAYMENTS, paid)
    for age in AGES:
        name = f"before_{-age}" if age < 0 else f"at_{age}"
        hits[name], counts[name] = sums[f"passed_{name}"], sums[f"reached_{name}"]
    return pd.DataFrame(hits).astype(float), pd.DataFrame(counts).astype(float)


def _month(rows: pd.DataFrame) -> tuple[dict[Key, Floats], dict[Key, Floats]]:
    """Return hits and counts of every kind, segment and the portfolio in one month."""
    hits: dict[Key, Floats] = {}
    counts: dict[Key, Floats] = {}
    keys = rows["key"][["segment", "region", "terms"]].itertuples(index=False, name=None)
    numbers = zip(
        rows["hits"].to_numpy(dtype=float), rows["counts"].to_numpy(dtype=float), strict=True
    )
    for (segment, region, terms), (hit, count) in zip(keys, numbers, strict=True):
        for key in ((segment, region, terms), (segment, ANY, ANY), _PORTFOLIO):
            hits[key] = hits.get(key, 0.0) + hit
            counts[key] = counts.get(key, 0.0) + count
    return hits, counts


def _groups(months: Sequence[Mapping[Key, Floats]]) -> list[Key]:
    found = {key for counts in months for key, count in counts.items() if count[0] >= MIN_ITEMS}
    return [_PORTFOLIO, *sorted(found - {_PORTFOLIO})]


def _values(
    groups: Sequence[Key], hits: Mapping[Key, Floats], counts: Mapping[Key, Floats]
) -> list[list[float | None]]:
    """Return the levels of the groups in one month, each leaning on the one above it.

    A group that was too small in that month has the level above it, however large it grew later:
    what a month shows must not depend on the months after it.
    """
    size = len(PAYMENTS) + len(AGES)
    nothing = np.zeros(size)
    portfolio = np.divide(
        hits.get(_PORTFOLIO, nothing),
        counts.get(_PORTFOLIO, nothing),
        out=np.full(size, np.nan),
        where=counts.get(_PORTFOLIO, nothing) > 0,
    )

    def lean(key: Key, prior: Floats) -> Floats:
        count = counts.get(key, nothing)
        if count[0] < MIN_ITEMS:
            return prior
        shrunken: Floats = (hits.get(key, nothing) + PRIOR_ITEMS * prior) / (count + PRIOR_ITEMS)
        return shrunken

    rows = []
    for key in groups:
        level = portfolio
        if key != _PORTFOLIO:
            level = lean((key[0], ANY, ANY), portfolio)
        if ANY not in key:
            level = lean(key, level)
        rows.append([None if np.isnan(v) else round(float(v), DIGITS) for v in level])
    return rows
