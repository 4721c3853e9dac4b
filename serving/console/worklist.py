"""The worklist page: ranked accounts, filtered, sorted and with the columns chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.priority import LANES, PAST_DUE
from serving.console.served import Served
from serving.policy import HOLDS
from serving.reports.scores import cents_of
from serving.reports.wording import Amount

Kind = Literal["text", "code", "money", "share", "count", "date"]

PAGE_ROWS = 50
REASONS = 2
"""Reasons named beside an account."""

EVERY = "all"
FILTERS: tuple[str, ...] = ("lane", "currency", "segment", "region", "collector", "hold", "action")
NOT_HELD = "none"
"""Value of the filter ``hold`` for accounts that can be worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that can be shown: its name, head, kind of value, and whether it is by default."""

    name: str
    head: str
    kind: Kind
    usual: bool = False


COLUMNS: tuple[Column, ...] = (
    Column(name="rank", head="Rank", kind="count", usual=True),
    Column(name="name", head="Account", kind="text", usual=True),
    Column(name="account_id", head="Account id", kind="text"),
    Column(name="lane", head="Lane", kind="code"),
    Column(name="segment", head="Segment", kind="code"),
    Column(name="region", head="Region", kind="code"),
    Column(name="collector", head="Collector", kind="text", usual=True),
    Column(name="currency", head="Currency", kind="text", usual=True),
    Column(name="open_balance", head="Balance", kind="money"),
    Column(name="collectible", head="Collectible", kind="money", usual=True),
    Column(name="oldest_days_past_due", head="Oldest, days", kind="count", usual=True),
    Column(name="p_roll", head="P roll", kind="share", usual=True),
    Column(name="dollars_at_risk", head="At risk", kind="money", usual=True),
    Column(name="priority_value", head="Priority value", kind="money"),
    Column(name="hold", head="Held", kind="code", usual=True),
    Column(name="hold_until", head="Held until", kind="date"),
    Column(name="action", head="Action", kind="code", usual=True),
    Column(name="why", head="Why", kind="text", usual=True),
    Column(name="reasons", head="Reasons", kind="text"),
)
_TYPED: Mapping[Kind, Callable[[Any], Any]] = {
    "text": str,
    "code": str,
    "money": lambda value: Amount(cents=round(float(value) * 100)),
    "share": float,
    "count": int,
    "date": lambda value: pd.Timestamp(value).date(),
}
_BY_NAME = {column.name: column for column in COLUMNS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked of the list.

    Parameters
    ----------
    filters : mapping of str to str
        Value wanted by the names in ``FILTERS``; ``all`` for every one.
    search : str
        Part of an account's name or id, whatever its case.
    sort : str
        Column to sort by.
    down : bool
        Largest first.
    columns : tuple of str
        Columns shown.
    page : int
        From 1.
    """

    filters: Mapping[str, str]
    search: str = ""
    sort: str = "rank"
    down: bool = False
    columns: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.usual)
    page: int = 1

    def link(self, **changes: str | int) -> str:
        """Return the query as an address, with some values changed."""
        shown: dict[str, Any] = {
            **self.filters,
            "search": self.search,
            "sort": self.sort,
            "down": int(self.down),
            "columns": self.columns,
            "page": 1,
            **changes,
        }
        return "?" + urlencode({k: v for k, v in shown.items() if v != ""}, doseq=True)


