"""The steps from an average balance to the amount at risk, as a waterfall shows them.

The base comes first, then the age of the invoices, which stands apart from behaviour, then
the other families from the largest rise to the largest fall, and the amount at risk last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from features.catalogue import FAMILIES
from models.reasons import AGE_FAMILY, BASE, BASE_SENTENCE, Reason
from serving.reports.wording import Amount

Kind = Literal["base", "age", "family", "other", "total"]

BASE_LABEL = "Average open invoice"
TOTAL_LABEL = "At risk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a waterfall.

    Parameters
    ----------
    kind : str
        ``base`` and ``total`` stand on zero, the others on the step before.
    label : str
        Name of the family.
    sentence : str
        What is known, in words; empty where there is none.
    amount : Amount
        What the step adds; of ``total``, where the steps arrive.
    start, end : int
        Cents between which the step's bar lies.
    """

    kind: Kind
    label: str
    sentence: str
    amount: Amount
    start: int
    end: int


def portfolio_steps(drivers: Mapping[str, float]) -> tuple[Step, ...]:
    """Return the steps of a portfolio from its ``drivers``, all families shown.

    Examples
    --------
    >>> steps = portfolio_steps({"disputes": 2.5, "item_age": -1.0, "base": 10.0})
    >>> [(step.kind, step.start, step.end) for step in steps]
    [('base', 0, 1000), ('age', 1000, 900), ('family', 900, 1150), ('total', 0, 1150)]
    """
    return _steps(
        [
            Reason(family=family, sentence="", dollars=dollars)
            for family, dollars in drivers.items()
            if family == BASE or round(dollars * 100)
        ]
    )


def account_steps(reasons: Sequence[Reason], *, shown: int = 6) -> tuple[Step, ...]:
    """Return the steps of an account: the ``shown`` largest families, the rest in one.

    Families count by the size of what they add or take; base and age are always shown.

    Examples
    --------
    >>> reasons = [Reason(family=family, sentence="", dollars=dollars) for family, dollars in
    ...            [("disputes", 5.0), ("returns", 3.0), ("calendar", -4.0), ("base", 2.0)]]
    >>> for step in account_steps(reasons, shown=1):
    ...     print(step.label, step.amount.cents)
    Average open invoice 200
    Disputes 500
    2 smaller families -100
    At risk 600
    """
    apart = [reason for reason in reasons if reason["family"] in (BASE, AGE_FAMILY)]
    families = [reason for reason in reasons if reason["family"] not in (BASE, AGE_FAMILY)]
    families.sort(key=lambda reason: (-abs(reason["dollars"]), reason["family"]))
    # Folding a single family into "other" would save no line and hide its name.
    kept = families if len(families) == shown + 1 else families[:shown]
    return _steps([*apart, *kept], rest=families[len(kept) :])


def _steps(reasons: Sequence[Reason], rest: Sequence[Reason] = ()) -> tuple[Step, ...]:
    base = sum(_cents(reason) for reason in reasons if reason["family"] == BASE)
    age = [reason for reason in reasons if reason["family"] == AGE_FAMILY]
    others = [reason for reason in reasons if reason["family"] not in (BASE, AGE_FAMILY)]
    others.sort(key=lambda reason: (-reason["dollars"], reason["family"]))
    level = base
    steps = [_step("base", BASE_LABEL, BASE_SENTENCE, base, start=0)]
    for reason in (*age, *others):
        kind: Kind = "age" if reason["family"] == AGE_FAMILY else "family"
        label, sentence = _label(reason), reason["sentence"]
        steps.append(_step(kind, label, sentence, _cents(reason), start=level))
        level = steps[-1].end
    if rest:
        names = ", ".join(_label(reason).lower() for reason in rest)
        cents = sum(_cents(reason) for reason in rest)
        label = f"{len(rest)} smaller families"
        steps.append(_step("other", label, f"Together: {names}", cents, start=level))
        level = steps[-1].end
    return (*steps, _step("total", TOTAL_LABEL, "", level, start=0))


def _step(kind: Kind, label: str, sentence: str, cents: int, *, start: int) -> Step:
    return Step(
        kind=kind,
        label=label,
        sentence=sentence,
        amount=Amount(cents=cents),
        start=start,
        end=start + cents,
    )


def _label(reason: Reason) -> str:
    return FAMILIES.get(reason["family"], reason["family"])


def _cents(reason: Reason) -> int:
    return round(reason["dollars"] * 100)
