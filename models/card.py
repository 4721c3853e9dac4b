"""The model card: what a model is, what it was made from, how good it is, and what it is not.

The view is made from the bundle's facts alone, so that a card can be written wherever the model
is. Markdown for repositories and reviews, HTML for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import Any

from models.bundle import Bundle
from models.page import render_page
from models.profile import ALL

_FIGURES: dict[str, str] = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "log_loss": "log-loss",
    "captured_dollars": "rolled dollars in the top 20 %",
    "expected_over_realised": "expected ÷ realised dollars",
    "slope": "calibration slope",
}

_INTENDED = (
    "Ranking and planning of collections work on open invoices to business customers, forecasts of "
    "what stays open, and explanations of both.",
    "Not for granting or refusing credit, for prices, or for any decision about consumers. Not a "
    "measure of what a call brings: without a randomised hold-out nothing here is a causal effect.",
)

_DEFINITIONS = (
    ("Item", "one open invoice or debit memo at an as-of date"),
    ("Unresolved", "open or written off 30·k days on, k = 1 … 4, known by then plus the lag"),
    ("Exposed", "would stand in the next ageing bucket 30 days on if unresolved"),
    ("p_roll", "P(unresolved after 30 days) of an exposed item"),
    ("Test window", "the newest as-of dates with outcomes; no choice of the recipe saw them"),
)

_LIMITS = (
    "It knows what the books show. A change that has not reached them (a lost customer, a new "
    "dunning policy) is seen when payments change.",
    "Accounts that collectors worked paid more than they would have: probabilities hold under the "
    "collecting that was done, not under none.",
    "Feature rows of one account resemble each other: intervals count families, not rows.",
    "Outcomes after 60 to 120 days rest on fewer and older rows than those after 30.",
)

_NATURAL_PERSONS = (
    "Sole traders and partners are natural persons. Scores and reasons about them are personal "
    "data, and a decision made by the score alone that affects them significantly needs a legal "
    "basis, human review and a way to contest it (GDPR Art. 22; likewise elsewhere). An account "
    "whose status is unknown counts as a natural person. The status itself is never a feature. "
    "Reasons with each score, and the replayable audit record, are there to answer such requests."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table of text; columns but the first are figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """Everything a card says, as text."""

    title: str
    summary: str
    unproven: str
    facts: tuple[tuple[str, str], ...]
    intended: tuple[str, ...]
    definitions: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    segments: str
    limits: tuple[str, ...]
    natural_persons: str


def model_card(bundle: Bundle, verdict: Mapping[str, Any] | None = None) -> ModelCard:
    """Return the card of a model.

    Parameters
    ----------
    bundle : Bundle
        The model.
    verdict : mapping
        The gate's newest verdict on it, as plain values; None when it was never asked.
    """
    facts = bundle.facts
    metrics: Mapping[str, Mapping[str, float]] = facts.get("metrics", {})
    own: Mapping[str, float] = next(iter(metrics.values()), {})
    unproven = [str(name) for name in facts.get("point_in_time_unproven", ())]
    tables = [
        *([_figures(metrics)] if metrics else []),
        *_slices((facts.get("monitor") or {}).get("slices") or {}),
        *([_windows(facts["windows"])] if "windows" in facts else []),
        *([_reach(facts["reach"])] if facts.get("reach") else []),
        *(
            [_little_history(history)]
            if (history := facts.get("fallback", {})).get("known")
            else []
        ),
        *([_gate(verdict)] if verdict else []),
    ]
    segments = sorted(name for name in bundle.profile.matrix if name != ALL)
    kind = (
        "The roll-rate matrix alone; no trees."
        if bundle.is_matrix
        else "Discrete-time survival in 30-day steps with LightGBM: one small set of trees for "
        "each of four steps, two for the days within the first."
    )
    return ModelCard(
        title=f"Roll risk, model {bundle.version}",
        summary=f"{kind} It answers with the probability that an open invoice is still unresolved "
        "7 to 120 days on.",
        unproven=", ".join(unproven),
        facts=(
            ("Trained on what was known by", str(facts.get("trained_until", "unknown"))),
            ("As-of dates", _dates(facts.get("as_of_dates", ()))),
            ("Rows", f"{facts.get('rows', 0):,}"),
            ("Judged rows", f"{own.get('rows', 0):,.0f}"),
            ("Features", str(len(bundle.feature_names))),
            ("Feature digest", bundle.feature_digest),
            ("Ledger digest", str(facts.get("ledger_digest", "unknown"))[:16]),
            ("Recipe digest", str(facts.get("config_digest", "unknown"))),
            ("Software", f"rollrisk {installed('rollrisk')}"),
        ),
        intended=_INTENDED,
        definitions=_DEFINITIONS,
        tables=tuple(tables),
        segments=(
            f"{', '.join(segments)}. The segment is no input of the trees; it chooses the roll "
            "rates and the payment curve that fill in where they do not answer."
            if segments
            else "The ledger names none."
        ),
        limits=_LIMITS,
        natural_persons=_NATURAL_PERSONS,
    )


def _dates(dates: Sequence[object]) -> str:
    return f"{len(dates)}, {dates[0]} to {dates[-1]}" if dates else "unknown"


def _figures(metrics: Mapping[str, Mapping[str, float]]) -> Table:
    first = next(iter(metrics.values()))
    return Table(
        title="Figures on the test window",
        columns=("model", *_FIGURES.values()),
        rows=tuple(
            (name, *(_number(row.get(key)) for key in _FIGURES)) for name, row in metrics.items()
        ),
        note=f"{first['rows']:,.0f} exposed items, {first['positives']:,.0f} of them unresolved "
        "after 30 days. Log-loss and Brier score: lower is better.",
    )


def _slices(slices: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Table]:
    """Return the figures by segment and by bucket; none for models that left none."""
    return [
        Table(
            title=f"Figures by {kind} on the test window",
            columns=(kind, "rows", "unresolved", "expected", "log-loss"),
            rows=tuple(
                (
                    row["name"] or f"no {kind}",
                    f"{row['rows']:,}",
                    f"{row['unresolved']:.1%}",
                    f"{row['expected']:.1%}",
                    _number(row["log_loss"]),
                )
                for row in rows
            ),
            note="Shares of exposed items that were unresolved after 30 days, and that the model "
            "expected to be. Few rows prove little.",
        )
        for kind, rows in slices.items()
        if rows
    ]


def _windows(windows: Mapping[str, Sequence[str]]) -> Table:
    return Table(
        title="Windows in time",
        columns=("window", "first as-of date", "last as-of date"),
        rows=tuple((name, str(first), str(last)) for name, (first, last) in windows.items()),
        note="Rounds are found on the second, calibrators on the third, figures on the fourth; the "
        "model that serves is then refitted on all of them.",
    )


def _reach(bands: Sequence[Mapping[str, Any]]) -> Table:
    columns = tuple(bands[0])
    return Table(
        title="P(reaching a bucket), by days to its edge",
        columns=tuple(name.replace("_", " ") for name in columns),
        rows=tuple(tuple(_cell(band[name]) for name in columns) for band in bands),
        note="Where a band failed its backtest the service answers with null.",
    )


def _little_history(choice: Mapping[str, Any]) -> Table:
    """Return how the mixture with the matrix did, by the k that was tried."""
    known, unseen = choice["known"], choice["unseen"]
    left_out = ", ".join(choice["segments"]) or "none could be"
    return Table(
        title="Little history: the roll-rate matrix mixed in",
        columns=("k", "segments learnt from", "segments left out in turn"),
        rows=tuple((k, _gap(known[k]), _gap(unseen[k]) if k in unseen else "–") for k in known),
        note="Log-loss of the mixture minus that of the model alone, with 95 % intervals over "
        "accounts: n paid invoices give the model n/(n + k) of the answer. Chosen: "
        f"{choice['known_k']:g} where the segment was learnt from (0 is the model alone), "
        f"{choice['unseen_k']:g} where it was not. Left out in turn: {left_out}.",
    )


def _gap(found: Mapping[str, float]) -> str:
    return f"{found['difference']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]"


def _gate(verdict: Mapping[str, Any]) -> Table:
    forced = verdict.get("forced_because")
    note = "Passed." if verdict["passed"] else "Broken."
    if forced:
        note = f"Overruled by {verdict['forced_by'] or 'somebody'} at {verdict['at']}: {forced}"
    if verdict["unjudged"]:
        note += f" Not judged: {'; '.join(verdict['unjudged'])}."
    return Table(
        title=f"The gate's verdict, {verdict['at'] or 'undated'}",
        columns=("rule", "value", "bound", "verdict"),
        rows=tuple(
            (
                rule["name"],
                _number(rule["value"]),
                rule["bound"],
                "holds" if rule["holds"] else "broken",
            )
            for rule in verdict["rules"]
        ),
        note=note,
    )


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.4f}"  # noqa: PLR0124 (NaN)


def _cell(value: object) -> str:
    return _number(value) if isinstance(value, float) else str(value)


def card_html(card: ModelCard) -> str:
    """Return the card as one HTML page that needs nothing from outside."""
    return render_page("models", "card.html.j2", card)


def card_markdown(card: ModelCard) -> str:
    """Return the card as Markdown.

    Text from a ledger (segments, tables) is escaped, so that it stays text.
    """
    lines = [f"# {_text(card.title)}", "", _text(card.summary), ""]
    if card.unproven:
        lines += [
            f"**Point-in-time unproven:** {_text(card.unproven)} do not say when the books first "
            "showed their rows. Business dates stand in, so figures on past dates may look better "
            "than they were, for every account with rows in them.",
            "",
        ]
    lines += [*(f"- {name}: {_text(value)}" for name, value in card.facts), ""]
    lines += ["## Intended use", "", *(f"- {text}" for text in card.intended), ""]
    lines += ["## Definitions", "", *(f"- **{word}**: {text}" for word, text in card.definitions)]
    for table in card.tables:
        lines += ["", f"## {_text(table.title)}", ""]
        lines += [_row(table.columns), _row(["---"] * len(table.columns))]
        lines += [_row(row) for row in table.rows]
        lines += ["", _text(table.note)] if table.note else []
    lines += ["", "## Segments", "", _text(card.segments)]
    lines += ["", "## Known limits", "", *(f"- {text}" for text in card.limits)]
    lines += ["", "## Natural persons", "", card.natural_persons, ""]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _text(value: str) -> str:
    plain = " ".join(value.split())
    for sign in "\\`*_|<[":
        plain = plain.replace(sign, f"\\{sign}")
    return plain
