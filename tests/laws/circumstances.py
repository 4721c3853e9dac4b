"""What surrounds the invoices of a generated family: disputes, promises, plans, flags, changes."""

from features.ledger.tables import ACCOUNT_FLAGS, ACCOUNTS
from tests.laws.drawing import SPAN, Draw, Row


def dispute(draw: Draw, account: str, about: Row) -> None:
    """Dispute an invoice, or an amount of the account; most disputes close, some known late."""
    opened = draw.day_about(about)
    closed = opened + draw.days(1, 90) if draw.chance(0.6) else None
    draw.add(
        "disputes",
        dispute_id=draw.name_of("dispute"),
        account_id=account,
        invoice_id=about.get("invoice_id"),
        opened_on=opened,
        known_on=opened + draw.lag(),
        closed_on=closed,
        closed_known_on=None if closed is None else draw.known_late(closed),
        amount=draw.part(about),
        currency=about["currency"],
        reason=draw.pick(("price", "quality", None)),
        outcome=None if closed is None else draw.pick(("valid", "invalid", None)),
    )


def promise(draw: Draw, account: str, about: Row) -> None:
    """Promise to pay an invoice or on account; some are withdrawn or superseded by another."""
    made = draw.day_about(about)
    earlier: Row | None = None
    for _ in range(1 + draw.few(0.3)):
        given = draw.add(
            "promises",
            promise_id=draw.name_of("promise"),
            account_id=account,
            invoice_id=about.get("invoice_id"),
            made_on=made,
            promised_on=made + draw.days(0, 45),
            amount=draw.part(about),
            currency=about["currency"],
            known_on=made + draw.lag(),
            withdrawn_on=made + draw.days(0, 40) if draw.chance(0.15) else None,
        )
        if earlier is not None:
            earlier["superseded_by"] = given["promise_id"]
        earlier, made = given, made + draw.days(1, 40)


def plan(draw: Draw, account: str, about: Row) -> None:
    """Agree a plan of up to four instalments; some are cancelled, a few of these known late."""
    agreed = draw.day_about(about)
    known, name = agreed + draw.lag(), draw.name_of("plan")
    cancelled = agreed + draw.days(5, 90) if draw.chance(0.35) else None
    for number in range(1, draw.days(2, 5)):
        draw.add(
            "installments",
            plan_id=name,
            n=number,
            account_id=account,
            invoice_id=about.get("invoice_id"),
            agreed_on=agreed,
            due_on=agreed + 30 * number,
            amount=draw.part(about),
            currency=about["currency"],
            known_on=known,
            cancelled_on=cancelled,
            cancelled_known_on=None if cancelled is None else draw.known_late(cancelled),
        )


def describe_account(draw: Draw, account: str) -> None:
    """Flag an account, call it, and change what is said of it."""
    for _ in range(draw.few(0.25)):
        begin = draw.days(0, SPAN)
        draw.add(
            "account_flags",
            account_id=account,
            flag=draw.pick(ACCOUNT_FLAGS.column("flag").choices),
            from_on=begin,
            until_on=draw.pick((begin + draw.days(1, 200), None)),
            known_on=begin + draw.lag(),
        )
    for _ in range(draw.days(0, 3)):
        draw.add(
            "contacts",
            contact_id=draw.name_of("contact"),
            account_id=account,
            contacted_on=draw.days(0, SPAN),
            channel=draw.pick(("call", "email", None)),
            outcome=draw.pick(("reached", None)),
        )
    for known_on in {draw.days(0, SPAN) for _ in range(draw.few(0.5))}:
        column = draw.pick((*("autopay", "credit_limit") * 4, *ACCOUNTS.column_names[1:]))
        draw.add(
            "account_changes",
            account_id=account,
            known_on=known_on,
            column=column,
            value=_attribute(draw, column),
        )


def _attribute(draw: Draw, column: str) -> str | None:
    """Return text that may stand in a column of ``accounts``."""
    words: dict[str, tuple[str, ...]] = {
        "autopay": ("true", "false"),
        "is_natural_person": ("true", "false"),
        "credit_limit": ("0.00", f"{draw.cents()}.50"),
        "currency": tuple(draw.currencies),
        "opened_on": ("2022-02-28",),
        "parent_account_id": tuple(row["account_id"] for row in draw.rows["accounts"][:1]),
    }
    return draw.pick((*words.get(column, ("new", "other")), None))


def exchange_rates(draw: Draw) -> None:
    """Give most of the family's currencies a rate every other month."""
    for currency in draw.currencies:
        if currency != "USD" and draw.chance(0.7):
            for day in range(0, SPAN + 60, 60):
                rate = f"{draw.days(50, 150) / 100:.8f}"
                draw.add("fx_rates", currency=currency, rate_on=day, rate=rate)
