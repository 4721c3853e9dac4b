"""The answer of ``/v1/explain``, as it shows in ``/docs.json``."""

import datetime as dt

from pydantic import ConfigDict, Field

from serving.examples import EXAMPLES
from serving.schemas import AccountFields, AnswerHead, MaybeMoney, Money, Part, ScoredItem


class ExplainedItem(ScoredItem):
    """An open item with its contributions, by family and `base`."""

    log_odds: dict[str, float] = Field(description="They sum to the margin.")
    probability: dict[str, float] = Field(description="They sum to `p_open_30`.")
    dollars: dict[str, Money] = Field(description="They sum to the item's `dollars_at_risk`.")


class Contribution(Part):
    """What a family, a feature or the base adds at the account, in one currency.

    Log-odds and probability points are means over its items at risk, weighted by what can be
    collected of them.
    """

    log_odds: float
    probability: float
    dollars: Money


class Total(Contribution):
    """What base and families add up to."""

    collectible: Money = Field(description="Of items with dollars at risk.")


class ExplainedFeature(Part):
    """A feature beside what is usual."""

    name: str
    family: str
    grain: str = Field(description="`item`: of the explained invoice; `account`: of all items.")
    unit: str
    sentence: str = Field(description="The value in words; empty when it is missing.")
    value: float | None
    own_norm: float | None = Field(
        description="Median over the account's open items at the 12 month-ends before as_of."
    )
    segment_median: float | None = Field(description="Of the training portfolio's segment.")
    log_odds: float
    probability: float = Field(description="Points that it adds to the explained invoice.")
    dollars: Money = Field(description="Of the explained invoice; a family's features sum to it.")
    account: dict[str, Contribution] = Field(description="What it adds at the account.")


class ExplainedFamily(Part):
    """A family of features with the ledger rows behind it."""

    family: str
    title: str
    sentence: str
    dollars: dict[str, Money] = Field(description="By currency.")
    features: list[ExplainedFeature]
    evidence: dict[str, list[str]] = Field(description="Ids of the newest rows, by table.")
    invoice_evidence: dict[str, list[str]] = Field(
        description="Ids of the newest rows that name the explained invoice."
    )
    account: dict[str, Contribution] = Field(description="By currency.")


class Base(Part):
    """What an average item would carry."""

    sentence: str
    dollars: dict[str, Money]
    account: dict[str, Contribution] = Field(description="By currency.")


class MovedStep(Part):
    """One step of the way from the last scoring to this one."""

    step: str = Field(description="`restated`, `model`, `ageing` or `new_data`.")
    sentence: str
    dollars: Money
    families: dict[str, Money] = Field(description="Those that the step moves, and `base`.")
    items: dict[str, Money] = Field(description="Invoices that the step moves.")


class MovedAccount(Part):
    """Why the dollars at risk moved since the last scoring, in one currency."""

    currency: str
    since: dt.date
    until: dt.date
    model_before: str
    model_after: str
    before: Money
    after: Money
    moved: Money
    steps: list[MovedStep] = Field(description="They sum to `moved`.")
    news: dict[str, list[str]] = Field(description="Ids of rows shown since, by table.")


class ShortScore(Part):
    """An account's figures in one currency."""

    open_balance: Money
    collectible: Money
    dollars_at_risk: Money


class ScenarioAnswer(Part):
    """What a scenario would change."""

    kind: str
    currency: str
    amount: MaybeMoney
    invoice_id: str | None
    sentence: str
    before: ShortScore
    after: ShortScore
    moved: Money
    families: dict[str, Money] = Field(description="Families that move, and `base`.")
    rows: dict[str, list[str]] = Field(description="Ids of the rows it would leave, by table.")


class ExplainedAccount(AccountFields):
    """An account in one currency."""


class ExplainResponse(AnswerHead):
    """Why an account scores as it does."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLES["explain_response"]})

    account_id: str
    accounts: list[ExplainedAccount]
    items: list[ExplainedItem]
    explained_invoice_id: str
    families: list[ExplainedFamily]
    base: Base
    totals: dict[str, Total] = Field(description="By currency.")
    moved: list[MovedAccount] = Field(description="By currency; empty unless asked for.")
    what_if: list[ScenarioAnswer]
    notes: list[str] = Field(description="What could not be shown, and why.")
