"""The worklist as a table for a terminal."""

import pandas as pd

from models.reasons import top_reasons
from serving.commands.shared import print_table

MONEY_COLUMNS = ("collectible", "at risk")


def print_worklist(accounts: pd.DataFrame, *, count: int) -> None:
    """Print the first ``count`` accounts of the past-due lane."""
    lane = accounts[(accounts["lane"] == "past_due") & (accounts["hold"] == "")]
    lane = lane.sort_values(["rank", "currency"]).head(count)
    rows = []
    for row in lane.to_dict("records"):
        families = [r for r in top_reasons(row["reasons"], 2) if r["family"] not in _NOT_SHOWN]
        why = "; ".join(f"{r['sentence']} ({r['dollars']:+,.0f})" for r in families)
        rows.append(
            [
                str(row["rank"]),
                str(row["account_id"]),
                "" if pd.isna(row["name"]) else str(row["name"]),
                f"{row['collectible']:,.2f}",
                f"{row['p_roll']:.0%}",
                f"{row['dollars_at_risk']:,.2f}",
                str(row["currency"]),
                str(row["action"]).replace("_", " "),
                why,
            ]
        )
    columns = ["rank", "account", "name", "collectible", "p roll", "at risk", "", "do", "why"]
    print_table("Past due: who to work first", columns, rows, right=("rank", *MONEY_COLUMNS))


_NOT_SHOWN = frozenset({"base", "other"})
