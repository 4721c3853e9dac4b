"""A ledger's Parquet files read with pandas, up to what every as-of date shares.

Part of the rival of ``benchmarks.features``. Ids become integer codes and dates day numbers
(from 1970-01-01), money is counted in cents. Both clocks are kept: a row counts from the later
of its business date and ``known_on`` until a newer version of its key is known.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TOLERANCE_CENTS = 100
REPEATED = ("account_id", "currency", "cause", "kind")
FACTS = ["account", "currency", "group", "amount", "first_due"]
PAID = ("cash", "cash_return", "discount", "netting")
NOTICES = ("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C13", "C14")
PAYMENTS = ("cash", "cash_return", "unapply")
NO_DAY = np.int32(-(2**30))  # a missing date, before all others
NEVER = np.int32(2**30)  # a date after all others


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the features need of a ledger whatever the date.

    Parameters
    ----------
    open : pandas.DataFrame
        One row per invoice and period (``since`` to ``until``) with an unchanged balance above
        the tolerance.
    settled : pandas.DataFrame
        One row per invoice and period in which it stood as paid, with its days beyond terms.
    moved : pandas.DataFrame
        Moved due dates by the day on which they were known.
    returns : pandas.DataFrame or None
        Returned payments; None where the ledger lacks receipts or their returns.
    invoice_ids, account_ids : pandas.Index
        The ids behind the codes.
    """

    open: pd.DataFrame
    settled: pd.DataFrame
    moved: pd.DataFrame
    returns: pd.DataFrame | None
    invoice_ids: pd.Index
    account_ids: pd.Index


def read_books(folder: Path) -> Books:
    """Read a ledger's files and work out what does not depend on the date."""
    invoices = _read(
        folder,
        "invoices",
        "invoice_id account_id replaces_invoice_id issued_on due_on known_on amount currency",
    )
    applications = _read(
        folder,
        "applications",
        "application_id invoice_id cause source_id applied_on known_on amount",
    )
    moved = _read(folder, "due_date_changes", "invoice_id known_on due_on")
    replaced = invoices["replaces_invoice_id"].dropna()
    columns = [invoices["invoice_id"], applications["invoice_id"], moved["invoice_id"], replaced]
    codes, ids = pd.factorize(pd.concat(columns, ignore_index=True))
    ends = np.cumsum([len(column) for column in columns])
    invoices["invoice"], applications["invoice"], moved["invoice"], forerunner = np.split(
        codes, ends[:-1]
    )
    invoices["forerunner"] = pd.Series(forerunner, index=replaced.index)
    invoices["account"], accounts = pd.factorize(invoices["account_id"])
    account_ids = pd.Index(accounts.astype("str"))
    invoices["currency"], currencies = pd.factorize(invoices["currency"])
    invoices["group"] = invoices["account"] * len(currencies) + invoices["currency"]

    versions = _with_clocks(invoices, ["invoice"], "issued_on")
    versions = versions[versions["superseded"] > versions["visible"]].reset_index(drop=True)
    versions["first_due"] = _first_due(versions, len(ids))
    applications = _with_clocks(applications, ["application_id"], "applied_on")
    applications = _with_sides(applications)
    moved = moved.drop_duplicates(["invoice", "known_on"], keep="last")
    moved = moved.sort_values("known_on")
    states = _states(_events(versions, applications, len(ids)), versions)
    states = _with_standing_payments(states, applications)
    return Books(
        open=states[states["balance"] > TOLERANCE_CENTS],
        settled=_settled(states, moved, len(ids)),
        moved=moved,
        returns=_returns(folder, account_ids),
        invoice_ids=pd.Index(ids),
        account_ids=account_ids,
    )


def _files(folder: Path, table: str) -> list[Path]:
    batches = json.loads((folder / "ledger.json").read_text("utf-8"))["batches"]
    files = [file for batch in batches for file in batch["files"]]
    return [folder / file["file"] for file in files if file["table"] == table]


