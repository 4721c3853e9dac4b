"""The pages' numbers are the batch's and the API's."""

import json
from typing import Any

import httpx
import pandas as pd
import pytest

from serving.console.past import Past
from serving.console.served import Served
from tests.serving.conftest import Installation, Server


def cents(text: str) -> int:
    """Return money that is text in cents."""
    return round(float(text) * 100)


def view_of(client: httpx.Client, path: str) -> dict[str, Any]:
    """Return a view as JSON."""
    answer = client.get(path + ("&" if "?" in path else "?") + "format=json")
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    assert set(content) == {
        "request_id", "model_version", "as_of", "ledger_digest", "feature_digest", "view"
    }  # fmt: skip
    view: dict[str, Any] = content["view"]
    return view


@pytest.fixture(scope="module")
def portfolio(installation: Installation) -> dict[str, Any]:
    """What the batch wrote about the portfolio."""
    content: dict[str, Any] = json.loads((installation.snapshot / "portfolio.json").read_text())
    return content


def test_the_portfolio_is_the_batchs(
    client: httpx.Client, portfolio: dict[str, Any], served: Served
) -> None:
    """Every currency's totals, buckets, drivers and key figures, to the cent."""
    for currency in served.currencies:
        view = view_of(client, f"/?currency={currency}")
        part = portfolio["currencies"][currency]
        figures = view["figures"]
        for name, column in {
            "receivables": "open_balance",
            "collectible": "collectible",
            "at_risk": "dollars_at_risk",
            "to_roll": "dollars_expected_to_roll",
            "to_stay": "dollars_expected_to_stay",
            "balance_to_roll": "balance_expected_to_roll",
        }.items():
            assert cents(figures[name]) == round(part["totals"][column] * 100), name
        keys = part["key_figures"]
        assert figures["dso"] == keys["dso_days"]
        assert figures["add"] == keys["average_days_delinquent"]
        by_bucket = next(group for group in view["groups"] if group["by"] == "bucket")
        found = {row["name"]: cents(row["at_risk"]) for row in by_bucket["rows"]}
        wanted = {
            row["bucket"]: round(row["dollars_at_risk"] * 100)
            for row in part["buckets"]
            if row["items"]
        }
        assert found == wanted
        steps = view["drivers"]
        assert cents(steps[-1]["amount"]) == cents(figures["at_risk"])
        assert sum(cents(step["amount"]) for step in steps[:-1]) == cents(figures["at_risk"])


def test_every_group_adds_up_to_the_whole(client: httpx.Client) -> None:
    """By bucket, segment, region and collector the same amount is at risk."""
    view = view_of(client, "/")
    for group in view["groups"]:
        total = sum(cents(row["at_risk"]) for row in group["rows"])
        assert total == cents(view["figures"]["at_risk"]), group["by"]


def test_the_expected_ageing_adds_up(client: httpx.Client, portfolio: dict[str, Any]) -> None:
    """Open and resolved make today's balance; what rolls in 30 days is the batch's forecast."""
    view = view_of(client, "/")
    now = cents(view["ageing"][0]["open"])
    for column in view["ageing"]:
        assert sum(cents(cell["balance"]) for cell in column["cells"]) == cents(column["open"])
        assert cents(column["open"]) + cents(column["resolved"]) == now
    assert [column["days"] for column in view["ageing"]] == [0, 30, 60, 90]
    part = portfolio["currencies"][view["currency"]]
    assert now == round(part["totals"]["open_balance"] * 100)


def test_an_account_is_the_apis(server: Server, client: httpx.Client, served: Served) -> None:
    """Balances, probabilities, items and reasons equal /v1/explain, to the digit."""
    account_id = str(served.accounts.sort_values("dollars_at_risk")["account_id"].iloc[-1])
    view = view_of(client, f"/accounts/{account_id}")
    answer = server.post("/v1/explain", {"account_id": account_id}).json()
    entry = next(e for e in answer["accounts"] if e["currency"] == view["currency"])
    assert view["at_risk"] == entry["dollars_at_risk"]
    assert view["collectible"] == entry["collectible"]
    assert view["p_roll"] == entry["p_roll"]
    items = {i["invoice_id"]: i for i in answer["items"] if i["currency"] == view["currency"]}
    assert {item["invoice_id"] for item in view["items"]} == set(items)
    for item in view["items"]:
        assert item["p_open_30"] == items[item["invoice_id"]]["p_open_30"]
        assert item["at_risk"] == items[item["invoice_id"]]["dollars_at_risk"]
    amounts = {family["family"]: family["amount"] for family in view["families"]}
    wanted = {f["family"]: f["dollars"].get(view["currency"]) for f in answer["families"]}
    assert amounts == wanted
    assert view["explained_invoice"] == answer["explained_invoice_id"]


def test_the_worklist_is_the_batchs(
    client: httpx.Client, installation: Installation, served: Served
) -> None:
    """The past-due lane in the batch's order; the download holds every account found."""
    accounts = pd.read_parquet(installation.snapshot / "accounts.parquet")
    lane = accounts[accounts["lane"] == "past_due"]
    view = view_of(client, "/worklist")
    assert view["found"] == len(lane)
    ranks = [row["values"]["rank"] for row in view["rows"]]
    assert ranks == sorted(ranks)
    by_account = lane.set_index(["account_id", "currency"])
    for row in view["rows"]:
        wanted = by_account.loc[(row["account_id"], row["values"]["currency"])]
        assert cents(row["values"]["dollars_at_risk"]) == round(wanted["dollars_at_risk"] * 100)
        assert row["values"]["rank"] == wanted["rank"]
    csv = client.get("/worklist.csv?lane=all").text.splitlines()
    assert len(csv) == 1 + len(accounts) == 1 + len(served.accounts)


def test_the_past_ends_in_the_present(
    past: Past, served: Served, portfolio: dict[str, Any]
) -> None:
    """The newest figures of the books are those the scoring was published with."""
    as_of = served.pair.manifest.as_of
    for figure in (f for f in past.figures if f.as_of == as_of):
        part = portfolio["currencies"].get(figure.currency)
        if part is None:
            continue
        keys = part["key_figures"]
        assert round(figure.receivables * 100) == round(keys["receivables"] * 100)
        assert figure.dso_days == pytest.approx(keys["dso_days"], abs=0.005)
        assert figure.sales_90 == pytest.approx(keys["sales_90"], abs=0.005)


def test_the_allowance_adds_up_and_explains_its_difference(client: httpx.Client) -> None:
    """Lines make segments, segments the total, and every difference is model less chain."""
    client.get("/")
    view = view_of(client, "/allowance")
    assert view["waiting"] is False
    total = view["total"]
    for side in ("balance", "chain", "model", "difference"):
        assert sum(cents(s[side]) for s in view["segments"]) == cents(total[side])
        for segment in (*view["segments"], total):
            lines = sum(cents(line[side]) for line in segment["lines"])
            assert lines == cents(segment[side])
    for segment in (*view["segments"], total):
        assert cents(segment["difference"]) == cents(segment["model"]) - cents(segment["chain"])
    assert cents(total["balance"]) + cents(view["undated"]) == cents(
        view_of(client, "/")["figures"]["receivables"]
    )
