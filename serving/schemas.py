"""Requests and responses of the service, as they show in ``/docs.json``.

Requests are strict: an unknown key or a wrong type is refused. Money is text with two
decimals in document currency; probabilities are unrounded doubles; a missing value is null.
"""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from serving.actions import ACTIONS
from serving.examples import EXAMPLES
from serving.feedback import OUTCOMES

Money = Annotated[str, Field(pattern=r"^-?\d+\.\d{2}$")]
MaybeMoney = Annotated[str, Field(pattern=r"^-?\d+\.\d{2}$")] | None
Probability = Annotated[float, Field(ge=0, le=1)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


def _strict(example: str) -> ConfigDict:
    """Return the configuration of a request; its errors never repeat what was sent."""
    return ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"example": EXAMPLES[example]},
    )


class ScoreRequest(BaseModel):
    """Score accounts: from the served snapshot, or from ledger rows sent along."""

    model_config = _strict("score")

    account_ids: list[Id] = Field(
        min_length=1, description="Accounts to score, in the order they are answered."
    )
    as_of: dt.date | None = Field(
        default=None,
        description="Day of the scoring; the served snapshot's when left out. Required with "
        "`ledger`.",
    )
    top_reasons: int = Field(
        default=5, ge=0, le=50, description="Families named; the rest is summed as `other`."
    )
    ledger: dict[str, list[dict[str, Any]]] | None = Field(
        default=None,
        description="Rows by table of the ledger contract: `accounts`, `invoices` and "
        "`applications` are required. Dates as ISO text, money as text. Rows of other accounts "
        "(a family) are context. A table that is left out has no rows for these accounts.",
    )


class WorklistRequest(BaseModel):
    """The accounts to work first, within a capacity."""

    model_config = _strict("worklist")

    capacity: int = Field(default=50, ge=1, le=10_000, description="Accounts to list.")
    collector: str | None = Field(default=None, description="Only this collector's accounts.")
    segment: str | None = Field(default=None, description="Only accounts of this segment.")
    include_held: bool = Field(
        default=False,
        description="Also list accounts that a dispute, plan, promise or unapplied cash explains.",
    )
    page_size: int | None = Field(
        default=None, ge=1, le=10_000, description="Accounts on a page; all when left out."
    )
    cursor: str | None = Field(
        default=None,
        max_length=200,
        description="`next_cursor` of the page before. 409 when the list has changed since.",
    )


class ScenarioRequest(BaseModel):
    """Something that could happen on the day of the scoring."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    kind: Literal["pays", "keeps_promise", "dispute_closes", "dispute_credited"] = Field(
        description="`pays` an amount; `keeps_promise`: what open promises lack comes in; "
        "`dispute_closes`: all of it is owed; `dispute_credited`: it is credited."
    )
    currency: Annotated[str, Field(min_length=1, max_length=10)]
    amount: Annotated[str, Field(pattern=r"^\d{1,15}\.\d{2}$")] | None = Field(
        default=None, description="Of `pays`: money as text."
    )
    invoice_id: Id | None = Field(
        default=None, description="Of `pays`: this item first; else the oldest due first."
    )


class ExplainRequest(BaseModel):
    """Why an account scores as it does."""

    model_config = _strict("explain")

    account_id: Id = Field(description="An account with open items in the served snapshot.")
    invoice_id: Id | None = Field(
        default=None,
        description="The open item whose features are shown; the one with most dollars at risk "
        "when left out.",
    )
    moved: bool = Field(
        default=False, description="Also say why the account moved since the last scoring."
    )
    what_if: list[ScenarioRequest] = Field(
        default_factory=list,
        max_length=5,
        description="Also score what could happen, each by itself, through the real pipeline.",
    )


class OutcomeRecord(BaseModel):
    """What a collector did, decides otherwise, or puts off."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    kind: Literal["outcome", "override", "snooze"] = Field(
        description="`outcome`: what was done and what came of it; `override`: another action "
        "than the suggested one; `snooze`: leave the account off the list until a day."
    )
    account_id: Id
    by: str = Field(
        default="", max_length=200, description="Who told it; the caller when left out."
    )
    outcome: str | None = Field(
        default=None,
        max_length=40,
        description=f"Required for outcomes: {', '.join(f'`{name}`' for name in OUTCOMES)}.",
    )
    action: str | None = Field(
        default=None,
        max_length=40,
        description="What was done, or is to be done instead; required for overrides: "
        f"{', '.join(f'`{name}`' for name in ACTIONS)}.",
    )
    reason: str = Field(
        default="", max_length=500, description="Why, in words; required for overrides, snoozes."
    )
    until: dt.date | None = Field(
        default=None, description="Last day that a snooze or override stands; required for snoozes."
    )
    request_id: str | None = Field(
        default=None, max_length=64, description="The worklist that this answers."
    )


