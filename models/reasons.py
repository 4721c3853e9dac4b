"""Reasons in words and in dollars: the families behind a figure, each with a sentence.

A reason names a family, says in one sentence what its strongest feature shows, and gives the
dollars it adds to or takes from ``dollars_at_risk``. The age of the invoices stands apart
from behaviour, after it; ``base`` is what the average item would carry. All reasons of an
account sum to its dollars at risk, to the cent.
"""

import re
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from features.catalogue import FAMILIES, MODEL_FEATURES, Feature
from models.explain import FAMILY_NAMES, MATRIX_FAMILY, Explanation

Floats = npt.NDArray[np.float64]
Cents = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int64]

AGE_FAMILY = "item_age"
BASE, OTHER = "base", "other"
BASE_SENTENCE = "What an average open invoice would carry"
_NAMED: dict[str, tuple[str, ...]] = {
    "billing_kind": ("recurring", "usage", "one-off"),
    "due_weekday": (
        "",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ),
    "due_month": (
        *("", "January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
"""Names of the codes that people would not read as numbers."""


class Reason(TypedDict):
    """One reason: its family, a sentence, and dollars in document currency."""

    family: str
    sentence: str
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What sentences are made from, of n items.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (n, len(MODEL_FEATURES))
        What the model read.
    explanation : Explanation
        Contributions.
    invoice_id, fallback : numpy.ndarray of str, shape (n,)
        The items, and why the matrix has a part in their answers.
    """

    values: Floats
    explanation: Explanation
    invoice_id: npt.NDArray[np.object_]
    fallback: npt.NDArray[np.object_]


_FORMATS = {
    "share": "{:.0f} %",
    "change": "{:+z.0f} points",
    "slope": "{:z.1f}",
    "money": "{:z,.2f}",
    "ratio": "{:z.1f}",
}
_IN_HUNDREDTHS = ("share", "change")


def format_value(feature: Feature, value: float) -> str:
    """Return a value as people read it.

    Examples
    --------
    >>> by_name = {feature.name: feature for feature in MODEL_FEATURES}
    >>> format_value(by_name["late_share_365"], 0.456)
    '46 %'
    >>> format_value(by_name["item_amount"], 1234.5)
    '1,234.50'
    """
    if feature.name in _NAMED:
        return _NAMED[feature.name][int(value)]
    template = _FORMATS.get(feature.unit, "{:z,.0f}")
    return template.format(100 * value if feature.unit in _IN_HUNDREDTHS else value)


def sentence(feature: Feature, value: float, invoice_id: str) -> str:
    """Return the feature's sentence about an invoice or its account."""
    subject = f"Invoice {invoice_id}" if feature.about == "invoice" else "The account"
    return f"{subject} {predicate(feature, value)}"


def predicate(feature: Feature, value: float) -> str:
    """Return what a feature says of its subject.

    Examples
    --------
    >>> by_name = {feature.name: feature for feature in MODEL_FEATURES}
    >>> predicate(by_name["dbt_mean_365"], 1.0)
    'paid 1 day beyond terms in a year'
    >>> predicate(by_name["dbt_mean_365"], -12.4)
    'paid 12 days early in a year'
    >>> predicate(by_name["days_past_due"], 0.0)
    'is due today'
    """
    if feature.name == "days_past_due" and value == 0:
        return "is due today"
    shown = format_value(feature, value)
    if feature.below_zero and shown.startswith("-"):
        words = feature.below_zero.format(value=shown[1:])
    else:
        words = feature.sentence.format(value=shown)
    return _ONE_DAY.sub(r"1 \1day", words)


_ONE_DAY = re.compile(r"(?<![\d.,])1 (business )?days\b")


def matrix_sentence(fallback: str) -> str:
    """Return why the roll-rate matrix has a part in an answer, as a sentence.

    Examples
    --------
    >>> matrix_sentence("matrix 40%: the account has paid 3 invoices in a year")
    'The roll-rate matrix has 40% of the answer: the account has paid 3 invoices in a year'
    """
    if not fallback:
        return f"{FAMILIES[MATRIX_FAMILY]}: nothing is on record"
    share, _, why = fallback.removeprefix("matrix ").partition(": ")
    return f"The roll-rate matrix has {share} of the answer: {why}"


def family_sentences(
    evidence: Evidence, rows: Indices, family: str, rising: npt.NDArray[np.bool_]
) -> list[str]:
    """Return for each row the sentence of the family's feature that pushes hardest.

    Parameters
    ----------
    evidence : Evidence
        Of all items.
    rows : numpy.ndarray of int64, shape (m,)
        Items to speak about.
    family : str
        Which family.
    rising : numpy.ndarray of bool, shape (m,)
        Whether the family raises the figure; the feature must push the same way.
    """
    if family == MATRIX_FAMILY:
        return [matrix_sentence(str(evidence.fallback[row])) for row in rows.tolist()]
    members = np.array(
        [index for index, feature in enumerate(MODEL_FEATURES) if feature.family == family]
    )
    push = evidence.explanation.features[np.ix_(rows, members)]
    push = np.where(rising[:, None], push, -push)
    values = evidence.values[np.ix_(rows, members)]
    silent = np.isnan(values)
    for column, member in enumerate(members):
        if MODEL_FEATURES[member].unit == "flag":
            silent[:, column] |= values[:, column] != 1
    push = np.where(silent, -np.inf, push)
    best = np.argmax(push, axis=1)
    result = []
    for position, (row, column) in enumerate(zip(rows, best, strict=True)):
        if push[position, column] == -np.inf:
            result.append(f"{FAMILIES[family]}: nothing is on record")
        else:
            feature = MODEL_FEATURES[members[column]]
            value = float(values[position, column])
            result.append(sentence(feature, value, str(evidence.invoice_id[row])))
    return result


def account_reasons(
    evidence: Evidence, cents: Cents, group: Indices, groups: int
) -> list[list[Reason]]:
    """Return the reasons of every account, families by dollars, then age, then base.

    Parameters
    ----------
    evidence : Evidence
        Of all items.
    cents : numpy.ndarray of int64, shape (n, n_families + 1)
        Cents at risk by family and base.
    group : numpy.ndarray of int64, shape (n,)
        Account of each item, from 0 to ``groups`` - 1.
    groups : int
        Number of accounts.
    """
    reasons: list[list[Reason]] = [[] for _ in range(groups)]
    for column, family in enumerate(FAMILY_NAMES):
        total = np.zeros(groups, dtype=np.int64)
        np.add.at(total, group, cents[:, column])
        touched = np.flatnonzero(total)
        if not len(touched):
            continue
        rising = total > 0
        push = np.where(rising[group], cents[:, column], -cents[:, column])
        order = np.lexsort((np.arange(len(push)), -push, group))
        first = order[np.searchsorted(group[order], touched)]
        sentences = family_sentences(evidence, first, family, rising[touched])
        for touched_account, text in zip(touched.tolist(), sentences, strict=True):
            reasons[touched_account].append(
                Reason(family=family, sentence=text, dollars=float(total[touched_account]) / 100)
            )
    base = np.zeros(groups, dtype=np.int64)
    np.add.at(base, group, cents[:, -1])
    for account, found in enumerate(reasons):
        found.sort(key=lambda reason: (reason["family"] == AGE_FAMILY, -reason["dollars"]))
        if base[account]:
            found.append(
                Reason(family=BASE, sentence=BASE_SENTENCE, dollars=float(base[account]) / 100)
            )
    return reasons


def top_reasons(reasons: list[Reason], count: int) -> list[Reason]:
    """Return the first ``count`` families, the rest summed as ``other``, and ``base``.

    Examples
    --------
    >>> rows = [Reason(family=f, sentence=f, dollars=d) for f, d in
    ...         [("disputes", 5.0), ("returns", 3.0), ("calendar", -1.0), ("base", 2.0)]]
    >>> [(reason["family"], reason["dollars"]) for reason in top_reasons(rows, 1)]
    [('disputes', 5.0), ('other', 2.0), ('base', 2.0)]
    """
    families = [reason for reason in reasons if reason["family"] != BASE]
    base = [reason for reason in reasons if reason["family"] == BASE]
    shown, rest = families[:count], families[count:]
    if rest:
        dollars = round(sum(reason["dollars"] for reason in rest), 2)
        names = ", ".join(FAMILIES[reason["family"]].lower() for reason in rest)
        shown = [*shown, Reason(family=OTHER, sentence=f"Also: {names}", dollars=dollars)]
    return [*shown, *base]