def _read(folder: Path, table: str, columns: str) -> pd.DataFrame:
    """Return columns of a table in batch order; dates as day numbers, money as cents."""
    names = columns.split()
    files = _files(folder, table)
    if not files:
        kinds = {name: np.int32 if name.endswith("_on") else "str" for name in names}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    rows = pa.concat_tables(
        pq.read_table(file, columns=names, read_dictionary=list(REPEATED)) for file in files
    )
    for place, field in enumerate(rows.schema):
        if pa.types.is_date(field.type):
            days = pc.fill_null(rows[field.name].cast(pa.int32()), int(NO_DAY))
            rows = rows.set_column(place, field.name, days)
        elif pa.types.is_decimal(field.type):
            cents = np.rint(rows[field.name].cast(pa.float64()).to_numpy() * 100)
            rows = rows.set_column(place, field.name, pa.array(cents.astype(np.int64)))
    frame: pd.DataFrame = rows.to_pandas()
    return frame


def _with_clocks(rows: pd.DataFrame, key: list[str], clock: str) -> pd.DataFrame:
    """Add the day from which and the day before which a version of a row counts."""
    rows["visible"] = np.maximum(rows[clock], rows["known_on"])
    rows["superseded"] = NEVER
    if rows.duplicated(key).any():
        rows = rows.sort_values([*key, "known_on"], kind="stable")
        newer = rows.groupby(key, sort=False)["known_on"].shift(-1)
        rows["superseded"] = newer.fillna(NEVER).astype(np.int32)
    return rows


def _first_due(versions: pd.DataFrame, size: int) -> npt.NDArray[np.int32]:
    """Return the due date an invoice first had; a re-billed one has its forerunner's."""
    first = versions.drop_duplicates("invoice")
    own = np.full(size, NO_DAY)
    own[first["invoice"]] = first["due_on"]
    heirs = first.dropna(subset="forerunner")
    due = own
    shown = np.full(size, NEVER)
    shown[first["invoice"]] = first["visible"]
    known = shown[heirs["forerunner"].astype(np.int64)] <= heirs["visible"]
    heirs = heirs[known]
    for _ in range(2):  # two generations back
        inherited = due[heirs["forerunner"].astype(np.int64)]
        due = own.copy()
        due[heirs["invoice"]] = np.where(inherited == NO_DAY, own[heirs["invoice"]], inherited)
    return due[versions["invoice"]]


def _with_sides(applications: pd.DataFrame) -> pd.DataFrame:
    """Add the cents that count as paid; what an undone application took back keeps its side."""
    paid = applications["cause"].isin(PAID)
    undone = applications[applications["cause"] == "unapply"]
    credited = applications[applications["cause"] == "credit"]
    since = credited.groupby(credited["source_id"].astype(object))["visible"].min()
    first = undone["source_id"].astype(object).map(since).fillna(NEVER)
    paid.loc[undone.index] = first > undone["visible"]
    applications["paid"] = applications["amount"].where(paid, 0)
    applications["is_payment"] = paid & (applications["cause"] != "discount")
    counted = paid & applications["cause"].isin(PAYMENTS)
    applications["payments"] = np.sign(applications["amount"]).where(counted, 0)
    return applications


def _events(versions: pd.DataFrame, applications: pd.DataFrame, size: int) -> pd.DataFrame:
    """Return every change of an invoice's balance with the day on which the books showed it."""
    first = versions.drop_duplicates("invoice")
    issued = np.full(size, NEVER)
    issued[first["invoice"]] = first["visible"]
    applications = applications[
        (applications["superseded"] > applications["visible"])
        & (issued[applications["invoice"]] < NEVER)
    ]

    def billed(rows: pd.DataFrame, clock: str, sign: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "invoice": rows["invoice"],
                "day": rows[clock],
                "balance": sign * rows["amount"],
                "paid": 0,
                "payments": 0,
                "paid_on": NO_DAY,
            }
        )

    def applied(rows: pd.DataFrame, clock: str, sign: int) -> pd.DataFrame:
        paid = sign * rows["paid"]
        return pd.DataFrame(
            {
                "invoice": rows["invoice"],
                "day": np.maximum(rows[clock], issued[rows["invoice"]]),
                "balance": -sign * rows["amount"],
                "paid": paid,
                "payments": sign * rows["payments"],
                "paid_on": rows["applied_on"].where(
                    rows["is_payment"] & (paid > 0) & (rows["superseded"] == NEVER), NO_DAY
                ),
            }
        )

    parts = [billed(versions, "visible", 1), applied(applications, "visible", 1)]
    for rows, event in ((versions, billed), (applications, applied)):
        lapsed = rows[rows["superseded"] < NEVER]
        if len(lapsed):
            parts.append(event(lapsed, "superseded", -1))
    return pd.concat(parts, ignore_index=True)