class OutcomesRequest(BaseModel):
    """What collectors tell back; never read by a feature of the model."""

    model_config = _strict("outcomes")

    records: list[OutcomeRecord] = Field(
        min_length=1, max_length=1000, description="All are stored, or none."
    )


class Part(BaseModel):
    """Anything that is answered: no field but those described."""

    model_config = ConfigDict(extra="forbid")


class Reason(Part):
    """What a family of features adds to the dollars at risk."""

    family: str = Field(description="Key of the family; the last two are `other` and `base`.")
    sentence: str = Field(description="What the strongest feature shows, in words.")
    dollars: Money = Field(description="Reasons of an account sum to its `dollars_at_risk`.")


class ScoredItem(Part):
    """One open item."""

    invoice_id: str
    currency: str
    bucket: str = Field(description="`current`, `1-30`, `31-60`, `61-90`, `91+` or `undated`.")
    days_past_due: int | None = Field(description="Negative before the due date; null if undated.")
    due_on: dt.date | None
    open_balance: Money
    collectible: Money = Field(description="Open balance less the four parts that follow.")
    unapplied: Money
    disputed: Money
    planned: Money
    promised: Money
    exposed: bool = Field(description="Whether it would stand in the next bucket in 30 days.")
    p_roll: Probability | None = Field(description="P(rolls within 30 days); null if not exposed.")
    p_open_7: Probability = Field(description="P(unresolved after 7 days).")
    p_open_14: Probability
    p_open_30: Probability
    p_open_60: Probability
    p_open_90: Probability
    p_open_120: Probability
    p_reach_1_30: Probability | None = Field(description="P(ever reaches the bucket).")
    p_reach_31_60: Probability | None
    p_reach_61_90: Probability | None
    p_reach_91_plus: Probability | None
    balance_expected_to_roll: Money
    dollars_expected_to_roll: Money
    dollars_expected_to_stay: Money
    dollars_at_risk: Money
    lane: str
    priority_probability: Probability = Field(
        description="Of rolling; in the last bucket the share that 30 days usually bring in."
    )
    priority_cost: float = Field(ge=0, description="Per dollar that rolls; 1 in the last bucket.")
    priority_value: MaybeMoney = Field(description="collectible × probability × cost.")
    fallback: str = Field(
        description="Empty, or why the roll-rate matrix answered, alone or in part."
    )


class Hold(Part):
    """Why an account is left in peace for now."""

    kind: str
    reason: str
    ends: str = Field(description="What ends it.")
    until: dt.date | None = Field(description="Last day it stands, where that is known.")


