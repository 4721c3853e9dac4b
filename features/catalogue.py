"""Every feature: its name, family, unit, range, direction and the sentence people read.

The catalogue is the only list of features, one a line in ``catalogue.csv``. ``features.build``
selects exactly these columns from the family queries, the model trains on them in this order,
explanations group them by family, and the feature page is generated from them.

``sentence`` is a template about the account or the invoice; ``{value}`` is filled with the
value in the feature's unit. What a row of a query stands for, and the optional ledger tables
behind it, belong to the query: where a source does not have them the value is missing, never
zero.
"""

import csv
import hashlib
from importlib import resources

from features.feature import FAMILIES, Feature, FeatureQuery

__all__ = [
    "CATALOGUE",
    "FAMILIES",
    "MODEL_FEATURES",
    "MODEL_NAMES",
    "NAMES",
    "PEERS",
    "PEER_NAMES",
    "QUERIES",
    "Feature",
    "feature_digest",
]

QUERIES: dict[str, FeatureQuery] = {
    query.name: query
    for query in (
        FeatureQuery(name="document", grain="item"),
        FeatureQuery(name="item_against_usual", grain="item"),
        FeatureQuery(name="ageing", grain="account_currency"),
        FeatureQuery(name="past_ageing", grain="account_currency"),
        FeatureQuery(name="payment_behaviour", grain="account"),
        FeatureQuery(name="regularity", grain="account"),
        FeatureQuery(name="recent_payments", grain="account"),
        FeatureQuery(name="own_history", grain="item"),
        FeatureQuery(name="life_table", grain="item"),
        FeatureQuery(name="own_rolls", grain="account"),
        FeatureQuery(name="billing", grain="account_currency"),
        FeatureQuery(name="returns", grain="account", needs=("receipts", "receipt_returns")),
        FeatureQuery(name="receiving", grain="account", needs=("receipts", "receipt_returns")),
        FeatureQuery(name="item_returns", grain="item", needs=("receipt_returns",)),
        FeatureQuery(name="disputing", grain="account_currency", needs=("disputes",)),
        FeatureQuery(name="item_disputes", grain="item", needs=("disputes",)),
        FeatureQuery(name="promise_keeping", grain="account", needs=("promises", "receipts")),
        FeatureQuery(name="item_promises", grain="item", needs=("promises",)),
        FeatureQuery(name="item_plans", grain="item", needs=("installments",)),
        FeatureQuery(name="credit_use", grain="account_currency", needs=("receipts", "credits")),
        FeatureQuery(name="terms_of_trade", grain="account_currency", needs=("account_changes",)),
        FeatureQuery(name="family", grain="account_currency", needs=("account_changes",)),
        FeatureQuery(name="due_calendar", grain="item"),
        FeatureQuery(name="peer_levels", grain="item"),
    )
}
"""Queries of ``features/sql`` that yield features, what a row stands for and what they need."""


def read_catalogue(text: str) -> tuple[Feature, ...]:
    """Return the features that the lines of ``catalogue.csv`` describe.

    Raises
    ------
    ValueError
        When a line names an unknown family, query, unit or direction.

    Examples
    --------
    >>> head = "family,name,unit,direction,query,about,sentence"
    >>> line = "item_age,age_days,days,mixed,document,invoice,was issued {value} days ago"
    >>> read_catalogue(head + chr(10) + line)[0].high
    3650.0
    """
    features = []
    for row in csv.DictReader(text.splitlines(), strict=True):
        query = QUERIES.get(row["query"])
        if query is None:
            raise ValueError(
                f"Feature {row['name']!r}: unknown query {row['query']!r}. Add it to QUERIES."
            )
        features.append(query.feature(**{key: row[key] for key in row if key != "query"}))
    return tuple(features)


CATALOGUE: tuple[Feature, ...] = read_catalogue(
    resources.files("features").joinpath("catalogue.csv").read_text("utf-8")
)

NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)

PEERS: tuple[Feature, ...] = read_catalogue(
    resources.files("features").joinpath("peers.csv").read_text("utf-8")
)
"""What the levels of a model's profile say of an item; no query of the ledger alone does."""

PEER_NAMES: tuple[str, ...] = tuple(feature.name for feature in PEERS)

MODEL_FEATURES: tuple[Feature, ...] = (*CATALOGUE, *PEERS)
"""Every feature that a model may read, in the order of its inputs."""

MODEL_NAMES: tuple[str, ...] = (*NAMES, *PEER_NAMES)


def feature_digest(names: tuple[str, ...] = NAMES) -> str:
    """Return the short digest that names this list of features and their SQL.

    Two models with the same digest read the same columns from the same queries, the stages
    that these queries build on included.

    Examples
    --------
    >>> len(feature_digest())
    16
    """
    from features.inputs import HALF_LIFE_DAYS, LOOKS_BACK_DAYS  # noqa: PLC0415 (beside it)
    from features.return_codes import return_codes  # noqa: PLC0415 (beside it)
    from features.stages import (  # noqa: PLC0415 (beside it)
        FEATURE_STAGES,
        ITEM_STAGES,
        PEER_STAGES,
        query_text,
    )
    from features.usual_curve import KNOTS  # noqa: PLC0415 (beside it)

    digest = hashlib.sha256()
    for feature in MODEL_FEATURES:
        if feature.name in names or feature in PEERS:
            digest.update(f"{feature.name}|{feature.query}|{feature.grain}\n".encode())
    for stage in (*ITEM_STAGES, *FEATURE_STAGES, *PEER_STAGES):
        digest.update(query_text(stage).encode())
    fixed = (KNOTS, HALF_LIFE_DAYS, LOOKS_BACK_DAYS, return_codes().digest)
    digest.update(repr(fixed).encode())
    return digest.hexdigest()[:16]