def _states(events: pd.DataFrame, versions: pd.DataFrame) -> pd.DataFrame:
    """Return the periods in which an invoice did not change, with what it was then."""
    order = np.argsort(events["invoice"].to_numpy() * 2**32 + events["day"].to_numpy())
    events = events.take(order)
    groups = events.groupby("invoice", sort=False)
    states = groups[["balance", "paid", "payments"]].cumsum()
    states["last_paid"] = groups["paid_on"].cummax()
    states["invoice"], states["since"] = events["invoice"], events["day"]
    same = states["invoice"].eq(states["invoice"].shift(-1))
    states["until"] = states["since"].shift(-1).where(same, NEVER).astype(np.int32)
    states = states[states["until"] > states["since"]]
    if versions["invoice"].is_unique:
        place = np.empty(versions["invoice"].max() + 1, dtype=np.int64)
        place[versions["invoice"]] = versions.index
        facts = versions[FACTS].take(place[states["invoice"]])
        return pd.concat([states, facts.set_index(states.index)], axis=1)
    states, versions = states.sort_values("since"), versions.sort_values("visible")
    columns = versions[["invoice", "visible", "superseded", *FACTS]]
    states = pd.merge_asof(states, columns, left_on="since", right_on="visible", by="invoice")
    return states[states["superseded"] > states["since"]]


def _with_standing_payments(states: pd.DataFrame, applications: pd.DataFrame) -> pd.DataFrame:
    """Let payments that were undone or restated count until the books showed that."""
    rows = applications[applications["is_payment"] & (applications["paid"] != 0)]
    undone = rows.loc[(rows["superseded"] < NEVER) | (rows["paid"] < 0), "invoice"].unique()
    if not len(undone):
        return states
    rows = rows.loc[rows["invoice"].isin(undone)]
    rows = rows[["invoice", "source_id", "applied_on", "visible", "superseded", "paid"]]
    rows = rows.assign(
        source_id=rows["source_id"].astype(object).fillna(""),
        applied_on=rows["applied_on"].where(rows["paid"] > 0, NO_DAY),
    )
    states = states.reset_index(drop=True)
    changed = states.index[states["invoice"].isin(undone)]
    found = states.loc[changed, ["invoice", "since"]].reset_index().merge(rows, on="invoice")
    found = found[(found["visible"] <= found["since"]) & (found["since"] < found["superseded"])]
    sources = found.groupby(["index", "source_id"]).agg(
        paid=("paid", "sum"), applied_on=("applied_on", "max")
    )
    latest = sources.loc[sources["paid"] > 0, "applied_on"].groupby("index").max()
    states.loc[changed, "last_paid"] = latest.reindex(changed).fillna(NO_DAY).astype(np.int32)
    return states


def _settled(states: pd.DataFrame, moved: pd.DataFrame, size: int) -> pd.DataFrame:
    """Return the periods in which an invoice stood as paid, mostly by cash, on its first terms."""
    first_moved = np.full(size, NEVER)
    first = moved.drop_duplicates("invoice")
    first_moved[first["invoice"]] = first["known_on"]
    balance, amount = states["balance"], states["amount"]
    settled = states[
        ((balance <= TOLERANCE_CENTS) | (20 * balance < amount))
        & (2 * states["paid"] > amount - balance)
        & (states["last_paid"] != NO_DAY)
        & (states["first_due"] != NO_DAY)
        & (first_moved[states["invoice"]] > states["since"])
    ]
    settled = settled[["account", "currency", "amount", "since", "until", "last_paid", "first_due"]]
    return settled.assign(
        dbt=settled["last_paid"] - settled["first_due"],
        late=settled["last_paid"] > settled["first_due"],
    )


def _returns(folder: Path, accounts: pd.Index) -> pd.DataFrame | None:
    """Return the payments that failed; None where the tables are lacking."""
    if not (_files(folder, "receipts") and _files(folder, "receipt_returns")):
        return None
    columns = "return_id account_id returned_on known_on kind code"
    returns = _read(folder, "receipt_returns", columns)
    returns = _with_clocks(returns, ["return_id"], "returned_on")
    code = returns["code"].astype(object).fillna("").str.strip().str.upper()
    notice = (returns["kind"] == "ach_return") & code.isin(NOTICES)
    returns = returns[~returns["kind"].isin(["refund", "void"]) & ~notice]
    returns["account"] = accounts.get_indexer(pd.Index(returns["account_id"]))
    return returns[returns["account"] >= 0]
