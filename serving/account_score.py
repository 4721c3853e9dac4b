"""One account scored again through the real pipeline: what comparisons over time are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from features.catalogue import MODEL_NAMES
from features.engines import EngineOptions
from features.ledger.read import Ledger
from models.bundle import Bundle
from models.contributions import Level, Parts, sum_up
from models.explain import FAMILY_NAMES, MATRIX_FAMILY
from models.reasons import BASE
from serving.policy import Policy
from serving.scoring import score_ledger
from serving.store import ServedPair

NAMES: tuple[str, ...] = (*FAMILY_NAMES, BASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountScore:
    """An account's dollars at risk in one currency, where they come from, and its items.

    Parameters
    ----------
    families : mapping of str to int
        Cents at risk by family, and ``base``.
    items : mapping of str to int
        Cents at risk by open invoice.
    open_cents, collectible_cents : int
        Sums over the open items.
    """

    families: Mapping[str, int]
    items: Mapping[str, int]
    open_cents: int
    collectible_cents: int

    @property
    def cents(self) -> int:
        """Cents at risk."""
        return sum(self.items.values())


NOTHING = AccountScore(
    families=dict.fromkeys(NAMES, 0), items={}, open_cents=0, collectible_cents=0
)
"""An account without open items."""


def score_account(
    ledger: Ledger, account_id: str, as_of: date, bundle: Bundle, policy: Policy
) -> dict[str, AccountScore]:
    """Score an account on a day, by currency; no entry where nothing is open.

    Parameters
    ----------
    ledger : Ledger
        Rows of the account and of its family.
    account_id : str
        Whose.
    as_of : datetime.date
        The day.
    bundle : Bundle
        The model; must read the features that this version computes.
    policy : Policy
        Changes no dollar at risk.
    """
    scoring = score_ledger(
        ledger, as_of, bundle, policy, options=EngineOptions(threads=1, standing=True)
    )
    mine = (scoring.items["account_id"] == account_id).to_numpy()
    found = {}
    for currency in sorted(set(scoring.items.loc[mine, "currency"])):
        rows = np.flatnonzero(mine & (scoring.items["currency"] == currency).to_numpy())
        ids = scoring.items["invoice_id"].iloc[rows].tolist()
        found[currency] = make_score(
            ids,
            scoring.cents[rows],
            owed=int(scoring.netting.open_cents[rows].sum()) / 100,
            asked=int(scoring.netting.collectible_cents[rows].sum()) / 100,
        )
    return found


def make_score(
    invoice_ids: list[str], cents: npt.NDArray[np.int64], *, owed: float, asked: float
) -> AccountScore:
    """Return the score of items that belong together.

    Parameters
    ----------
    invoice_ids : list of str, length n
        The items.
    cents : numpy.ndarray of int64, shape (n, n_families + 1)
        Cents at risk by family, base last.
    owed, asked : float
        Open balance and collectible, in document currency.
    """
    return AccountScore(
        families=dict(zip(NAMES, cents.sum(axis=0).tolist(), strict=True)),
        items=dict(zip(invoice_ids, cents.sum(axis=1).tolist(), strict=True)),
        open_cents=round(100 * owed),
        collectible_cents=round(100 * asked),
    )


def stored_parts(
    pair: ServedPair, account_id: str
) -> tuple[dict[str, Parts], dict[str, list[str]]]:
    """Return the stored contributions of an account's items, and their invoices, by currency."""
    rows = pair.evidence_of(account_id)
    start, end = pair.table.item_rows[account_id]
    items = {name: values[start:end] for name, values in pair.table.items.items()}
    none = np.zeros(rows.num_rows)
    log_odds = np.column_stack(
        [
            rows[f"log_odds_{name}"].to_numpy() if f"log_odds_{name}" in rows.column_names else none
            for name in MODEL_NAMES
        ]
    )
    cents = np.column_stack([rows[f"cents_{name}"].to_numpy() for name in NAMES])
    parts, ids = {}, {}
    for currency in sorted(set(items["currency"].tolist())):
        own = np.flatnonzero(items["currency"] == currency)
        ids[currency] = items["invoice_id"][own].tolist()
        parts[currency] = Parts(
            log_odds=log_odds[own],
            pull=pair.table.log_odds[start:end][own, FAMILY_NAMES.index(MATRIX_FAMILY)],
            base=pair.table.log_odds[start:end][own, -1],
            probability_base=rows["probability_base"].to_numpy()[own],
            scale=rows["scale"].to_numpy()[own],
            cents=cents[own],
            collectible_cents=np.rint(100 * items["collectible"][own]).astype(np.int64),
        )
    return parts, ids


def stored_score(pair: ServedPair, account_id: str) -> dict[str, AccountScore]:
    """Return the account's score as the snapshot has it, by currency."""
    if account_id not in pair.table:
        return {}
    parts, ids = stored_parts(pair, account_id)
    found = {}
    for currency, own in parts.items():
        items = pair.table.raw_items(account_id, currency)
        owed = sum(item["open_balance"] for item in items)
        asked = int(own.collectible_cents.sum()) / 100
        found[currency] = make_score(ids[currency], own.cents, owed=owed, asked=asked)
    return found


def stored_levels(pair: ServedPair, account_id: str) -> dict[str, Level]:
    """Return what families and features add to the account, by currency."""
    parts, _ = stored_parts(pair, account_id)
    return {currency: sum_up(own) for currency, own in parts.items()}
