"""Card numbers and IBANs inside text: one value at a time, or a whole Arrow column.

Card numbers are 12 to 19 digits that may be split by spaces and dashes, begin with an
issuer's range of the right length, and pass Luhn. IBANs need a country of the SWIFT
registry, that country's length and layout, and mod 97 = 1; a country the registry does not
know is not an IBAN, or one in 97 of all ids that begin with two letters would be taken for
one.

Luhn passes one string of digits in ten and mod 97 one in 97. So a column is answered with
two numbers: how many values *look* like the thing before the check digits are read, and how
many also *pass*. Document numbers pass at the rate of chance; card numbers always do.
"""

import re
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from stdnum import iban, luhn, numdb
from stdnum.exceptions import ValidationError

_BOTH = frozenset(range(12, 20))
_LONG = frozenset({16, 17, 18, 19})

# Issuer ranges as first and last six digits, the lengths in use, and whether the range is so
# wide (Maestro) that digits split in an unusual way prove nothing.
_ISSUERS: tuple[tuple[str, str, frozenset[int], bool], ...] = (
    ("4", "4", frozenset({13, 16, 18, 19}), False),  # Visa
    ("51", "55", frozenset({16}), False),  # Mastercard
    ("2221", "2720", frozenset({16}), False),  # Mastercard, 2-series
    ("34", "34", frozenset({15}), False),  # American Express
    ("37", "37", frozenset({15}), False),
    ("300", "305", frozenset({14, 16, 19}), False),  # Diners Club
    ("36", "36", frozenset({14, 16, 19}), False),
    ("38", "39", frozenset({14, 16, 19}), False),
    ("6011", "6011", frozenset({16, 19}), False),  # Discover
    ("644", "649", frozenset({16, 19}), False),
    ("65", "65", frozenset({16, 19}), False),  # Discover, Elo and Troy
    ("2131", "2131", _LONG, False),  # JCB
    ("1800", "1800", _LONG, False),
    ("3528", "3589", _LONG, False),
    ("620", "629", frozenset(range(14, 20)), False),  # UnionPay
    ("810", "817", frozenset(range(14, 20)), False),
    ("2200", "2204", _LONG, False),  # Mir
    ("9792", "9792", frozenset({16}), False),  # Troy
    ("493698", "493698", _BOTH, False),  # Maestro
    ("50", "50", _BOTH, True),
    ("56", "59", _BOTH, True),
    ("6", "6", _BOTH, True),
)
_FROM = np.array([int(low.ljust(6, "0")) for low, _, _, _ in _ISSUERS])
_TO = np.array([int(high.ljust(6, "9")) for _, high, _, _ in _ISSUERS])

# How digits are grouped on cards: 4-4-4-… or 4-6-4 and 4-6-5.
_CARD_LAYOUT = re.compile(r"(?:4,){2,4}[1-4]|4,6,[45]")
_GAP = r"[ \-\x{00a0}\x{2007}\x{2010}\x{2011}\x{202f}]{0,2}"
_SPLIT = _GAP.replace("{0,2}", "{1,2}")
_RUN_RE2 = rf"[0-9](?:{_GAP}[0-9]){{11}}"
_RUN = re.compile(re.sub(r"\\x\{(....)\}", r"\\u\1", _RUN_RE2.replace("{11}", "{11,}")))
# A value with one run of 12 to 19 digits, one laid out as on cards, one with such a stretch in
# it, and machine-made ids: what can be judged as a matrix, and what needs reading.
_ONE_RUN = rf"^[^0-9]*([0-9](?:{_GAP}[0-9]){{11,18}})[^0-9]*$"
_USUAL = (
    rf"^(?:[0-9]{{12,19}}|(?:[0-9]{{4}}{_SPLIT}){{2,4}}[0-9]{{1,4}}"
    rf"|[0-9]{{4}}{_SPLIT}[0-9]{{6}}{_SPLIT}[0-9]{{4,5}})$"
)
_STRETCH = (
    rf"[0-9]{{12}}|(?:^|[^0-9])(?:(?:[0-9]{{4}}{_SPLIT}){{2}}[0-9]{{4}}"
    rf"|[0-9]{{4}}{_SPLIT}[0-9]{{6}}{_SPLIT}[0-9]{{4,5}})(?:[^0-9]|$)"
)
_MACHINE = r"[0-9a-fA-F]{24}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-"
_DIGITS = re.compile(r"[0-9]+")
# Machine-made ids (UUIDs, 32 hexadecimal digits) hold long runs of digits by chance.
_HEX_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=(?:[0-9]*[a-fA-F]){3})[0-9a-fA-F]{24,})(?![0-9A-Za-z])"
)

