"""What a feature is: its record, the families, and the tables that are barred."""

from dataclasses import dataclass
from typing import Literal

from features.ledger.tables import TABLES

Grain = Literal["item", "account", "account_currency"]
Subject = Literal["invoice", "account"]
Direction = Literal["higher is riskier", "lower is riskier", "mixed"]

UP: Direction = "higher is riskier"
DOWN: Direction = "lower is riskier"
MIXED: Direction = "mixed"

BARRED_TABLES = frozenset({"contacts"})
"""Contacts follow lateness: a model that sees them learns that calling causes it."""

FAMILIES: dict[str, str] = {
    "item_age": "Age of the invoice",
    "document": "The document",
    "part_payments": "Part payments on the invoice",
    "account_ageing": "Ageing of the account",
    "payment_timing": "How late the account pays",
    "payment_rhythm": "When the account pays",
    "own_history": "Its other invoices at this age",
    "exposure": "Exposure and billing",
    "returns": "Returned payments",
    "disputes": "Disputes",
    "promises": "Promises and plans",
    "credits": "Credits and unapplied cash",
    "relationship": "Relationship",
    "family": "Parent and sister accounts",
    "peers": "Accounts of its kind",
    "calendar": "Calendar",
    "matrix": "The roll-rate matrix",
}
"""Families of what drives a score, and their titles. ``matrix`` has no features: it is the pull
towards the roll-rate matrix where there is little history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column of the model's input.

    Parameters
    ----------
    name : str
        Column name.
    family : str
        Key of ``FAMILIES``; explanations are summed by it.
    unit : str
        Unit of the value: ``days``, ``share``, ``change`` (of a share), ``slope`` (days later
        a month), ``items``, ``money``, ``ratio``, ``flag``, ``code``.
    low, high : float
        Closed range of valid values.
    direction : str
        Which way the risk goes, as a reader would expect; ``mixed`` when it depends.
    sentence : str
        Template with ``{value}``.
    below_zero : str
        Template for values below zero, filled in without their sign; empty where none are, or
        where the sign reads well.
    query : str
        The ``.sql`` file that computes it.
    grain : {"item", "account", "account_currency"}
        What one row of that query stands for.
    about : {"invoice", "account"}
        Whom the sentence speaks of.
    needs : tuple of str
        Optional ledger tables without which the value is missing.
    """

    name: str
    family: str
    unit: str
    low: float
    high: float
    direction: Direction
    sentence: str
    query: str
    grain: Grain
    about: Subject
    needs: tuple[str, ...] = ()
    below_zero: str = ""

    def __post_init__(self) -> None:
        """Refuse entries that break the catalogue's own rules."""
        if self.family not in FAMILIES:
            raise ValueError(f"Feature {self.name!r}: unknown family {self.family!r}.")
        if barred := BARRED_TABLES.intersection(self.needs):
            raise ValueError(
                f"Feature {self.name!r} reads {sorted(barred)}: contacts by collectors follow "
                "lateness and are barred from the risk model."
            )
        if unknown := set(self.needs) - set(TABLES):
            raise ValueError(f"Feature {self.name!r} needs unknown tables {sorted(unknown)}.")


DAY_SPAN = 3650.0
MANY = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureQuery:
    """A query of ``features/sql``: what one of its rows stands for and the tables it needs."""

    name: str
    grain: Grain
    needs: tuple[str, ...] = ()

    def feature(
        self,
        *,
        name: str,
        family: str,
        unit: str,
        direction: str,
        about: str,
        sentence: str,
        below_zero: str = "",
    ) -> Feature:
        """Return one feature of this query; its range follows from the unit.

        Raises
        ------
        ValueError
            When a word is none of those allowed.
        """
        for word, allowed in ((unit, _RANGES), (direction, _DIRECTIONS), (about, _SUBJECTS)):
            if word not in allowed:
                raise ValueError(f"Feature {name!r}: {word!r} is none of {sorted(allowed)}.")
        low, high = _RANGES[unit]
        return Feature(
            name=name,
            family=family,
            unit=unit,
            low=low,
            high=high,
            direction=_DIRECTIONS[direction],
            sentence=sentence,
            query=self.name,
            grain=self.grain,
            about=_SUBJECTS[about],
            needs=self.needs,
            below_zero=below_zero,
        )


_DIRECTIONS: dict[str, Direction] = {word: word for word in (UP, DOWN, MIXED)}
_SUBJECTS: dict[str, Subject] = {"invoice": "invoice", "account": "account"}

_RANGES: dict[str, tuple[float, float]] = {
    "days": (-DAY_SPAN, DAY_SPAN),
    "share": (0.0, 1.0),
    "change": (-1.0, 1.0),
    "slope": (-1e6, 1e6),
    "items": (0.0, MANY),
    "money": (0.0, 1e15),
    "ratio": (0.0, 1e9),
    "flag": (0.0, 1.0),
    "code": (0.0, 31.0),
}
