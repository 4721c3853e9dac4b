"""The books of one generated family: accounts, what they are billed, and what becomes of it.

Days are whole numbers from the family's first day and money is whole cents, until
``tests.laws.generated`` turns them into a ledger.
"""

from collections.abc import Mapping

import numpy as np

from tests.laws.circumstances import (
    describe_account,
    dispute,
    exchange_rates,
    plan,
    promise,
)
from tests.laws.drawing import SPAN, Draw, Row
from tests.laws.versions import one_content_a_day, restate

CODES: dict[str, tuple[str | None, ...]] = {
    "ach_return": ("R01", "R02", "R09", "R10", "R29"),
    "chargeback": ("10.4", "13.1", "4853", None),
    "bounced": ("AM04", "AC04", "MS03"),
    "void": (None,),
    "refund": (None, "duplicate"),
}
"""Return codes as banks and card networks write them, by kind of return."""

_FREE = ("discount", "write_off", "adjustment", "fx_rounding", "netting")
_METHODS = ("ach", "card", "check", "wire", "direct_debit", "cash", None)


def family_books(name: str, rng: np.random.Generator) -> Mapping[str, list[Row]]:
    """Draw the rows of a family of one to four accounts, with every table of the contract.

    Parameters
    ----------
    name : str
        Two upper-case letters, with which every id and currency begins.
    rng : numpy.random.Generator
        What is drawn from.
    """
    draw = Draw(name, rng)
    _open_accounts(draw)
    for account in draw.rows["accounts"]:
        _trade(draw, account["account_id"])
        describe_account(draw, account["account_id"])
    exchange_rates(draw)
    restate(draw)
    return one_content_a_day(draw.rows)


def _open_accounts(draw: Draw) -> None:
    names = [f"{draw.name_of('account')}.{number}" for number in range(draw.days(1, 5))]
    for place, account in enumerate(names):
        draw.add(
            "accounts",
            account_id=account,
            name=f"{account} Ltd",
            parent_account_id=draw.pick(names[:place]) if place else None,
            segment=draw.pick(("retail", "public", None)),
            region=draw.pick(("north", "south", None)),
            currency=draw.pick((*draw.currencies, None)),
            opened_on=draw.pick((-100, draw.days(0, SPAN), None)),
            autopay=draw.pick((True, False, None)),
            credit_limit=draw.pick((0, draw.cents() * 10, None)),
            collector=draw.pick(("kim", None)),
            is_natural_person=draw.pick((False, True, None)),
        )


def _trade(draw: Draw, account: str) -> None:
    for _ in range(draw.days(0, 7)):
        invoice = _bill(draw, account)
        _settle(draw, invoice)
        if draw.chance(0.2):
            dispute(draw, account, invoice)
        if draw.chance(0.25):
            promise(draw, account, invoice)
        if draw.chance(0.15):
            plan(draw, account, invoice)
    about = {"account_id": account, "currency": draw.pick(draw.currencies)}
    if draw.chance(0.3):
        _receipt(draw, about, draw.days(0, SPAN), draw.cents())
    if draw.chance(0.2):
        _credit(draw, about, draw.days(0, SPAN), draw.cents())
    for circumstance, share in ((dispute, 0.2), (promise, 0.3), (plan, 0.15)):
        if draw.chance(share):
            circumstance(draw, account, about)


def _bill(draw: Draw, account: str) -> Row:
    issued, terms = draw.days(0, SPAN), draw.pick((0, 14, 30, 30, 60))
    known = issued + draw.lag()
    older = [
        row
        for row in draw.rows["invoices"]
        if row["account_id"] == account and row["issued_on"] <= issued
    ]
    replaced = draw.pick(older) if older and draw.chance(0.15) else None
    if replaced and draw.chance(0.25):
        replaced["known_on"] = known + draw.days(1, 60)
    invoice = draw.add(
        "invoices",
        invoice_id=draw.name_of("invoice"),
        account_id=account,
        kind=draw.pick((*("invoice",) * 8, "debit_memo", "finance_charge")),
        billing_kind=draw.pick(("recurring", "one_off", "usage", None)),
        replaces_invoice_id=replaced and replaced["invoice_id"],
        po_number_missing=draw.pick((True, False, None)),
        issued_on=issued,
        due_on=None if draw.chance(0.08) else issued + terms + draw.pick((0, 0, 0, -4, 3)),
        amount=replaced["amount"] if replaced else draw.cents(),
        currency=replaced["currency"] if replaced else draw.pick(draw.currencies),
        known_on=known,
        terms_days=draw.pick((terms, None)),
    )
    for moved_on in {known + draw.days(-5, 90) for _ in range(draw.few(0.15))}:
        draw.add(
            "due_date_changes",
            invoice_id=invoice["invoice_id"],
            known_on=moved_on,
            due_on=issued + draw.days(-10, 120),
        )
    return invoice


