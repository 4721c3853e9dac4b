"""``rollrisk score``: score a ledger, write the files, publish the snapshot."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from features.ledger.read import Ledger
from models.bundle import Bundle
from models.explain import FAMILY_NAMES
from models.home import Home
from models.reasons import BASE, Reason, top_reasons
from models.snapshot import SnapshotManifest, publish_scores, write_scores
from serving.feedback import Feedback
from serving.online import lists_as_json, online_tables
from serving.policy import Policy
from serving.portfolio import portfolio_view
from serving.scoring import Scoring, score_ledger
from serving.worklist import rank_accounts

WORKLIST_COLUMNS: tuple[str, ...] = (
    "lane",
    "rank",
    "account_id",
    "name",
    "segment",
    "collector",
    "currency",
    "open_balance",
    "collectible",
    "p_roll",
    "dollars_at_risk",
    "priority_value",
    "hold",
    "hold_until",
    "action",
    "why",
    "reasons",
    "as_of",
    "model_version",
)
REASONS_IN_CSV = 3

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_FORMULA_STARTS = tuple("=+-@＝＋－＠")  # noqa: RUF001 (spreadsheets read the wide ones too)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The result of a batch scoring: what was computed and where it was written.

    ``snapshot`` is the published folder, ``folder`` the copy asked for, else the snapshot.
    """

    scoring: Scoring
    accounts: pd.DataFrame
    portfolio: dict[str, Any]
    manifest: SnapshotManifest
    snapshot: Path
    folder: Path


def score_batch(  # noqa: PLR0913 (all that a scoring is made from)
    ledger: Ledger,
    as_of: date,
    bundle: Bundle,
    policy: Policy,
    home: Home,
    *,
    ledger_path: Path,
    model_reference: str,
    out: Path | None = None,
    feedback: Sequence[Feedback] = (),
    threads: int = 2,
    progress: Callable[[str], None] | None = None,
) -> Scored:
    """Score ``ledger``, publish the snapshot in ``home`` and write a copy to ``out``.

    ``feedback`` told by ``as_of`` holds, overrides and ranks as it does in the service.
    """
    scoring = score_ledger(ledger, as_of, bundle, policy, threads=threads, progress=progress)
    accounts = rank_accounts(scoring, policy, feedback)
    portfolio = portfolio_view(scoring, accounts, bundle)
    manifest = SnapshotManifest(
        ledger=str(ledger_path.resolve()),
        ledger_digest=ledger.digest,
        as_of=as_of,
        model=model_reference,
        model_version=bundle.version,
        feature_digest=bundle.feature_digest,
        present=sorted(ledger.present),
    )
    tables = {
        "items": scoring.items,
        "accounts": accounts,
        "evidence": evidence_table(scoring),
    }
    texts = {
        "worklist.csv": worklist_csv(accounts),
        "portfolio.json": json.dumps(portfolio, indent=1, allow_nan=False) + "\n",
    }
    mapped = online_tables(
        pa.Table.from_pandas(scoring.items, preserve_index=False),
        pa.Table.from_pandas(lists_as_json(accounts), preserve_index=False),
    )
    folder = publish_scores(home, manifest, tables, texts, bundle, mapped)
    if out is not None:
        write_scores(out, manifest, tables, texts, bundle, mapped)
    return Scored(
        scoring=scoring,
        accounts=accounts,
        portfolio=portfolio,
        manifest=manifest,
        snapshot=folder,
        folder=out or folder,
    )


def evidence_table(scoring: Scoring) -> pd.DataFrame:
    """Return what explanations need, per item.

    Feature values, log-odds by feature, what carries log-odds to probability, and the cents at
    risk by family, so that every level adds up to what was scored.
    """
    names = scoring.frame.names
    values = pd.DataFrame(scoring.frame.values, columns=[f"value_{name}" for name in names])
    log_odds = pd.DataFrame(
        scoring.explanation.features, columns=[f"log_odds_{name}" for name in names]
    )
    carried = pd.DataFrame(
        {
            "scale": scoring.explanation.scale,
            "probability_base": scoring.explanation.probability_base,
        }
    )
    columns = [f"cents_{name}" for name in (*FAMILY_NAMES, BASE)]
    cents = pd.DataFrame(scoring.cents, columns=columns)
    keys = scoring.items[["account_id", "invoice_id"]]
    return pd.concat([keys, values, log_odds, carried, cents], axis=1)


def worklist_csv(accounts: pd.DataFrame) -> str:
    """Return the ranked, human-readable cut of the accounts as CSV text.

    Cells that a spreadsheet would read as a formula are prefixed with an apostrophe.
    """
    listed = accounts[accounts["lane"] != ""]
    order = {"past_due": 0, "last_bucket": 1, "due_soon": 2}
    listed = listed.assign(order=listed["lane"].map(order))
    listed = listed.sort_values(["currency", "order", "rank"])
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(WORKLIST_COLUMNS)
    for row in listed.to_dict("records"):
        row["reasons"] = "; ".join(_in_words(row["reasons"]))
        writer.writerow([_cell(row[name]) for name in WORKLIST_COLUMNS])
    return stream.getvalue()


def _in_words(reasons: list[Reason]) -> list[str]:
    shown = [reason for reason in top_reasons(reasons, REASONS_IN_CSV) if reason["dollars"]]
    return [f"{reason['sentence']} ({reason['dollars']:+,.2f})" for reason in shown]


def _cell(value: Any) -> str:  # noqa: ANN401 (cells of any column)
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"
    # A bare carriage return would break the row: the csv module leaves it unquoted.
    text = _CONTROL.sub(" ", str(value))
    return f"'{text}" if text.lstrip()[:1] in _FORMULA_STARTS else text
