"""The allowance page: roll-rate chain and model side by side, by segment, and overlays."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.ageing import BUCKETS, UNDATED
from features.allowance import AllowanceRow, allowance_rows, losses_given_last
from features.roll_rates import RollRow, band_rates, roll_matrix
from serving.console.notes import Note
from serving.console.past import Past
from serving.console.served import Served
from serving.reports.scores import cents_of
from serving.reports.wording import Amount

FEW_ITEMS = 30
"""A segment's roll rate made of fewer items is replaced by the portfolio's."""

_COLUMNS = ("bucket", "segment", "days_past_due", "open_balance", "p_reach_91_plus")

WHOLE = ""
"""Name of the portfolio where a segment is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceLine:
    """One bucket or band: see ``features.allowance.AllowanceRow``; money in cents."""

    bucket: str
    balance: Amount
    chain_reach: float
    model_reach: float
    loss_given_last: float
    chain: Amount
    model: Amount
    difference: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Both allowances of a segment; ``lines`` add up to its sums to the cent.

    Parameters
    ----------
    name : str
        Segment; empty for accounts without one.
    balance : Amount
        Open balance of its dated items.
    chain, model, difference : Amount
        Sums of its lines.
    chain_share, model_share : float
        Of the balance.
    largest : str
        Bucket in which the two differ most.
    borrowed : tuple of str
        Buckets whose roll rate is the portfolio's, since the segment has too few items.
    lines : tuple of AllowanceLine
        By bucket and band.
    """

    name: str
    balance: Amount
    chain: Amount
    model: Amount
    difference: Amount
    chain_share: float
    model_share: float
    largest: str
    borrowed: tuple[str, ...]
    lines: tuple[AllowanceLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollRate:
    """A bucket's dollar roll rate, and the items and balance it was measured on."""

    bucket: str
    items: int
    balance: Amount
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BandLoss:
    """A band of the last bucket: what 30 days bring in and write off, and the share lost."""

    band: str
    cash: float
    written_off: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """An amount that people add to or take from the model's allowance, and why."""

    number: int
    name: str
    segment: str
    amount: Amount
    reason: str
    author: str
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceView:
    """The page of one currency.

    Parameters
    ----------
    segments : tuple of Segment
        The largest model allowance first.
    total : Segment
        Of all segments, line by line.
    roll_rates : tuple of RollRate
        The portfolio's, over the steps of the last year.
    losses : tuple of BandLoss
        Loss given the last bucket, by band.
    dilution : Amount
        Credit notes expected of the balance within one step, reserved apart.
    undated : Amount
        Balance without a due date, which no rate covers.
    overlays : tuple of Overlay
        In force.
    final : Amount
        Model allowance plus overlays.
    waiting, trouble : bool, str
        Whether the roll rates are still being computed, and why there are none.
    """

    currency: str
    currencies: tuple[str, ...]
    segments: tuple[Segment, ...]
    total: Segment | None
    roll_rates: tuple[RollRate, ...]
    losses: tuple[BandLoss, ...]
    dilution: Amount
    undated: Amount
    overlays: tuple[Overlay, ...]
    overlay_sum: Amount
    final: Amount
    waiting: bool
    trouble: str


def allowance_view(
    served: Served, past: Past | None, currency: str, overlays: tuple[Note, ...] = ()
) -> AllowanceView:
    """Return the page of ``currency``."""
    items = served.items_of(currency, _COLUMNS)
    counts = past.rolls if past is not None else pd.DataFrame()
    own = counts[counts["currency"] == currency] if len(counts) else counts
    measured = band_rates(own) if len(own) else {}
    profile = served.pair.bundle.profile
    bands = measured or {name: (cash, 0.0) for name, cash in profile.cash_rates.items()}
    losses = losses_given_last(bands)
    segments: tuple[Segment, ...] = ()
    matrix: tuple[RollRow, ...] = ()
    if len(own):
        matrix = roll_matrix(own)
        found = [
            _segment(str(name), rows, own[own["segment"] == name], matrix, losses)
            for name, rows in items.groupby("segment", observed=True)
        ]
        segments = tuple(sorted(found, key=lambda one: (-one.model.cents, one.name)))
    total = _total(segments) if segments else None
    listed = tuple(_overlay(note) for note in overlays)
    added = sum(overlay.amount.cents for overlay in listed)
    return AllowanceView(
        currency=currency,
        currencies=served.currencies,
        segments=segments,
        total=total,
        roll_rates=tuple(_rate(row) for row in matrix),
        losses=tuple(
            BandLoss(band=name, cash=bands[name][0], written_off=bands[name][1], loss=loss)
            for name, loss in losses.items()
        ),
        dilution=_dilution(items, matrix),
        undated=Amount(cents=cents_of(items.loc[items["bucket"] == UNDATED, "open_balance"])),
        overlays=listed,
        overlay_sum=Amount(cents=added),
        final=Amount(cents=(total.model.cents if total else 0) + added),
        waiting=past is None,
        trouble="" if past is None else past.trouble,
    )


