"""What would change an account's dollars at risk: rows that could come in, scored for real.

A scenario adds to the account's books the rows that it would leave there (a receipt and its
applications, the day a dispute closed, a credit) and scores them through the same pipeline as
any other rows. So a late payment also counts as one in the account's history, and a dispute
that closes makes what was disputed collectible again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

import pyarrow as pa

from features.collectible import STAGES
from features.engines import EngineOptions, open_session
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES
from models.bundle import Bundle
from serving.account_score import NOTHING, AccountScore, score_account
from serving.policy import Policy

Kind = Literal["pays", "keeps_promise", "dispute_closes", "dispute_credited"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_ID = "what-if"
_CENT = Decimal("0.01")


class ScenarioError(ValueError):
    """A scenario that the account's books do not allow; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Something that could happen on the day of the scoring.

    Parameters
    ----------
    kind : {"pays", "keeps_promise", "dispute_closes", "dispute_credited"}
        ``pays``: ``amount`` comes in. ``keeps_promise``: what is missing of every open promise
        comes in. ``dispute_closes``: every open dispute closes and what was disputed is owed.
        ``dispute_credited``: they close and what was disputed is credited.
    currency : str
        Which of the account's balances it concerns.
    amount : decimal.Decimal or None
        Of ``pays``, above 0; what no open item takes stays unapplied.
    invoice_id : str or None
        Of ``pays``: applied to this item first; else to the oldest due first.
    """

    kind: Kind
    currency: str
    amount: Decimal | None = None
    invoice_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What a scenario changes, in one currency.

    Parameters
    ----------
    scenario : Scenario
        What was asked.
    before, after : AccountScore
        The account without and with it.
    rows : mapping of str to list of str
        Ids of the rows that were added or changed, by table.
    sentence : str
        The change in words.
    """

    scenario: Scenario
    before: AccountScore
    after: AccountScore
    rows: Mapping[str, list[str]]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What is open in one currency: items by due date, promises and disputes."""

    items: list[dict[str, Any]]
    promises: list[dict[str, Any]]
    disputes: list[dict[str, Any]]


def what_if(
    ledger: Ledger,
    account_id: str,
    as_of: date,
    bundle: Bundle,
    policy: Policy,
    scenarios: Sequence[Scenario],
) -> list[WhatIf]:
    """Return what each scenario would change, each by itself.

    Parameters
    ----------
    ledger : Ledger
        Rows of the account and of its family, in memory.
    account_id : str
        Whose.
    as_of : datetime.date
        The day of the scoring, on which the scenarios happen.
    bundle : Bundle
        The model.
    policy : Policy
        Changes no dollar at risk.
    scenarios : sequence of Scenario
        What could happen.

    Raises
    ------
    ScenarioError
        When nothing is open in the currency, the invoice is no open item, there is no open
        promise or dispute, or the amount is not above 0.
    """
    before = score_account(ledger, account_id, as_of, bundle, policy)
    books = _open_books(ledger, account_id, as_of)
    found = []
    for scenario in scenarios:
        own = books.get(scenario.currency)
        if own is None:
            raise ScenarioError(
                f"The account has nothing open in {scenario.currency}. Open: "
                f"{', '.join(sorted(books)) or 'nothing'}."
            )
        added = _added(ledger, account_id, as_of, scenario, own)
        after = score_account(_with_rows(ledger, added), account_id, as_of, bundle, policy)
        old, new = before[scenario.currency], after.get(scenario.currency, NOTHING)
        found.append(
            WhatIf(
                scenario=scenario,
                before=old,
                after=new,
                rows={
                    name: [str(row[TABLES[name].key[0]]) for row in rows]
                    for name, rows in added.items()
                },
                sentence=_sentence(scenario, old, new),
            )
        )
    return found


def _open_books(ledger: Ledger, account_id: str, as_of: date) -> dict[str, _Books]:
    """Return what the books show as open on the day, by currency."""
    with open_session(ledger, [as_of], options=EngineOptions(threads=1, standing=True)) as session:
        session.run(STAGES)
        items = session.arrow(
            "select account_id, currency, invoice_id, balance_cents from open_items "
            "order by due_on nulls last, invoice_id"
        ).to_pylist()
        promises = session.arrow(
            "select account_id, currency, invoice_id, amount_cents - received_cents as cents "
            "from promise_states where state = 'open' and amount_cents > received_cents "
            "order by promised_on, promise_id"
        ).to_pylist()
        disputes = session.arrow(
            "select account_id, currency, invoice_id, dispute_id, "
            "cast(amount * 100 as bigint) as cents from disputes cross join as_of_dates as dates "
            "where visible_on <= dates.as_of "
            "and (superseded_on is null or superseded_on > dates.as_of) "
            "and (closed_on is null or greatest(closed_on, closed_known_on) > dates.as_of) "
            "order by dispute_id"
        ).to_pylist()

    def own(rows: Iterable[dict[str, Any]], currency: str) -> list[dict[str, Any]]:
        mine = {"account_id": account_id, "currency": currency}
        return [row for row in rows if mine.items() <= row.items()]

    currencies = {row["currency"] for row in items if row["account_id"] == account_id}
    return {
        currency: _Books(
            items=own(items, currency),
            promises=own(promises, currency),
            disputes=own(disputes, currency),
        )
        for currency in currencies
    }


def _added(
    ledger: Ledger, account_id: str, as_of: date, scenario: Scenario, books: _Books
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that a scenario adds, or replaces by their key, by table."""
    if scenario.kind == "pays":
        if scenario.amount is None or scenario.amount <= 0:
            raise ScenarioError(f"A payment must be above 0, got {scenario.amount}.")
        known = [item["invoice_id"] for item in books.items]
        if scenario.invoice_id is not None and scenario.invoice_id not in known:
            raise ScenarioError(f"Invoice {scenario.invoice_id} is no open item of the account.")
        asked = [(scenario.invoice_id, int(scenario.amount / _CENT))]
        return _paid(ledger, account_id, as_of, scenario.currency, books, asked)
    if scenario.kind == "keeps_promise":
        if not books.promises:
            raise ScenarioError(f"The account has no open promise in {scenario.currency}.")
        asked = [(promise["invoice_id"], promise["cents"]) for promise in books.promises]
        return _paid(ledger, account_id, as_of, scenario.currency, books, asked)
    if not books.disputes:
        raise ScenarioError(f"The account has no open dispute in {scenario.currency}.")
    closing = {dispute["dispute_id"] for dispute in books.disputes}
    closed = {"closed_on": as_of, "closed_known_on": as_of}
    rows = [row for row in ledger.rows["disputes"].to_pylist() if row["dispute_id"] in closing]
    added = {"disputes": [row | closed for row in rows]}
    if scenario.kind == "dispute_credited":
        asked = [(dispute["invoice_id"], dispute["cents"]) for dispute in books.disputes]
        added |= _credited(ledger, account_id, as_of, scenario.currency, books, asked)
    return added