class AccountFields(Part):
    """What every route says of an account in one currency."""

    account_id: str
    currency: str = Field(description="Amounts are never added across currencies.")
    name: str | None
    segment: str | None
    region: str | None
    collector: str | None
    is_natural_person: bool | None
    open_balance: Money
    collectible: Money
    open_current: Money
    open_1_30: Money
    open_31_60: Money
    open_61_90: Money
    open_91_plus: Money
    undated: Money
    collectible_current: Money
    collectible_1_30: Money
    collectible_31_60: Money
    collectible_61_90: Money
    collectible_91_plus: Money
    collectible_undated: Money
    unapplied_cash: Money
    disputed: Money
    on_plan: Money
    promised: Money
    dollars_expected_to_roll: Money
    dollars_expected_to_stay: Money
    dollars_at_risk: Money
    balance_expected_to_roll: Money
    p_roll: Probability | None = Field(description="Collectible-weighted over exposed items.")
    oldest_days_past_due: int | None
    lane: str = Field(description="`past_due`, `due_soon`, `last_bucket` or empty.")
    priority_value: MaybeMoney = Field(description="Value of working the account's lane.")
    hold: str = Field(description="Empty, or the kind of the hold that leads.")
    hold_reason: str = Field(description="Why it is held, in words.")
    hold_until: dt.date | None
    holds: list[Hold] = Field(description="All that holds it, the leading one first.")
    action: str = Field(
        description="Suggested action; `propose_…` waits for a manager's signature."
    )
    why: str = Field(description="Why that action.")
    overridden_by: str = Field(description="Who decided otherwise; empty when nobody did.")
    principal_reasons: list[str] = Field(
        description="What a notice must name; of accounts that are, or may be, natural persons."
    )
    reasons: list[Reason]


class ScoredAccount(AccountFields):
    """An account in one currency with its open items."""

    items: list[ScoredItem]


class RankedItem(Part):
    """What one item adds to the priority value."""

    invoice_id: str
    bucket: str
    collectible: Money
    probability: Probability
    cost: float = Field(ge=0)
    value: Money = Field(description="collectible × probability × cost, to the cent.")
    sentence: str


class ListedAccount(AccountFields):
    """An account on the worklist."""

    position: int = Field(ge=1, description="Place on this list.")
    rank: int = Field(ge=1, description="Rank within lane and currency over all accounts.")
    assigned_to: str = Field(description="Whose list it is on; empty when it is nobody's.")
    explored: bool = Field(description="Drawn by chance, to measure what working changes.")
    propensity: Probability = Field(description="With which it was drawn; 1 when not by chance.")
    why_ranked: list[RankedItem] = Field(description="They sum to `priority_value`.")


class AnswerHead(Part):
    """What every answer begins with."""

    request_id: str = Field(description="Also the header `X-Request-ID`; names the audit row.")
    model_version: str
    as_of: dt.date
    ledger_digest: str
    feature_digest: str


class ScoreResponse(AnswerHead):
    """Scores of the accounts asked for."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLES["score_response"]})

    accounts: list[ScoredAccount]


class Lane(Part):
    """A lane of the worklist and its share of the capacity."""

    lane: str
    share: float = Field(ge=0, le=1)
    seats: int = Field(ge=0, description="Accounts the share amounts to.")
    listed: int = Field(ge=0, description="Accounts listed; free seats go to the other lanes.")
    waiting: int = Field(ge=0, description="Accounts that stand in the lane, held ones too.")


class WorklistResponse(AnswerHead):
    """The accounts to work first."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLES["worklist_response"]})

    capacity: int
    lanes: list[Lane]
    accounts: list[ListedAccount]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class OutcomesResponse(Part):
    """What was stored."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLES["outcomes_response"]})

    request_id: str = Field(description="Also the header `X-Request-ID`; names the stored records.")
    stored: int = Field(ge=1, description="Records, all of them.")
    at: dt.datetime = Field(description="When they were stored; the day they count from.")
    not_listed: list[str] = Field(
        description="Accounts without open items in the served snapshot: paid, or misspelt."
    )


class ErrorDetail(Part):
    """One thing that is wrong."""

    where: str = Field(description="Path into the request, positions from 0.")
    rule: str
    value: JsonValue = Field(description="Card numbers and IBANs are never repeated.")


class ErrorContent(Part):
    """What went wrong."""

    code: str
    message: str
    details: list[ErrorDetail]


class ErrorResponse(Part):
    """The one shape of every error."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLES["error"]})

    error: ErrorContent
