"""How the report writes numbers, dates and names: the one place where they become text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from features.collectible import PARTS
from serving.policy_holds import HOLDS

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
"""What stands where there is no value: an empty cell would look forgotten."""

LANE_LABELS: Mapping[str, str] = {
    "past_due": "Past due",
    "due_soon": "Due soon",
    "last_bucket": "Last bucket",
    "": "No lane",
}
HOLD_LABELS: Mapping[str, str] = {
    "unapplied": "Cash to apply",
    "disputed": "In dispute",
    "planned": "On a plan",
    "promised": "Promised",
    "bankruptcy": "Insolvency",
    "legal": "With counsel",
    "agency": "With an agency",
    "do_not_contact": "Not to be contacted",
    "suspended": "Service suspended",
    "provisional": "Payment not final",
    "snooze": "Put off",
    "cadence": "Contacted enough",
}
HOLD_GROUPS: Mapping[str, str] = {
    kind: HOLD_LABELS[kind] if kind in PARTS else "Left alone" for kind in (*PARTS, *HOLDS)
}
"""What each hold is counted under; those that no money explains are counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount of money in whole cents of one currency, and its texts.

    Parameters
    ----------
    cents : int
        Hundredths of the currency's unit; negative amounts get a real minus sign.

    Examples
    --------
    >>> Amount(cents=123456).exact, Amount(cents=123456).whole, Amount(cents=0).signed
    ('1,234.56', '1,235', '0.00')
    >>> Amount(cents=5).signed, Amount(cents=-5).signed == f"{MINUS}0.05"
    ('+0.05', True)
    >>> Amount(cents=150).signed_whole, Amount(cents=5).signed_whole
    ('+2', '0')
    """

    cents: int

    @property
    def exact(self) -> str:
        """The amount to the cent."""
        units, cents = divmod(abs(self.cents), 100)
        return f"{MINUS if self.cents < 0 else ''}{units:,}.{cents:02d}"

    @property
    def whole(self) -> str:
        """The amount in whole units, halves away from zero."""
        units = (abs(self.cents) + 50) // 100
        return f"{MINUS if self.cents < 0 and units else ''}{units:,}"

    @property
    def signed_whole(self) -> str:
        """The amount in whole units with its sign."""
        return f"+{self.whole}" if self.cents >= 50 else self.whole

    @property
    def signed(self) -> str:
        """The amount to the cent with its sign."""
        return f"+{self.exact}" if self.cents > 0 else self.exact


def probability_text(probability: float | None) -> str:
    """Return a probability in [0, 1] as a whole per cent that never rounds to certainty.

    Examples
    --------
    >>> [probability_text(p).replace(NBSP, " ") for p in (0.456, 0.0, 0.001, 0.999, 1.0)]
    ['46 %', '0 %', '<1 %', '>99 %', '100 %']
    >>> probability_text(None) == probability_text(float("nan")) == NONE
    True
    """
    if probability is None or probability != probability:  # noqa: PLR0124 (NaN)
        return NONE
    if 0 < probability < 0.005:
        return f"<1{NBSP}%"
    if 0.995 <= probability < 1:
        return f">99{NBSP}%"
    return f"{probability * 100:.0f}{NBSP}%"


def share_text(part: Amount, whole: Amount) -> str:
    """Return ``part`` as a per cent of ``whole`` with one decimal; a dash of nothing.

    Examples
    --------
    >>> share_text(Amount(cents=1), Amount(cents=8)).replace(NBSP, " ")
    '12.5 %'
    >>> share_text(Amount(cents=0), Amount(cents=0)) == NONE
    True
    """
    return f"{part.cents / whole.cents * 100:.1f}{NBSP}%" if whole.cents else NONE


def count_text(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it needs one.

    Examples
    --------
    >>> [count_text(n, "account").replace(NBSP, " ") for n in (1, 1250)]
    ['1 account', '1,250 accounts']
    """
    return f"{count:,}{NBSP}{noun}{'' if count == 1 else 's'}"


def days_text(days: float | None) -> str:
    """Return a number of days with one decimal; a dash where it is not known.

    Examples
    --------
    >>> days_text(59.83).replace(NBSP, " "), days_text(None) == NONE
    ('59.8 days', True)
    """
    return NONE if days is None else f"{days:.1f}{NBSP}days"


def long_date(day: date) -> str:
    """Return a date as people write it.

    Examples
    --------
    >>> long_date(date(2025, 3, 1)).replace(NBSP, " ")
    '1 March 2025'
    """
    return f"{day.day}{NBSP}{day:%B}{NBSP}{day.year}"


def plain(name: str) -> str:
    """Return a key of the data as words.

    Examples
    --------
    >>> plain("chase_broken_promise")
    'Chase broken promise'
    """
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
