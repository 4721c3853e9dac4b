"""What a check of a ledger says: one record per question, in the words of an accountant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Outcome = Literal["passed", "warning", "failed"]

MAX_EXAMPLES = 5
"""How many ids a finding names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to one question about a ledger.

    Parameters
    ----------
    name : str
        The question, for example ``"books_balance"``.
    outcome : {"passed", "warning", "failed"}
        A warning asks for a look and stops nothing.
    sentence : str
        The answer for people: what was found, and for a failure what to do next.
    where : str
        Table or file; empty when the question is about several.
    currency : str
        Document currency of the amounts; empty when there are none.
    as_of : date or None
        The day the question was asked for.
    expected, found, difference : Decimal or None
        Amounts in ``currency``, two decimals; ``difference`` is found less expected, so a
        positive one is too much.
    parts : tuple of (str, Decimal)
        What ``found`` is the sum of, signed.
    count : int
        Rows that the finding is about.
    examples : tuple of str
        Ids of at most five of them; where two ledgers are compared, with what each one says
        (``"INV-1: 2024-02-09 → 2024-03-09"``).

    Examples
    --------
    >>> Finding(name="known_invoice", outcome="passed", sentence="Every invoice is known.").passed
    True
    """

    name: str
    outcome: Outcome
    sentence: str
    where: str = ""
    currency: str = ""
    as_of: date | None = None
    expected: Decimal | None = None
    found: Decimal | None = None
    difference: Decimal | None = None
    parts: tuple[tuple[str, Decimal], ...] = ()
    count: int = 0
    examples: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing has to be mended; warnings pass."""
        return self.outcome != "failed"


def money(cents: int) -> Decimal:
    """Return whole cents as an amount with two decimals.

    Examples
    --------
    >>> money(-1250)
    Decimal('-12.50')
    """
    return Decimal(cents).scaleb(-2)


def worded(difference: Decimal) -> str:
    """Return a difference as accountants say it.

    Examples
    --------
    >>> worded(Decimal("-1000.50"))
    '1,000.50 too little'
    """
    return f"{abs(difference):,.2f} too {'much' if difference > 0 else 'little'}"


def all_passed(findings: Sequence[Finding]) -> bool:
    """Return whether no finding failed."""
    return all(finding.passed for finding in findings)