def read_query(parameters: Mapping[str, str], columns: Sequence[str] = ()) -> Query:
    """Return the query of an address; what is not known there is left at its default.

    Parameters
    ----------
    parameters : mapping of str to str
        Of the address.
    columns : sequence of str
        Values of its parameter ``columns``.

    Examples
    --------
    >>> query = read_query({"segment": "smb", "sort": "p_roll", "down": "1", "page": "x"})
    >>> query.filters["segment"], query.filters["lane"], query.sort, query.page
    ('smb', 'past_due', 'p_roll', 1)
    """
    page = parameters.get("page", "1")
    sort = parameters.get("sort", "rank")
    chosen = tuple(column.name for column in COLUMNS if column.name in columns)
    filters = {name: parameters.get(name, EVERY) or EVERY for name in FILTERS}
    if "lane" not in parameters:
        filters["lane"] = PAST_DUE
    defaults = Query(filters=filters)
    return Query(
        filters=filters,
        search=parameters.get("search", "").strip()[:100],
        sort=sort if sort in _BY_NAME and sort != "reasons" else "rank",
        down=parameters.get("down") == "1",
        columns=chosen or defaults.columns,
        page=max(int(page), 1) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What the accounts found amount to in one currency."""

    currency: str
    accounts: int
    collectible: Amount
    at_risk: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One account: its position in the scoring, and its values by column."""

    row: int
    account_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistView:
    """One page of the list.

    Parameters
    ----------
    query : Query
        What was asked.
    columns : tuple of Column
        Those shown, in order.
    choices : mapping of str to tuple of str
        Values that each filter may take.
    found, first, last, pages : int
        Accounts found, the first and last shown, and how many pages they make.
    sums : tuple of Sum
        Of all accounts found, by currency.
    rows : tuple of Row
        The accounts of this page.
    """

    query: Query
    columns: tuple[Column, ...]
    choices: Mapping[str, tuple[str, ...]]
    found: int
    first: int
    last: int
    pages: int
    sums: tuple[Sum, ...]
    rows: tuple[Row, ...]


def worklist_view(served: Served, query: Query) -> WorklistView:
    """Return the page that ``query`` asks for."""
    found = find_rows(served, query)
    pages = max(-(-len(found) // PAGE_ROWS), 1)
    page = min(query.page, pages)
    shown = found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    return WorklistView(
        query=query,
        columns=tuple(_BY_NAME[name] for name in query.columns),
        choices=_choices(served),
        found=len(found),
        first=min((page - 1) * PAGE_ROWS + 1, len(found)),
        last=(page - 1) * PAGE_ROWS + len(shown),
        pages=pages,
        sums=_sums(served, found),
        rows=tuple(list_rows(served, served.accounts.iloc[shown])),
    )


def find_accounts(served: Served, query: Query) -> pd.DataFrame:
    """Return the accounts that fit, in the order asked for."""
    return served.accounts.iloc[find_rows(served, query)]


def find_rows(served: Served, query: Query) -> npt.NDArray[np.intp]:
    """Return the places of the accounts that fit, in the order asked for.

    Ties go by lane, rank and place. Only the columns asked for are read: a page shows 50 of
    many accounts.
    """
    accounts = served.accounts
    keep = np.ones(len(accounts), dtype=bool)
    for name, wanted in query.filters.items():
        if wanted == EVERY:
            continue
        value = "" if name == "hold" and wanted == NOT_HELD else wanted
        keep &= np.asarray(accounts[name] == value, dtype=bool)
    if query.search:
        words = query.search.lower()
        fits = [
            accounts[name].fillna("").astype(str).str.lower().str.contains(words, regex=False)
            for name in ("name", "account_id")
        ]
        keep &= (fits[0] | fits[1]).to_numpy(dtype=bool)
    places = np.flatnonzero(keep)
    order = {lane: position for position, lane in enumerate(LANES)}
    sorted_by: pd.Series[Any] = accounts[query.sort].iloc[places]
    if not pd.api.types.is_numeric_dtype(sorted_by.dtype) and query.sort != "hold_until":
        sorted_by = sorted_by.astype(object).fillna("").astype(str).str.lower()
    lane = accounts["lane"].iloc[places].astype(object).map(order).fillna(len(order))
    ordered = pd.DataFrame(
        {
            "value": sorted_by.to_numpy(),
            "lane": lane.to_numpy(dtype=float),
            "rank": accounts["rank"].iloc[places].to_numpy(),
        }
    )
    up = not query.down
    by = ["value", "lane", "rank"] if query.sort != "rank" else ["lane", "value"]
    rising = [up, True, True] if query.sort != "rank" else [True, up]
    ordered = ordered.sort_values(by, ascending=rising, na_position="last", kind="stable")
    return np.asarray(places[ordered.index.to_numpy()])


def list_rows(served: Served, accounts: pd.DataFrame) -> list[Row]:
    """Return accounts as rows with the values of every column."""
    rows = []
    for entry in accounts.to_dict("records"):
        position = int(entry["row"])
        values = {column.name: _value(column, entry, served) for column in COLUMNS}
        rows.append(Row(row=position, account_id=str(entry["account_id"]), values=values))
    return rows


def _value(column: Column, entry: Mapping[Any, Any], served: Served) -> Any:  # noqa: ANN401 (a cell)
    if column.name == "reasons":
        reasons = served.pair.table.reasons_of(int(entry["row"]), REASONS)[:REASONS]
        return "; ".join(
            f"{reason['sentence']} ({float(reason['dollars']):+,.2f})"
            for reason in reasons
            if float(reason["dollars"])
        )
    value = entry[column.name]
    if column.name == "name" and not value:
        return str(entry["account_id"])
    return None if value is None or pd.isna(value) else _TYPED[column.kind](value)


def _choices(served: Served) -> dict[str, tuple[str, ...]]:
    choices: dict[str, tuple[str, ...]] = {"lane": LANES, "hold": (NOT_HELD, *HOLDS)}
    for name in FILTERS:
        if name not in choices:
            values = served.accounts[name].dropna().unique()
            choices[name] = tuple(sorted(str(value) for value in values if value))
    return choices


def _sums(served: Served, places: npt.NDArray[np.intp]) -> tuple[Sum, ...]:
    found = served.accounts[["currency", "collectible", "dollars_at_risk"]].iloc[places]
    return tuple(
        Sum(
            currency=str(currency),
            accounts=len(rows),
            collectible=Amount(cents=cents_of(rows["collectible"])),
            at_risk=Amount(cents=cents_of(rows["dollars_at_risk"])),
        )
        for currency, rows in found.groupby("currency", observed=True)
    )
