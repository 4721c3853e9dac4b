"""The page of the managers' console: what each page shows, whence its numbers, and its JSON."""

import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from inspect import getdoc
from typing import Any

from serving.console.account import AccountView
from serving.console.allowance import AllowanceView
from serving.console.app import make_console
from serving.console.changes import ChangesView
from serving.console.ledger import LedgerView
from serving.console.model import ModelView
from serving.console.portfolio import PortfolioView
from serving.console.worklist import WorklistView
from serving.reports.wording import Amount

WORDS = """\
`rollrisk serve` has the managers' console on its port. A manager signs in with a key of the role
`manager` (`rollrisk keys create NAME --role manager`); the session lasts eight hours in a cookie
that scripts cannot read, and ends at once when the key is withdrawn. The service answers to its
address and to `localhost`.

Pages are made by the service and need no script; the script applies filters when they are chosen
and shows what was still being read. Nothing is loaded from elsewhere. All pages work with the
keyboard alone, at 390 pixels, dark, and on paper. `/` goes to the search.

Amounts are of one currency at a time and never added across. Every page that gives scores out is
recorded in the audit store before it leaves. Numbers on a page, in its JSON, in the API and in
the files of `rollrisk score` are the same.
"""

KEPT = """\
## What is kept where

The last year of the books (key figures, roll rates, forecasts beside what came of them, the health
of the ledger) is computed once per snapshot, beside the requests, and kept in `console/` of the
home. A page that comes earlier says so and shows it as soon as it is there. An account's own rows
are read from the ledger when its page is opened; on a large ledger the page comes first and its
year, its own norms and the evidence follow. `python -m benchmarks.console` measures every page
of 120,000 accounts with 400,000 open items in a browser.

Notes, sign-offs and overlays are rows of `console.db` in the home. They are added and never
changed, with who wrote them, when, and which scoring was on the page. `rollrisk forget ACCOUNT`
takes the account out of them and deletes the cache; `rollrisk prune` deletes what was kept of the
snapshots that it deletes.

Forecasts are judged from the scorings in the home: of the last 400 days at most twelve, four weeks
apart, of each day the one published first. Only outcomes that were final by the served day count. A
scoring by a model that was trained on later books is shown as hindsight and counted nowhere.
"""

PAPERS = """\
## Papers

`rollrisk report portfolio`, `rollrisk report high-risk --top 50` and `rollrisk report account ID`
write the same views as one file, HTML or PDF, with page numbers, the day, the model version,
definitions and a box to sign; `--redact` leaves out names, numbers and collectors. The pages
`/reports/portfolio`, `/reports/high-risk?top=50` and `/reports/account/ID` show them
(`?redact=1` too).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page in words: its address, view, what it shows, whence its numbers, what it takes."""

    title: str
    path: str
    view: type
    shows: str
    sources: str
    takes: str


PAGES: tuple[Page, ...] = (
    Page(
        title="Portfolio",
        path="/",
        view=PortfolioView,
        shows="Key figures and their year; the balance by age now and as it is expected in 30, 60 "
        "and 90 days; what is at risk by bucket, segment, region and collector; how balances moved "
        "between buckets; what drives the amount at risk; what earlier forecasts came to.",
        sources="`items.parquet` and `portfolio.json` of the snapshot; roll rates, trends and "
        "forecasts from the ledger as it stood on each day. Drivers add up to the amount at risk "
        "to the cent.",
        takes="`currency`; `steps` of 3, 6 or 12 that the roll-rate matrix pools",
    ),
    Page(
        title="Worklist",
        path="/worklist",
        view=WorklistView,
        shows="Accounts by lane and rank with reasons, holds and the suggested action.",
        sources="`accounts.parquet` of the snapshot, in the order of `rollrisk score`.",
        takes="`lane`, `currency`, `segment`, `region`, `collector`, `hold`, `action` (`all` for "
        "every one), `search`, `sort`, `down`, `columns` (repeated), `page`; `/worklist.csv` and "
        "`/worklist.xlsx` give all that was found",
    ),
    Page(
        title="Account",
        path="/accounts/ID",
        view=AccountView,
        shows="Who it is, its open items with their chance of staying open beside what is usual, "
        "why it is at risk, facts beside its own norm and its peers, its year, ledger rows behind "
        "each reason, and the reviewers' notes and sign-off.",
        sources="The snapshot, as `/v1/explain` gives it; norms, year and evidence from the "
        "account's ledger rows. Scores of past days are today's model on the books of those days.",
        takes="`currency`; `invoice` whose facts are shown; `wait=0` to be given at once what is "
        "there, `wait=1` to wait for the rest (JSON waits unless told otherwise)",
    ),
    Page(
        title="What changed, what would",
        path="/changes/ID",
        view=ChangesView,
        shows="Why the amount at risk moved since the last scoring, step by step, and what a "
        "payment, a kept promise or a closed dispute would change.",
        sources="The two newest scorings of the home; the account's rows scored again with what "
        "the question adds.",
        takes="`currency`; `question` and, for a payment, `amount`",
    ),
    Page(
        title="Allowance",
        path="/allowance",
        view=AllowanceView,
        shows="Roll-rate chain and model side by side by segment and bucket, the rates behind "
        "both, and overlays with name, reason and date.",
        sources="Items of the snapshot; dollar roll rates and losses of the last year's steps.",
        takes="`currency`; `/allowance.csv`, and `/allowance.xlsx` with the formulas",
    ),
    Page(
        title="Model",
        path="/model",
        view=ModelView,
        shows="What is served, how well it did beside the baselines, calibration, drift with its "
        "critical values, what became of past scores, windows in time, versions and gate verdicts.",
        sources="The model's own facts, the registry, and `monitor/monitor.json` in the home as "
        "`rollrisk monitor` or `rollrisk daily` wrote it.",
        takes="nothing",
    ),
    Page(
        title="Ledger health",
        path="/ledger",
        view=LedgerView,
        shows="Invariants, quarantine, late entry, stale tables, and what unapplied cash, undated "
        "items and disputes do to the ageing.",
        sources="The questions of `rollrisk check`, the ledger's quarantine, and the items of the "
        "snapshot.",
        takes="`currency`",
    ),
)

