"""The worklist as a table for a terminal."""

import pandas as pd

from models.reasons import BASE, OTHER, top_reasons
from serving.commands.shared import console, print_table

RIGHT = ("rank", "collectible", "p roll", "at risk")


def print_worklist(accounts: pd.DataFrame, *, count: int) -> None:
    """Print the first ``count`` accounts of the past-due lane.

    Without rates to compare them by, only the largest currency is listed.
    """
    if accounts.empty:
        console().print("Nothing is open on this day.")
        return
    totals = accounts.groupby("currency")["dollars_at_risk"].sum().sort_values(ascending=False)
    currency = totals.index[0]
    lane = accounts[(accounts["lane"] == "past_due") & (accounts["hold"] == "")]
    alone = accounts["priority_reporting"].isna().any()
    if alone:
        lane = lane[lane["currency"] == currency]
    lane = lane.sort_values("rank").head(count)
    rows = []
    for row in lane.to_dict("records"):
        reasons = [r for r in top_reasons(row["reasons"], 2) if r["family"] not in (BASE, OTHER)]
        why = "; ".join(f"{r['sentence']} ({r['dollars']:+,.0f})" for r in reasons)
        rows.append(
            [
                str(row["rank"]),
                str(row["account_id"]),
                str(row["name"] or ""),
                f"{row['collectible']:,.2f}",
                f"{row['p_roll']:.0%}",
                f"{row['dollars_at_risk']:,.2f}",
                str(row["currency"]),
                str(row["action"]).replace("_", " "),
                why,
            ]
        )
    columns = ["rank", "account", "name", "collectible", "p roll", "at risk", "", "do", "why"]
    print_table("Past due: who to work first", columns, rows, right=RIGHT)
    others = [str(name) for name in totals.index[1:]]
    if others and alone:
        console().print(f"Lists of their own: {', '.join(others)}.")
