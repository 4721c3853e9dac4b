"""Why an account ranks where it does: collectible × probability × cost, item by item.

The parts are those that were ranked by, in whole cents: they add up to the account's priority
value, whatever has become of the policy file since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.priority import LAST_BUCKET


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedItem:
    """What one item adds to an account's priority value.

    Parameters
    ----------
    invoice_id, bucket : str
        Which item, and how old.
    collectible : float
        What can still be asked for, in document currency.
    probability : float
        Of rolling within 30 days; in the last bucket the share that 30 days usually bring in.
    cost : float
        Per dollar: loss of the next bucket and 30 days of capital; in the last bucket 1.
    cents : int
        The product, rounded to whole cents.
    sentence : str
        The same in words.
    """

    invoice_id: str
    bucket: str
    collectible: float
    probability: float
    cost: float
    cents: int
    sentence: str


def why_ranked(items: Iterable[Mapping[str, Any]], lane: str) -> list[RankedItem]:
    """Return the items of a lane that add to the priority value, the largest first.

    Parameters
    ----------
    items : iterable of mapping
        Items of one account and currency with the columns of ``items.parquet``.
    lane : str
        The account's lane; items of other lanes do not count.

    Examples
    --------
    >>> item = {"invoice_id": "I1", "bucket": "1-30", "lane": "past_due", "collectible": 1000.0,
    ...         "priority_probability": 0.4, "priority_cost": 0.0574, "priority_value": 22.96}
    >>> why_ranked([item], "past_due")[0].sentence
    'I1: 1,000.00 to collect × 40.0 % that it rolls × 0.0574 lost per dollar that does = 22.96'
    """
    ranked = [_ranked(item) for item in items if item["lane"] == lane and item["priority_value"]]
    return sorted(ranked, key=lambda item: (-item.cents, item.invoice_id))


def _ranked(item: Mapping[str, Any]) -> RankedItem:
    probability, cost = item["priority_probability"], item["priority_cost"]
    happens = (
        "that 30 days usually bring in"
        if item["lane"] == LAST_BUCKET
        else f"that it rolls × {cost:.4f} lost per dollar that does"
    )
    return RankedItem(
        invoice_id=item["invoice_id"],
        bucket=item["bucket"],
        collectible=item["collectible"],
        probability=probability,
        cost=cost,
        cents=round(100 * item["priority_value"]),
        sentence=f"{item['invoice_id']}: {item['collectible']:,.2f} to collect × "
        f"{100 * probability:.1f} % {happens} = {item['priority_value']:,.2f}",
    )