_JSON: dict[Any, str] = {
    str: "text",
    int: "number",
    float: "number or null",
    bool: "true or false",
    date: "day",
    datetime: "day and time",
    Amount: "money",
}


def console_page() -> str:
    """Return the console's pages and their JSON as Markdown."""
    lines = ["# Console", "", "Made from `serving/console/` by `make pages`.", ""]
    lines += [*WORDS.splitlines(), "", "## Pages"]
    for page in PAGES:
        lines += ["", f"### {page.title} (`{page.path}`)", "", page.shows, ""]
        lines += [f"From: {page.sources}", "", f"Takes: {page.takes}."]
    lines += ["", "![What earlier forecasts came to](pictures/forecast.png)"]
    lines += ["", *KEPT.splitlines(), "", *PAPERS.splitlines(), "", "## Addresses", ""]
    lines += [f"- `{' '.join(sorted(methods))} {path}`" for path, methods in _routes()]
    lines += ["", "## JSON", ""]
    lines += [
        "Every page with `?format=json` is `{request_id, model_version, as_of, ledger_digest, "
        "feature_digest, view}`. Money is text with two decimals, days are ISO dates, what is not "
        "known is null. Where nothing is open, `view` has a `page`, a `title` and no currencies.",
    ]
    told: set[type] = set()
    for page in PAGES:
        for view in _views(page.view):
            if view not in told:
                told.add(view)
                lines += ["", *_fields(view, page)]
    return "\n".join(lines) + "\n"


def _routes() -> Iterator[tuple[str, set[str]]]:
    for route in make_console().routes:
        methods = set(getattr(route, "methods", None) or ()) - {"HEAD"}
        if methods:
            yield str(getattr(route, "path", "")).replace(":path", ""), methods


def _views(view: type) -> list[type]:
    """Return a view and the values that it is made of, in the order of its fields."""
    found = [view]
    for hint in typing.get_type_hints(view).values():
        for part in _parts(hint):
            if is_dataclass(part) and part is not Amount and part not in found:
                found += [one for one in _views(part) if one not in found]
    return found


def _parts(hint: Any) -> Iterator[type]:  # noqa: ANN401 (a type hint)
    if isinstance(hint, type) and not typing.get_args(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _parts(part)


def _fields(view: type, page: Page) -> list[str]:
    head = f"### `{view.__name__}`" + (f" of `{page.path}`" if view is page.view else "")
    summary = (getdoc(view) or "").split("\n\nParameters")[0].replace("\n", " ").strip()
    meanings = _meanings(getdoc(view) or "")
    hints = typing.get_type_hints(view)
    rows = [
        f"| `{one.name}` | {_holds(hints[one.name])} | {meanings.get(one.name, '')} |"
        for one in fields(view)
    ]
    return [head, "", summary, "", "| field | holds | meaning |", "|---|---|---|", *rows]


def _holds(hint: Any) -> str:  # noqa: ANN401 (a type hint)
    """Return what a field holds in JSON."""
    if hint in _JSON:
        return _JSON[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return f"`{hint.__name__}`"
    return _holds_several(typing.get_origin(hint), typing.get_args(hint))


def _holds_several(origin: Any, arguments: tuple[Any, ...]) -> str:  # noqa: ANN401 (of a hint)
    if origin in (typing.Union, types.UnionType):
        inner = [_holds(part) for part in arguments if part is not type(None)]
        return " or ".join(dict.fromkeys([*inner, "null"])).replace("or null or null", "or null")
    if origin is tuple and arguments[1:] == (Ellipsis,):
        return f"list of {_holds(arguments[0])}"
    if origin is tuple:
        return f"[{', '.join(_holds(part) for part in arguments)}]"
    if origin is not None and origin is not typing.Literal:
        return f"{_holds(arguments[-1])} by {_holds(arguments[0])}"
    return "text"


def _meanings(text: str) -> dict[str, str]:
    """Return what a numpydoc says of each parameter; several may share a line."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in text.partition("Parameters\n----------\n")[2].splitlines():
        head = re.fullmatch(r"([\w, ]+) : .*", line)
        if head:
            names = head[1].split(", ")
        elif line.startswith("    "):
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip().replace("|", "\\|")
    return found
