"""Papers that can be sent: the views of the console, each as one HTML file that stands alone.

They are laid out for print: page numbers, the as-of day and the model on every page, definitions
of every figure, and a box to sign in. Redacted papers show no name, number or collector of an
account; money and reasons stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from serving.console.account import AccountView, account_view, with_notes
from serving.console.allowance import allowance_view
from serving.console.notes import Note
from serving.console.past import Past
from serving.console.portfolio import portfolio_view
from serving.console.render import render, style
from serving.console.served import Served
from serving.console.trends import ratio
from serving.console.worklist import Row, list_rows
from serving.reports.scores import cents_of
from serving.reports.wording import Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class HighRisk:
    """The accounts with most at risk in one currency.

    Parameters
    ----------
    currency : str
        Its code.
    rows : tuple of Row
        Accounts, the most at risk first.
    accounts : int
        All accounts of the currency.
    at_risk, whole : Amount
        At risk of those shown, and of all.
    share : float
        The one of the other.
    """

    currency: str
    rows: tuple[Row, ...]
    accounts: int
    at_risk: Amount
    whole: Amount
    share: float


def portfolio_paper(served: Served, past: Past | None, currencies: Sequence[str]) -> str:
    """Return the portfolio's paper, a part per currency: the book, and its allowance."""
    parts = [
        (portfolio_view(served, past, currency), allowance_view(served, past, currency))
        for currency in currencies
    ]
    return _paper(served, "paper_portfolio", "Receivables at risk of rolling", parts=parts)


def high_risk(served: Served, currency: str, top: int) -> HighRisk:
    """Return the ``top`` accounts of a currency by dollars at risk; ties by account id."""
    accounts = served.accounts_of(currency)
    ordered = accounts.sort_values(
        ["dollars_at_risk", "account_id"], ascending=[False, True], kind="stable"
    )
    shown = ordered[ordered["dollars_at_risk"] > 0].head(top)
    at_risk, whole = (cents_of(rows["dollars_at_risk"]) for rows in (shown, accounts))
    return HighRisk(
        currency=currency,
        rows=tuple(list_rows(served, shown)),
        accounts=len(accounts),
        at_risk=Amount(cents=at_risk),
        whole=Amount(cents=whole),
        share=ratio(at_risk, whole),
    )


def high_risk_paper(
    served: Served, *, top: int, redact: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Return the paper of the accounts with most at risk, and their ids."""
    parts = [high_risk(served, currency, top) for currency in served.currencies]
    listed = tuple(dict.fromkeys(row.account_id for part in parts for row in part.rows))
    if redact:
        names = {row.account_id: row.values["name"] for part in parts for row in part.rows}
        hidden = {text: f"Account {at}" for at, text in enumerate(names, start=1)}
        hidden |= {name: hidden[account] for account, name in names.items()}
        invoices = {
            invoice: "of this account"
            for account in names
            for invoice in _invoices(served, account)
        }
        collectors = {row.values["collector"]: "–" for part in parts for row in part.rows}
        parts = [redacted(part, hidden | invoices | collectors) for part in parts]
    html = _paper(
        served, "paper_high_risk", "Accounts with most at risk", parts=parts, redact=redact, top=top
    )
    return html, listed


def account_paper(
    served: Served,
    account_id: str,
    *,
    currency: str | None = None,
    notes: tuple[Note, ...] = (),
    redact: bool = False,
) -> str:
    """Return the paper of one account; KeyError when it has nothing open."""
    view = with_notes(account_view(served, account_id, currency=currency), notes)
    title = view.name
    if redact:
        view, title = _redact_account(served, view), "Account (redacted)"
    return _paper(served, "paper_account", title, view=view, redact=redact)


def _paper(
    served: Served,
    template: str,
    title: str,
    *,
    redact: bool = False,
    **values: Any,  # noqa: ANN401 (what the template names)
) -> str:
    manifest = served.pair.manifest
    return render(
        template,
        title=title,
        manifest=manifest,
        style=style(),
        redact=redact,
        on_paper=True,
        unproven=served.portfolio["point_in_time_unproven"],
        **values,
    )


def _invoices(served: Served, account_id: str) -> list[str]:
    start, end = served.pair.table.item_rows[account_id]
    return [str(name) for name in served.pair.table.items["invoice_id"][start:end]]


def _redact_account(served: Served, view: AccountView) -> AccountView:
    hidden = {
        invoice: f"no. {at}" for at, invoice in enumerate(_invoices(served, view.account_id), 1)
    }
    hidden |= {view.account_id: "redacted", view.name: "Account (redacted)"}
    hidden |= {value: "redacted" for name, value in view.facts if name == "Collector" and value}
    shown = replace(
        view,
        notes=(),
        signed=None,
        families=tuple(replace(family, evidence=()) for family in view.families),
        history=None
        if view.history is None
        else replace(
            view.history,
            promises=tuple(replace(one, invoice_id="") for one in view.history.promises),
            disputes=tuple(replace(one, invoice_id="", reason="") for one in view.history.disputes),
        ),
    )
    result: AccountView = redacted(shown, hidden)
    return result


def redacted(value: Any, hidden: Mapping[str, str]) -> Any:  # noqa: ANN401 (any view)
    """Return a view in which every text of ``hidden`` is replaced, wherever it stands.

    Examples
    --------
    >>> redacted(("Invoice INV-1 of ACME", 3), {"INV-1": "no. 1", "ACME": "Account 1"})
    ('Invoice no. 1 of Account 1', 3)
    """
    if isinstance(value, str):
        # The longest first: INV-1 is a part of INV-10.
        for text in sorted((text for text in hidden if text and text in value), key=len)[::-1]:
            value = value.replace(text, hidden[text])
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{f.name: redacted(getattr(value, f.name), hidden) for f in fields(value) if f.init},
        )
    if isinstance(value, tuple):
        return tuple(redacted(entry, hidden) for entry in value)
    if isinstance(value, Mapping):
        return {key: redacted(entry, hidden) for key, entry in value.items()}
    return value