Asked = Sequence[tuple[str | None, int]]
"""Cents and the invoice they are meant for; None for the oldest due."""


def _paid(
    ledger: Ledger, account_id: str, as_of: date, currency: str, books: _Books, asked: Asked
) -> dict[str, list[dict[str, Any]]]:
    receipt = {
        "receipt_id": _ID,
        "account_id": account_id,
        "received_on": as_of,
        "known_on": as_of,
        "amount": sum(cents for _, cents in asked) * _CENT,
        "currency": currency,
        "method": "other",
    }
    applied = _applications(account_id, as_of, books, asked, "cash")
    # A table that the source does not have stays absent: with it, other features would appear.
    return ({"receipts": [receipt]} if "receipts" in ledger.rows else {}) | applied


def _credited(
    ledger: Ledger, account_id: str, as_of: date, currency: str, books: _Books, asked: Asked
) -> dict[str, list[dict[str, Any]]]:
    credit = {
        "credit_id": _ID,
        "account_id": account_id,
        "issued_on": as_of,
        "known_on": as_of,
        "amount": sum(cents for _, cents in asked) * _CENT,
        "currency": currency,
        "reason": "dispute",
    }
    applied = _applications(account_id, as_of, books, asked, "credit")
    return ({"credits": [credit]} if "credits" in ledger.rows else {}) | applied


def _applications(
    account_id: str, as_of: date, books: _Books, asked: Asked, cause: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the applications: to the named item, then to the oldest due, up to its balance."""
    left = {item["invoice_id"]: item["balance_cents"] for item in books.items}
    taken = dict.fromkeys(left, 0)
    for meant_for, cents in asked:
        named = [meant_for] if meant_for in left else []
        rest = cents
        for invoice_id in [*named, *left]:
            here = min(rest, left[invoice_id])
            left[invoice_id] -= here
            taken[invoice_id] += here
            rest -= here
    rows = [
        {
            "application_id": f"{_ID}-{number}",
            "invoice_id": invoice_id,
            "account_id": account_id,
            "cause": cause,
            "source_id": _ID,
            "applied_on": as_of,
            "known_on": as_of,
            "amount": cents * _CENT,
        }
        for number, (invoice_id, cents) in enumerate(taken.items(), start=1)
        if cents
    ]
    return {"applications": rows} if rows else {}


def _with_rows(ledger: Ledger, added: Mapping[str, Sequence[Mapping[str, Any]]]) -> Ledger:
    """Return the ledger with rows added; rows of a key that is there replace its versions."""
    tables = dict(ledger.rows)
    for name, rows in added.items():
        key = TABLES[name].key
        replaced = {tuple(row[column] for column in key) for row in rows}
        kept = [
            row
            for row in tables[name].to_pylist()
            if tuple(row[column] for column in key) not in replaced
        ]
        full = [dict.fromkeys(TABLES[name].column_names) | dict(row) for row in rows]
        tables[name] = pa.Table.from_pylist([*kept, *full], schema=tables[name].schema)
    return ledger_from_rows(tables, ledger.manifest)


def _sentence(scenario: Scenario, before: AccountScore, after: AccountScore) -> str:
    happens = {
        "pays": f"{scenario.amount:,.2f} paid today" if scenario.amount else "",
        "keeps_promise": "The promised amount paid today",
        "dispute_closes": "The dispute closed today, all of it owed",
        "dispute_credited": "The dispute closed today with a credit",
    }[scenario.kind]
    moved = after.cents - before.cents
    return (
        f"{happens}: dollars at risk go from {before.cents / 100:,.2f} to "
        f"{after.cents / 100:,.2f} ({moved / 100:+,.2f})."
    )