# The copy of SWIFT's registry in python-stdnum: (length, country, its properties, …).
_LAYOUTS: dict[str, str] = {
    country: properties["bban"] for _, country, _, properties, _ in numdb.get("iban").prefixes
}
_IBAN_LENGTHS = {
    country: 4 + sum(int(part) for part in re.findall(r"([0-9]+)!", layout))
    for country, layout in _LAYOUTS.items()
}
_SEPARATOR = r"[ \-.\u00a0\u202f]?"
_IBAN_SHAPE = (
    rf"(?:{'|'.join(sorted(_LAYOUTS))}){_SEPARATOR}[0-9]{_SEPARATOR}[0-9]"
    rf"(?:{_SEPARATOR}[A-Z0-9]){{11,30}}"
)
_IBAN = re.compile(rf"(?<![A-Z0-9])(?={_IBAN_SHAPE})", re.IGNORECASE | re.ASCII)
_IBAN_RE2 = "(?i)" + _IBAN_SHAPE.replace(r"\u00a0", r"\x{00a0}").replace(r"\u202f", r"\x{202f}")

_AS_DIGITS = {ord(letter): str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_POWERS = 10 ** np.arange(5, -1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one detector found among the distinct values of a column.

    Parameters
    ----------
    candidates : int
        Values that look like the thing before the check digits are read.
    hits : pa.Array of string
        The values whose check digits pass as well. Secret: never print them.
    """

    candidates: int
    hits: pa.Array


def is_card(digits: str, *, split_oddly: bool = False) -> bool:
    """Tell whether a string of digits is a payment card number.

    Parameters
    ----------
    digits : str
        Digits only.
    split_oddly : bool
        Whether the digits stood apart in a way cards are not printed; the widest issuer
        ranges (Maestro) then prove nothing.

    Examples
    --------
    >>> is_card("4111111111111111"), is_card("4111111111111112"), is_card("0000004500001234")
    (True, False, False)
    """
    return _issued(digits, split_oddly=split_oddly) and bool(luhn.is_valid(digits))


def _issued(digits: str, *, split_oddly: bool) -> bool:
    if not 12 <= len(digits) <= 19:
        return False
    head = int(digits[:6])
    return any(
        int(low) <= head <= int(high) and len(digits) in lengths and not (wide and split_oddly)
        for low, high, (_, _, lengths, wide) in zip(_FROM, _TO, _ISSUERS, strict=True)
    )


def card_candidates(text: str) -> list[tuple[str, bool]]:
    """Return the strings of digits in a text that an issuer could have given out.

    Of digits split by spaces or dashes, three readings are taken: each unbroken group, each
    stretch laid out as on a card, and all of it.

    Returns
    -------
    list of (str, bool)
        Digits, and whether they stood apart in an unusual way.

    Examples
    --------
    >>> card_candidates("paid 31 4111-1111-1111-1111 in May")
    [('4111111111111111', False)]
    """
    found: dict[str, bool] = {}
    for run in _RUN.findall(_HEX_ID.sub(" ", text)):
        groups = _DIGITS.findall(run)
        ends = [0, *accumulate(len(group) for group in groups)]
        for first in range(len(groups)):
            for last in range(first, len(groups)):
                length = ends[last + 1] - ends[first]
                if length > 19:
                    break
                window = groups[first : last + 1]
                layout = ",".join(str(len(group)) for group in window)
                usual = first == last or _CARD_LAYOUT.fullmatch(layout) is not None
                whole = len(window) == len(groups)
                digits = "".join(window)
                if (usual or whole) and _issued(digits, split_oddly=not usual):
                    found[digits] = found.get(digits, True) and not usual
    return list(found.items())


def has_card(text: str) -> bool:
    """Tell whether a text holds a payment card number.

    Examples
    --------
    >>> has_card("card 5500 0000 0000 0004, thanks"), has_card("invoice 4500001234")
    (True, False)
    """
    return any(is_card(digits, split_oddly=odd) for digits, odd in card_candidates(text))


def iban_candidates(text: str) -> list[str]:
    """Return the stretches of a text that have the country and length of an IBAN.

    Examples
    --------
    >>> iban_candidates("from GB82 WEST 1234 5698 7654 32 today")
    ['GB82WEST12345698765432']
    """
    if text.isascii() and text.isalnum():
        plain = text.upper()
        return [plain] if len(plain) == _IBAN_LENGTHS.get(plain[:2], 0) else []
    found: dict[str, None] = {}
    for match in _IBAN.finditer(text):
        tail = re.sub(r"[^0-9A-Za-z]", "", text[match.start() : match.start() + 80]).upper()
        compact = tail[: _IBAN_LENGTHS[tail[:2]]]
        if len(compact) == _IBAN_LENGTHS[tail[:2]]:
            found[compact] = None
    return list(found)


def has_iban(text: str) -> bool:
    """Tell whether a text holds an IBAN.

    Examples
    --------
    >>> has_iban("DE89 3704 0044 0532 0130 00"), has_iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    return any(_is_iban(candidate) for candidate in iban_candidates(text))


def _is_iban(compact: str) -> bool:
    # The sum first, since the registry's lookup is slow.
    if int((compact[4:] + compact[:4]).translate(_AS_DIGITS)) % 97 != 1:
        return False
    try:
        # National check digits are left out: banks exist that do not follow them.
        iban.validate(compact, check_country=False)
    except ValidationError:
        return False
    return True


def scan_cards(values: pa.Array) -> Scan:
    """Look for card numbers among distinct text values.

    Parameters
    ----------
    values : pa.Array of string
        Distinct values. Numbers alone in their cell are checked as one matrix, so that three
        million document numbers take seconds.

    Examples
    --------
    >>> scan = scan_cards(pa.array(["4111 1111 1111 1111", "4111 1111 1111 1112", "A-1"]))
    >>> scan.candidates, len(scan.hits)
    (2, 1)
    """
    long = values.filter(pc.match_substring_regex(values, _RUN_RE2))
    if not len(long):
        return Scan(candidates=0, hits=long)
    runs = pc.replace_substring_regex(long, _ONE_RUN, r"\1")
    usual = pc.match_substring_regex(runs, _USUAL)
    simple = pc.and_not(
        pc.and_(
            pc.match_substring_regex(long, _ONE_RUN),
            pc.or_(usual, pc.invert(pc.match_substring_regex(runs, _STRETCH))),
        ),
        pc.match_substring_regex(long, _MACHINE),
    )
    digits = pc.replace_substring_regex(runs.filter(simple), "[^0-9]+", "")
    issued, passed = _check_matrix(digits, usual.filter(simple).to_numpy(zero_copy_only=False))
    hits = [long.filter(simple).filter(pa.array(passed))]
    candidates = int(issued.sum())
    read = []
    for text in long.filter(pc.invert(simple)).to_pylist():
        found = card_candidates(text)
        candidates += bool(found)
        if any(luhn.is_valid(digits) for digits, _ in found):
            read.append(text)
    hits.append(pa.array(read, pa.string()))
    return Scan(candidates=candidates, hits=pa.concat_arrays(hits))


def scan_ibans(values: pa.Array) -> Scan:
    """Look for IBANs among distinct text values.

    Examples
    --------
    >>> scan_ibans(pa.array(["DE89370400440532013000", "DE-100"])).candidates
    1
    """
    candidates = 0
    hits = []
    for text in values.filter(pc.match_substring_regex(values, _IBAN_RE2)).to_pylist():
        found = iban_candidates(text)
        candidates += bool(found)
        if any(_is_iban(candidate) for candidate in found):
            hits.append(text)
    return Scan(candidates=candidates, hits=pa.array(hits, pa.string()))


def _check_matrix(
    digits: pa.Array, usual: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which all-digit values an issuer could have given out, and which pass Luhn too."""
    issued = np.zeros(len(digits), dtype=np.bool_)
    passed = np.zeros(len(digits), dtype=np.bool_)
    lengths = pc.utf8_length(digits).to_numpy(zero_copy_only=False)
    for length in range(12, 20):
        rows = np.flatnonzero(lengths == length)
        if not rows.size:
            continue
        text = "".join(digits.take(pa.array(rows)).to_pylist())
        matrix = np.frombuffer(text.encode("ascii"), np.uint8).reshape(-1, length) - 48
        heads = matrix[:, :6].astype(np.int64) @ _POWERS
        known = np.zeros(rows.size, dtype=np.bool_)
        for low, high, (_, _, accepted, wide) in zip(_FROM, _TO, _ISSUERS, strict=True):
            if length in accepted:
                within = (heads >= low) & (heads <= high)
                known |= within & usual[rows] if wide else within
        doubled = matrix[:, -2::-2] * 2
        total = matrix[:, ::-2].sum(axis=1, dtype=np.int64)
        total += np.where(doubled > 9, doubled - 9, doubled).sum(axis=1, dtype=np.int64)
        issued[rows] = known
        passed[rows] = known & (total % 10 == 0)
    return issued, passed