def _settle(draw: Draw, invoice: Row) -> None:
    """Pay, credit, net or write off an invoice, in parts or too much; some of it comes back."""
    left, day = invoice["amount"], invoice["issued_on"]
    for _ in range(draw.pick((0, 0, 1, 1, 1, 1, 2, 3))):
        day += draw.days(-3, 70)
        share = draw.pick((1.0, 1.0, 1.0, 0.5, 0.98, 0.25, 1.2))
        cents = max(1, round(max(left, 100) * share))
        cause = draw.pick((*("cash",) * 7, *("credit",) * 3, *_FREE))
        source = None
        if cause == "cash":
            source = _fund(draw, invoice, day, cents)
        elif cause == "credit" or (cause == "netting" and draw.chance(0.5)):
            source = _credit(draw, invoice, day, cents)
        sign = -1 if cause in {"adjustment", "fx_rounding"} and draw.chance(0.4) else 1
        _post(draw, invoice, cause, day, sign * cents, source)
        left -= sign * cents
        if source is not None and draw.chance(0.3):
            left += _take_back(draw, invoice, cause, day + draw.days(0, 60), cents, source)


def _fund(draw: Draw, invoice: Row, day: int, cents: int) -> Row:
    """Return a receipt for a payment: one that is there already, or a new one."""
    own = [
        row
        for row in draw.rows["receipts"]
        if row["account_id"] == invoice["account_id"] and row["currency"] == invoice["currency"]
    ]
    if own and draw.chance(0.25):
        receipt: Row = draw.pick(own)
        receipt["amount"] += cents
        return receipt
    spare = draw.pick((0, 0, 0, draw.cents()))
    return _receipt(draw, invoice, day - draw.pick((0, 0, 0, 2, 9)), cents + spare)


def _take_back(draw: Draw, invoice: Row, cause: str, day: int, cents: int, source: Row) -> int:
    """Return what a return or a corrected posting puts back on the item."""
    back = draw.pick((cents, cents, max(1, cents // 2)))
    returned = cause == "cash" and draw.chance(0.7)
    kind = draw.pick(tuple(CODES))
    code = draw.pick(CODES[kind]) if returned else None
    name = "cash_return" if returned else "unapply"
    posting = _post(draw, invoice, name, day, -back, source, code)
    if cause == "credit" and draw.chance(0.5):
        source["known_on"] = posting["known_on"] + draw.days(1, 60)
    if returned:
        draw.add(
            "receipt_returns",
            return_id=draw.name_of("return"),
            receipt_id=source["receipt_id"],
            account_id=invoice["account_id"],
            returned_on=day - draw.pick((0, 0, 1, 5)),
            known_on=day + draw.lag(),
            amount=back,
            currency=invoice["currency"],
            kind=kind,
            code=code,
        )
    return back


def _post(
    draw: Draw,
    invoice: Row,
    cause: str,
    day: int,
    cents: int,
    source: Row | None,
    code: str | None = None,
) -> Row:
    held = source and (source.get("receipt_id") or source["credit_id"])
    return draw.add(
        "applications",
        application_id=draw.name_of("posting"),
        invoice_id=invoice["invoice_id"],
        account_id=invoice["account_id"],
        cause=cause,
        source_id=held,
        applied_on=day,
        known_on=day + draw.lag(),
        amount=cents,
        return_code=code,
    )


def _receipt(draw: Draw, about: Row, day: int, cents: int) -> Row:
    return draw.add(
        "receipts",
        receipt_id=draw.name_of("receipt"),
        account_id=about["account_id"],
        received_on=day,
        known_on=day + draw.lag(),
        amount=cents,
        currency=about["currency"],
        method=draw.pick(_METHODS),
        provisional_until=draw.pick((day + draw.days(2, 60), None)),
    )


def _credit(draw: Draw, about: Row, day: int, cents: int) -> Row:
    return draw.add(
        "credits",
        credit_id=draw.name_of("credit"),
        account_id=about["account_id"],
        issued_on=day,
        known_on=day + draw.lag(),
        amount=cents + draw.pick((0, 0, draw.cents())),
        currency=about["currency"],
        reason=draw.pick(("goods returned", "rebate", None)),
    )
