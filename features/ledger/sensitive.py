"""The gate that keeps card numbers, bank accounts and secrets out of the ledger.

Three rules:

* A column whose *name* is on the deny-list is refused, whatever it holds.
* A single card number or IBAN in *free text* (names, reasons, outcomes, values …) refuses
  the table.
* In *id columns* long document numbers pass the check digits by chance: one in ten passes
  Luhn. There a hit refuses the table unless the column is seen to be a number range of its
  own: at least 100 distinct values that an issuer could have given out, and no more of
  them passing than chance explains (four standard deviations). Card numbers pass always.
  A range that is too short to show this can be named in ``document_numbers``.

A refusal tells table, column, detector and number of rows, never the value.
"""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.detectors import Scan, has_card, has_iban, scan_cards, scan_ibans

# Column names with case, spaces and underscores taken out.
_DENIED_NAMES = """
    pan primaryaccountnumber cardnumber cardno cardnum ccnumber ccnum ccno ccins creditcard
    creditcardnumber creditcardno creditcardnum debitcardnumber creditcardmasknumber
    creditcardholdername cardholdername cardholder cardpan fullpan maskedpan creditcardmask
    cardmask cardmasknumber cvv cvv2 cvc cvc2 cid cav2 csc cvvcode cvccode cardcvv cardcvc
    cardsecuritycode securitycode track track1 track2 track1data track2data trackdata
    magstripe emvdata iccdata pin pinblock requeststring responsestring
    tokenid secondtokenid paymenttoken cardtoken gatewaytoken mandatesecret
    clientsecret achaccountnumber achaccountnumbermask achabacode abacode abanumber
    abaroutingnumber achroutingnumber routingnumber bankroutingnumber banktransferaccountnumber
    banktransferaccountnumbermask accountnumbermask bankaccount bankaccountnumber
    bankaccountno customerbankaccountid bankaccountid bankaccountname iban ibannumber sortcode
    ssn socialsecuritynumber socialsecurityno socialsecurity ein sin nationalid
    nationalidnumber nationalinsurancenumber identitynumber identitycard passportnumber
    driverslicense driverlicensenumber taxpayerid ipaddress ip deviceid devicefingerprint
    phone phonenumber mobile mobilephone workphone homephone email emailaddress workemail
    personalemail password passwd passphrase secret apikey accesstoken refreshtoken
    privatekey bsec particulars paymentmethoddetails
"""
_DENIED = frozenset(_DENIED_NAMES.split())
_DENIED_WORDS = frozenset({"iban", "cvv", "cvv2", "cvc", "cvc2", "ssn", "pan"})
_DENIED_STARTS = ("iby_", "bsec-", "bsec_", "payment_method_details.", "payment_method_details_")
_DENIED_ENDS = (
    "creditcardnumber",
    "cardnumber",
    "bankaccountnumber",
    "requeststring",
    "responsestring",
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")

_LUHN_CHANCE = 0.1
_MOD_97_CHANCE = 1 / 97
_RANGE_SIZE = 100

_FEW = 100_000
"""Cells that are scanned together first: one look at a request instead of two a column."""
_NO_SECRET = re.compile(r"[0-9](?:[^0-9]*[0-9]){9}")


class SensitiveDataError(ValueError):
    """A table holds data that must never be stored; no value is part of the error.

    Parameters
    ----------
    table, column : str
        Where it was found.
    detector : str
        ``card number``, ``IBAN`` or ``column name``.
    rows : int
        How many rows hold it; 0 when the name alone was enough.
    where : str
        Name of the file, when there is one.
    """

    def __init__(
        self, *, table: str, column: str, detector: str, rows: int, where: str = ""
    ) -> None:
        place = f"Table {table!r}" + (f" ({redact(where)})" if where else "")
        if detector == "column name":
            text = (
                f"{place}, column {redact(column)!r}: the name is on the deny-list of secrets "
                "and personal data. Export the table without this column."
            )
        else:
            text = (
                f"{place}, column {redact(column)!r}: {rows} row(s) hold what the {detector} "
                "detector takes for one. Nothing was stored. Mask or drop it in the source "
                "system (the last four digits may stay), then import again; when these are "
                "document numbers of an id column, name the column in document_numbers."
            )
        super().__init__(text)
        self.table = table
        self.column = redact(column)
        self.detector = detector
        self.rows = rows


def redact(text: str) -> str:
    """Return ``text``, or a stand-in when it holds a card number or an IBAN.

    Examples
    --------
    >>> redact("12,50"), redact("card 4111-1111-1111-1111")
    ('12,50', '[redacted: card number]')
    """
    if _NO_SECRET.search(text) is None:
        return text
    if has_card(text):
        return "[redacted: card number]"
    if has_iban(text):
        return "[redacted: IBAN]"
    return text


def denied_name(name: str) -> bool:
    """Tell whether a column name is on the deny-list; case, spaces, underscores do not count.

    Examples
    --------
    >>> [denied_name(name) for name in ("Card_Number", "achAbaCode", "customer_iban", "name")]
    [True, True, True, False]
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _DENIED or plain.endswith(_DENIED_ENDS):
        return True
    last = name.lower().strip()
    if last.startswith(_DENIED_STARTS):
        return True
    return any(word.lower() in _DENIED_WORDS for word in _WORDS.findall(name))


def check_names(table: str, names: Iterable[str], *, where: str = "") -> None:
    """Raise :class:`SensitiveDataError` for the first denied column name of a table.

    Examples
    --------
    >>> check_names("receipts", ["receipt_id", "amount"])
    """
    for name in names:
        # "Object.Field" headers are denied by their field as well.
        if denied_name(name) or denied_name(name.rsplit(".", 1)[-1]):
            raise SensitiveDataError(
                table=table, column=name, detector="column name", rows=0, where=where
            )


def is_id_column(name: str) -> bool:
    """Tell whether a column holds keys and document numbers rather than words.

    Examples
    --------
    >>> [is_id_column(name) for name in ("source_id", "invoice_number", "superseded_by", "name")]
    [True, True, True, False]
    """
    return name.endswith(("_id", "_number", "_no")) or name == "superseded_by"


def refuse_sensitive(
    tables: Mapping[str, pa.Table],
    *,
    where: str = "",
    document_numbers: Collection[tuple[str, str]] = (),
) -> None:
    """Raise :class:`SensitiveDataError` when a table must not be stored.

    Parameters
    ----------
    tables : mapping of str to pa.Table
        Tables by name. Every column of text is scanned, dictionary-encoded ones too.
    where : str
        File name for the message.
    document_numbers : collection of (str, str)
        (table, column) pairs a person has confirmed to hold document numbers; id columns
        only, free text is always scanned.

    Examples
    --------
    >>> refuse_sensitive({"accounts": pa.table({"name": ["Acme", "card 4111 1111 1111 1111"]})})
    Traceback (most recent call last):
    features.ledger.sensitive.SensitiveDataError: Table 'accounts', column 'name': 1 row(s) ...
    """
    scanned = []
    for table, rows in tables.items():
        check_names(table, rows.column_names, where=where)
        for column in rows.column_names:
            confirmed = is_id_column(column) and (table, column) in document_numbers
            if not confirmed and _is_text(rows[column].type):
                scanned.append((table, column))
    texts = [tables[table][column] for table, column in scanned]
    if sum(len(values) for values in texts) <= _FEW and not _any_hit(texts):
        return
    for (table, column), values in zip(scanned, texts, strict=True):
        check_column(values, table=table, column=column, where=where)


def _any_hit(texts: Sequence[pa.ChunkedArray]) -> bool:
    """Tell whether any of some columns of text holds what looks like a number to refuse."""
    chunks = [chunk for values in texts for chunk in values.cast(pa.string()).chunks]
    distinct = pc.unique(pa.chunked_array(chunks, pa.string())).drop_null()
    return any(len(scan(distinct).hits) for scan in (scan_cards, scan_ibans))


def check_column(
    values: pa.Array | pa.ChunkedArray, *, table: str, column: str, where: str = ""
) -> None:
    """Raise :class:`SensitiveDataError` when a column of text holds a card number or an IBAN.

    Columns of another type pass.

    Examples
    --------
    >>> check_column(pa.array(["INV-1", "INV-2"]), table="invoices", column="invoice_id")
    """
    if not _is_text(values.type):
        return
    distinct = pc.unique(values).drop_null()
    if isinstance(distinct, pa.DictionaryArray):
        distinct = distinct.dictionary_decode()
    distinct = pc.cast(distinct, pa.string())
    for detector, scan, chance in (
        ("card number", scan_cards, _LUHN_CHANCE),
        ("IBAN", scan_ibans, _MOD_97_CHANCE),
    ):
        found = scan(distinct)
        if len(found.hits) and not (is_id_column(column) and _by_chance(found, chance)):
            plain = pc.cast(values, pa.string())
            rows = pc.sum(pc.is_in(plain, value_set=found.hits)).as_py()
            raise SensitiveDataError(
                table=table, column=column, detector=detector, rows=rows, where=where
            )


def _by_chance(scan: Scan, chance: float) -> bool:
    expected = scan.candidates * chance
    return scan.candidates >= _RANGE_SIZE and len(scan.hits) <= expected + 4 * math.sqrt(
        expected * (1 - chance)
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
