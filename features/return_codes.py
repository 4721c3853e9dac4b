"""What a payment that came back says: the classes of return and reason codes.

The codes stand in ``codes/returns.csv``, one row each, over all schemes. A class says what a
collector can make of the code:

``funds``
    The money was not there. The one class that speaks of the ability to pay: ask when, and
    try again.
``account_data``
    The account or card cannot be charged as given (wrong, closed, expired, not open to such
    debits). Says nothing about willingness: ask for other details.
``unauthorised``
    The payer denies or has withdrawn the authority to debit. Not to be tried again without a
    new one.
``dispute``
    The payer contests what was billed, or stopped or called back this one payment. Settle the
    matter before dunning.
``fraud``
    Somebody else may have used the card. Says nothing about the customer's willingness.
``legal``
    The account is frozen, in liquidation, or its holder has died: look for an insolvency or
    an estate, and hold the dunning.
``processing``
    Something went wrong on our side or between the banks (duplicate, format, amount, time).
    Correct it and charge again.
``other``
    The bank gave no reason, or one that fits none of the above.

A ledger holds a code without its scheme, so a code stands here once. Where schemes use the
same sign for different things, the file holds the one that business ledgers meet: ``R03`` and
``R13`` are those of ACH and not American Express's; two-digit numbers are issuers' answers and
not the chargeback numbers that Visa gave up in 2018. Codes of a single character (cheques,
Bacs) mean too many things and are left out; Bacs codes stand as ``ARUDD-1``. Codes of
notifications of change (``C01`` …) are no returns.

A code is compared in upper case without the blanks around it, in SQL ``upper(trim(code))``. A
code that is not in the file has no class.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pyarrow as pa

CLASSES: tuple[str, ...] = (
    "funds",
    "account_data",
    "unauthorised",
    "dispute",
    "fraud",
    "legal",
    "processing",
    "other",
)
"""The classes, from what says most about the customer to what says least."""

SCHEMES: tuple[str, ...] = (
    "ach",
    "sepa",
    "bacs",
    "cheque",
    "visa",
    "mastercard",
    "amex",
    "issuer",
    "gateway",
)
"""Who gives the codes out: ``sepa`` stands for ISO 20022, ``issuer`` for card issuers' answers
(ISO 8583), ``gateway`` for the words of payment gateways such as Stripe."""

COLUMNS: tuple[str, ...] = ("scheme", "code", "class", "meaning")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCode:
    """One code.

    Parameters
    ----------
    scheme : str
        One of ``SCHEMES``.
    code : str
        The code, normalised.
    class_name : str
        One of ``CLASSES``.
    meaning : str
        What it says, in plain words.
    """

    scheme: str
    code: str
    class_name: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCodes:
    """All codes, and the digest of the file they came from: 16 hexadecimal digits."""

    codes: tuple[ReturnCode, ...]
    digest: str


class ReturnCodesError(ValueError):
    """A file of return codes that breaks its rules; the message names every line."""


def normalised(code: str) -> str:
    """Return a code as it is compared.

    Examples
    --------
    >>> normalised(" am04 ")
    'AM04'
    """
    return code.strip(" ").upper()


def parse_return_codes(text: str, where: str) -> ReturnCodes:
    r"""Parse the text of a file of return codes.

    Parameters
    ----------
    text : str
        CSV with the columns ``COLUMNS``.
    where : str
        Name of the file, for errors.

    Raises
    ------
    ReturnCodesError
        When the columns are other ones, a value is missing, a scheme or class is unknown, or a
        code stands there twice.

    Examples
    --------
    >>> text = "scheme,code,class,meaning\nach,r01,funds,No money\n"
    >>> parse_return_codes(text, "codes.csv").codes[0].code
    'R01'
    """
    rows = csv.reader(io.StringIO(text))
    head = tuple(next(rows, []))
    if head != COLUMNS:
        raise ReturnCodesError(
            f"{where}: columns must be {', '.join(COLUMNS)}, got {', '.join(head) or 'none'}."
        )
    codes: dict[str, ReturnCode] = {}
    failures: list[str] = []
    for line, cells in enumerate(rows, start=2):
        broken = list(_broken(cells))
        if not broken:
            code = ReturnCode(
                scheme=cells[0],
                code=normalised(cells[1]),
                class_name=cells[2],
                meaning=cells[3],
            )
            if first := codes.get(code.code):
                broken = [f"code {code.code!r} stands there twice, first for {first.scheme}"]
            codes.setdefault(code.code, code)
        failures += [f"line {line}: {reason}" for reason in broken]
    if failures:
        raise ReturnCodesError(f"{where}: {'; '.join(failures)}. Mend these lines.")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return ReturnCodes(codes=tuple(codes.values()), digest=digest)


def _broken(cells: list[str]) -> Iterator[str]:
    if len(cells) != len(COLUMNS):
        yield f"must have {len(COLUMNS)} cells, got {len(cells)}"
        return
    for name, cell in zip(COLUMNS, cells, strict=True):
        if not cell.strip():
            yield f"{name} is empty"
    for name, cell, allowed in (
        ("scheme", cells[0], SCHEMES),
        ("class", cells[2], CLASSES),
    ):
        if cell.strip() and cell not in allowed:
            yield f"{name} must be one of {', '.join(allowed)}, got {cell!r}"


@cache
def return_codes() -> ReturnCodes:
    """Return the codes of ``features/codes/returns.csv``.

    Examples
    --------
    >>> {code.code: code.class_name for code in return_codes().codes}["AM04"]
    'funds'
    """
    file = resources.files("features").joinpath("codes", "returns.csv")
    return parse_return_codes(file.read_text("utf-8"), "features/codes/returns.csv")


@cache
def return_classes() -> pa.Table:
    """Return the class of each code as a table, for SQL.

    Returns
    -------
    pyarrow.Table
        ``code`` (normalised, without repeats) and ``class``, both text; sorted by code.

    Examples
    --------
    >>> return_classes().column_names
    ['code', 'class']
    """
    codes = sorted(return_codes().codes, key=lambda code: code.code)
    return pa.table(
        {
            "code": pa.array([code.code for code in codes], pa.string()),
            "class": pa.array([code.class_name for code in codes], pa.string()),
        }
    )
