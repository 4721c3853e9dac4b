"""The page of changes: why an account moved since the last scoring, and what would change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from features.catalogue import FAMILIES
from models.reasons import BASE
from serving.account_moved import STEPS
from serving.account_what_if import KINDS, Scenario
from serving.console.account import money
from serving.console.served import Served
from serving.explain_account import Further, explain_account
from serving.policy import Policy
from serving.reports.wording import Amount

LARGEST_AMOUNT = Decimal(10) ** 12
FAMILIES_SHOWN = 4

SCENARIOS: Mapping[str, str] = {
    "pays": "A payment comes in",
    "keeps_promise": "Every open promise is kept",
    "dispute_closes": "Every open dispute closes, and the amount is owed",
    "dispute_credited": "Every open dispute is credited",
}
"""What can be asked, in the words of the form."""


class QuestionError(ValueError):
    """A question that cannot be asked; the message says what to enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a family adds to a change."""

    title: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step from the last scoring to this one, and the families that moved most in it."""

    words: str
    amount: Amount
    families: tuple[Share, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedView:
    """Why the amount at risk moved; the steps sum to the difference.

    Parameters
    ----------
    news : tuple of (str, tuple of str)
        Ids of the ledger rows shown since, by table.
    """

    since: str
    until: str
    model_before: str
    model_after: str
    before: Amount
    after: Amount
    moved: Amount
    steps: tuple[StepRow, ...]
    news: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """What a scenario would change."""

    sentence: str
    rows: tuple[tuple[str, Amount, Amount], ...]
    moved: Amount
    families: tuple[Share, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesView:
    """The page of one account in one currency.

    Parameters
    ----------
    question, amount : str
        What the form holds.
    answer : AnswerView or None
        None until something is asked.
    moved : MovedView or None
        None where there is no earlier scoring, or the account was not in it.
    """

    account_id: str
    name: str
    currency: str
    currencies: tuple[str, ...]
    at_risk: Amount
    scenarios: tuple[tuple[str, str], ...]
    question: str
    amount: str
    answer: AnswerView | None
    moved: MovedView | None
    remarks: tuple[str, ...]


def read_question(question: str, amount: str, currency: str) -> Scenario | None:
    """Return what the form asks; None when nothing is asked yet.

    Raises
    ------
    QuestionError
        When the kind is unknown, or a payment has no amount above 0.

    Examples
    --------
    >>> read_question("pays", "1,250.50", "USD").amount
    Decimal('1250.50')
    >>> read_question("", "", "USD") is None
    True
    """
    if not question:
        return None
    kinds = {kind: kind for kind in KINDS}
    if question not in kinds:
        raise QuestionError("Choose one of the questions in the form.")
    if question != "pays":
        return Scenario(kind=kinds[question], currency=currency)
    try:
        paid = Decimal(amount.replace(",", "").strip())
    except InvalidOperation:
        paid = Decimal(0)
    if not (paid.is_finite() and 0 < paid < LARGEST_AMOUNT):
        raise QuestionError("Enter what comes in: an amount above 0, such as 1,250.00.")
    return Scenario(kind="pays", currency=currency, amount=paid.quantize(Decimal("0.01")))


def changes_view(
    served: Served,
    account_id: str,
    policy: Policy,
    snapshots: Path,
    *,
    currency: str | None = None,
    question: str = "",
    amount: str = "",
) -> ChangesView:
    """Return the page of an account.

    Raises
    ------
    KeyError
        When the account has nothing open.
    QuestionError, ScenarioError
        When what was asked cannot be, or the account's books do not allow it.
    """
    table = served.pair.table
    if account_id not in table:
        raise KeyError(account_id)
    held = {entry["currency"]: entry for entry in table.account(account_id, 0)}
    currencies = tuple(sorted(held, key=lambda name: (-float(held[name]["open_balance"]), name)))
    chosen = currency if currency is not None and currency in held else currencies[0]
    scenario = read_question(question, amount, chosen)
    further = Further(
        policy=policy, snapshots=snapshots, scenarios=() if scenario is None else (scenario,)
    )
    content = explain_account(served.pair, account_id, None, further)
    moved = next((entry for entry in content["moved"] if entry["currency"] == chosen), None)
    return ChangesView(
        account_id=account_id,
        name=held[chosen]["name"] or account_id,
        currency=chosen,
        currencies=currencies,
        at_risk=money(held[chosen]["dollars_at_risk"]),
        scenarios=tuple(SCENARIOS.items()),
        question=question,
        amount=amount,
        answer=_answer(content["what_if"][0]) if content["what_if"] else None,
        moved=None if moved is None else _moved(moved),
        remarks=tuple(content["notes"]),
    )


def _moved(entry: Mapping[str, Any]) -> MovedView:
    return MovedView(
        since=entry["since"],
        until=entry["until"],
        model_before=entry["model_before"],
        model_after=entry["model_after"],
        before=money(entry["before"]),
        after=money(entry["after"]),
        moved=money(entry["moved"]),
        steps=tuple(
            StepRow(
                words=STEPS[step["step"]],
                amount=money(step["dollars"]),
                families=_shares(step["families"]),
            )
            for step in entry["steps"]
        ),
        news=tuple((name, tuple(ids)) for name, ids in entry["news"].items() if ids),
    )


def _answer(entry: Mapping[str, Any]) -> AnswerView:
    words = {
        "open_balance": "Open balance",
        "collectible": "Collectible",
        "dollars_at_risk": "At risk in 30 days",
    }
    return AnswerView(
        sentence=entry["sentence"],
        rows=tuple(
            (label, money(entry["before"][name]), money(entry["after"][name]))
            for name, label in words.items()
        ),
        moved=money(entry["moved"]),
        families=_shares(entry["families"]),
    )


def _shares(families: Mapping[str, str]) -> tuple[Share, ...]:
    """Return the families that move an amount most, the largest first."""
    shares = [
        Share(title="What is usual" if name == BASE else FAMILIES[name], amount=money(text))
        for name, text in families.items()
    ]
    shares.sort(key=lambda share: (-abs(share.amount.cents), share.title))
    return tuple(shares[:FAMILIES_SHOWN])