def _segment(
    name: str,
    rows: pd.DataFrame,
    counts: pd.DataFrame,
    portfolio: tuple[RollRow, ...],
    losses: dict[str, float],
) -> Segment:
    matrix = roll_matrix(counts)
    # The last bucket has no roll rate: what stays there is lost by the bands' rates.
    pairs = list(zip(matrix[:-1], portfolio[:-1], strict=True))
    borrowed = tuple(row.bucket for row, _ in pairs if row.items < FEW_ITEMS)
    rates = [
        (whole if row.items < FEW_ITEMS else row).unresolved if whole.items else 1.0
        for row, whole in pairs
    ]
    lines = allowance_rows(
        rows["days_past_due"].to_numpy(dtype=float),
        rows["open_balance"].to_numpy(dtype=float),
        rows["p_reach_91_plus"].to_numpy(dtype=float),
        rates,
        losses,
    )
    return _summed(name, tuple(_line(row) for row in lines), borrowed)


def _line(row: AllowanceRow) -> AllowanceLine:
    chain, model = round(row.chain * 100), round(row.model * 100)
    return AllowanceLine(
        bucket=row.bucket,
        balance=Amount(cents=round(row.balance * 100)),
        chain_reach=row.chain_reach,
        model_reach=row.model_reach,
        loss_given_last=row.loss_given_last,
        chain=Amount(cents=chain),
        model=Amount(cents=model),
        difference=Amount(cents=model - chain),
    )


def _summed(name: str, lines: tuple[AllowanceLine, ...], borrowed: tuple[str, ...]) -> Segment:
    balance = sum(line.balance.cents for line in lines)
    chain, model = (sum(getattr(line, side).cents for line in lines) for side in ("chain", "model"))
    return Segment(
        name=name,
        balance=Amount(cents=balance),
        chain=Amount(cents=chain),
        model=Amount(cents=model),
        difference=Amount(cents=model - chain),
        chain_share=chain / balance if balance else float("nan"),
        model_share=model / balance if balance else float("nan"),
        largest=max(lines, key=lambda line: abs(line.difference.cents)).bucket,
        borrowed=borrowed,
        lines=lines,
    )


def _total(segments: tuple[Segment, ...]) -> Segment:
    lines = []
    for position, first in enumerate(segments[0].lines):
        parts = [segment.lines[position] for segment in segments]
        balance = sum(part.balance.cents for part in parts)
        weights = [part.balance.cents / balance if balance else 0.0 for part in parts]
        sums = {
            side: sum(getattr(part, side).cents for part in parts)
            for side in ("balance", "chain", "model", "difference")
        }
        lines.append(
            AllowanceLine(
                bucket=first.bucket,
                loss_given_last=first.loss_given_last,
                chain_reach=float(
                    np.nansum([w * p.chain_reach for w, p in zip(weights, parts, strict=True)])
                ),
                model_reach=float(
                    np.nansum([w * p.model_reach for w, p in zip(weights, parts, strict=True)])
                ),
                **{side: Amount(cents=cents) for side, cents in sums.items()},
            )
        )
    return _summed(WHOLE, tuple(lines), ())


def _rate(row: RollRow) -> RollRate:
    return RollRate(
        bucket=row.bucket, items=row.items, balance=Amount(cents=row.cents), rate=row.unresolved
    )


def _dilution(items: pd.DataFrame, matrix: tuple[RollRow, ...]) -> Amount:
    """Return the credit notes that one step usually brings, of the balance by bucket."""
    shares = {row.bucket: row.by_dollars.get("credited", 0.0) for row in matrix}
    cents = sum(
        cents_of(items.loc[items["bucket"] == name, "open_balance"]) * shares.get(name, 0.0)
        for name in BUCKETS
    )
    return Amount(cents=round(cents))


def _overlay(note: Note) -> Overlay:
    return Overlay(
        number=note.number,
        name=note.title,
        segment=note.about,
        amount=Amount(cents=note.amount_cents),
        reason=note.text,
        author=note.author,
        on=note.at.date().isoformat(),
    )
