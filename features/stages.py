"""The stages of the feature SQL: their order, their needs and their text.

The ``.sql`` files under ``features/sql`` are the only definition of a feature. Each is one
``select`` over the ledger views (see ``features.ledger.read``), the input tables (see
``features.inputs``) and the results of the stages before it.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

STATE_STAGES = ("credited_sources", "applied", "due_dates", "item_states")
"""Stages that answer what the books showed of each invoice."""

DEBT_STAGES = (*STATE_STAGES, "debts")
"""Stages that answer who owed what, and when."""

ITEM_STAGES = (
    *DEBT_STAGES,
    "open_items",
    "open_accounts",
    "asked_accounts",
)
"""Stages that answer what is open, how much and how old."""

KEPT_STAGES = ("item_states", "source_states")
"""Stages that an import works out for every day (see ``features.ledger.kept``)."""

FOR_ITEM_STATES = ("applied", "due_dates")
"""Stages that ``item_states`` alone is made from."""

LASTING_STAGES = (
    *DEBT_STAGES,
    "source_states",
    "debtors",
    "histories",
    "debtor_receipts",
    "plan_cash",
)
"""Stages that hold every day asked for; the others answer for the dates in hand."""

FEATURE_STAGES = (
    "source_states",
    "debtors",
    "histories",
    "promise_states",
    "unapplied",
    "plan_cash",
    "plan_states",
    "known_disputes",
    "dated_terms",
    "document",
    "ageing",
    "past_ageing",
    "payment_behaviour",
    "pay_days",
    "regularity",
    "recent_payments",
    "peer_items",
    "own_history",
    "life_table",
    "own_rolls",
    "billing",
    "item_against_usual",
    "known_returns",
    "returns",
    "debtor_receipts",
    "receiving",
    "item_returns",
    "disputing",
    "item_disputes",
    "promise_keeping",
    "item_promises",
    "item_plans",
    "credit_use",
    "terms_of_trade",
    "family",
    "due_calendar",
)
"""Stages that describe payment behaviour, in order of their needs."""

PEER_STAGES = ("peer_groups", "peer_levels")
"""Stages that describe all accounts of a kind; a model's profile holds what they say."""


def needed_stages(queries: Iterable[str]) -> tuple[str, ...]:
    """Return the stages that some queries build on, and the queries, in order.

    Examples
    --------
    >>> needed_stages(["known_disputes"])[-3:]
    ('open_accounts', 'asked_accounts', 'known_disputes')
    """
    every = (*ITEM_STAGES, *FEATURE_STAGES)
    needed = {*queries, "open_items"}
    for stage in reversed(every):
        if stage in needed:
            words = _words(stage)
            needed.update(name for name in every if name in words)
    return tuple(stage for stage in every if stage in needed)


def ends(stages: Sequence[str]) -> tuple[str, ...]:
    """Return those of some stages that none of the others reads."""
    return tuple(
        stage
        for stage in stages
        if not any(stage in _words(other) for other in stages if other != stage)
    )


@cache
def _words(stage: str) -> frozenset[str]:
    """Return the words of a query, comments left out."""
    return frozenset(re.findall(r"\w+", re.sub(r"--.*", "", query_text(stage))))


@cache
def query_text(name: str) -> str:
    """Return the text of ``features/sql/<name>.sql``."""
    return resources.files("features.sql").joinpath(f"{name}.sql").read_text("utf-8")
