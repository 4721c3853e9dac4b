"""Bring a published scoring to a size: accounts with few items go, those with many are repeated.

Every account keeps its items and evidence, a copy under ids of its own, so that all sums hold and
pages are as those of a book that has grown.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.home import Home
from models.snapshot import (
    ROWS_IN_A_GROUP,
    current_snapshot,
    read_snapshot_manifest,
    write_manifest,
    write_mapped,
)
from serving.online import online_tables

MANY = 3
"""Open items from which an account may be taken again."""
AGAIN = "~"
"""What stands between an id and the number of its copy."""


def enlarge(home: Home, accounts: int, items: int) -> None:
    """Bring the published scoring to so many accounts and items, as far as whole accounts do.

    Raises
    ------
    SystemExit
        When the scoring holds no accounts with enough items.
    """
    folder = current_snapshot(home)
    ids = pq.read_table(folder / "items.parquet", columns=["account_id"])["account_id"]
    counts = ids.to_pandas().value_counts().sort_index()
    many, few = counts[counts >= MANY], counts[counts < MANY]
    if not len(few) or not len(many) or many.mean() * accounts < items:
        raise SystemExit("The scoring has too few items per account to be enlarged.")
    wanted = round((items - accounts * few.mean()) / (many.mean() - few.mean()))
    rest = accounts - wanted
    chosen = pd.concat(
        [_copies(many.index.to_numpy(), wanted), _copies(few.index.to_numpy(), rest)],
        ignore_index=True,
    )
    chosen["new"] = chosen["account_id"] + chosen["copy"]
    chosen = chosen.sort_values("new", ignore_index=True)  # a reader finds an account in one group
    made: dict[str, pa.Table] = {}
    for name in ("accounts", "items", "evidence"):
        path = folder / f"{name}.parquet"
        table = pq.read_table(path)
        at = pd.DataFrame({"account_id": table["account_id"].to_pandas(), "at": range(len(table))})
        rows = chosen.merge(at, on="account_id", how="left")
        table = table.take(pa.array(rows["at"]))
        for column in ("account_id", "invoice_id"):
            if column in table.column_names:
                new = table[column].to_pandas() + rows["copy"].to_numpy(dtype=object)
                table = table.set_column(
                    table.column_names.index(column), column, pa.array(new, pa.string())
                )
        if name == "accounts":
            lanes = table.select(["lane"]).to_pandas().groupby("lane").cumcount() + 1
            rank = table.column_names.index("rank")
            table = table.set_column(rank, "rank", pa.array(lanes, table.schema.field(rank).type))
        pq.write_table(table, path, compression="zstd", row_group_size=ROWS_IN_A_GROUP)
        made[name] = table
    manifest = read_snapshot_manifest(folder)
    mapped = write_mapped(folder, online_tables(made["items"], made["accounts"]))
    write_manifest(folder, replace(manifest, mapped=mapped))
    _renew_portfolio(folder)


def _copies(ids: npt.NDArray[np.object_], count: int) -> pd.DataFrame:
    """Return ids taken again and again until there are ``count``, and what tells copies apart."""
    turn = np.arange(count) // len(ids)
    copy = np.where(turn == 0, "", np.char.add(AGAIN, turn.astype(str)))
    return pd.DataFrame({"account_id": np.resize(ids, count), "copy": copy.astype(object)})


def _renew_portfolio(folder: Path) -> None:
    """Write the sums of the portfolio that pages read anew: totals and drivers."""
    path = folder / "portfolio.json"
    content = json.loads(path.read_text("utf-8"))
    for currency, part in content["currencies"].items():
        names = list(part["totals"])
        items = pq.read_table(folder / "items.parquet", columns=["invoice_id", "currency", *names])
        frame = items.to_pandas()
        own = frame[frame["currency"] == currency]
        part["totals"] = {name: round(float(own[name].sum()), 2) for name in names}
        drivers = list(part["drivers"])
        cents = pq.read_table(
            folder / "evidence.parquet", columns=["invoice_id", *(f"cents_{n}" for n in drivers)]
        ).to_pandas()
        sums = cents[cents["invoice_id"].isin(own["invoice_id"])].sum(numeric_only=True)
        part["drivers"] = {name: int(sums[f"cents_{name}"]) / 100 for name in drivers}
    path.write_text(json.dumps(content), "utf-8")
