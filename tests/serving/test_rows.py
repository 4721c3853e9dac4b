"""Rows sent score as they do in the crowd; rows that break the contract are refused."""

import json
from datetime import date
from typing import Any

import numpy as np
import pytest

from features import standing
from features.catalogue import PEER_NAMES
from features.ledger.tables import TABLES
from features.stages import FEATURE_STAGES, ITEM_STAGES, query_text
from serving.errors import ApiError
from serving.policy import read_policy
from serving.rows import SHOWN, ledger_of_rows, plan_ahead, score_rows
from serving.store import ServedPair, load_pair
from tests.serving.conftest import Installation, rows_of

DAY = date(2024, 3, 31)
Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def pair(installation: Installation) -> ServedPair:
    """The published snapshot and its model."""
    return load_pair(installation.home)


def small() -> Tables:
    """One account with one invoice."""
    return {
        "accounts": [{"account_id": "A"}],
        "invoices": [
            {
                "invoice_id": "I",
                "account_id": "A",
                "kind": "invoice",
                "known_on": "2024-01-01",
                "issued_on": "2024-01-01",
                "due_on": "2024-01-31",
                "amount": "120.00",
                "currency": "USD",
            }
        ],
        "applications": [],
    }


def refusal(tables: Tables) -> ApiError:
    """Return the 422 that the tables are answered with."""
    with pytest.raises(ApiError) as refused:
        ledger_of_rows(tables, DAY)
    assert refused.value.status == 422
    return refused.value


@pytest.mark.parametrize("least", [0, 1], ids=["all tables", "tables with rows"])
def test_an_account_alone_scores_as_in_the_crowd(
    installation: Installation, pair: ServedPair, least: int
) -> None:
    """Every number, sentence and cent equals the snapshot's, with empty tables or without."""
    for account_id in list(pair.table.account_rows)[:: len(pair.table.account_rows) // 3]:
        rows = rows_of(installation, account_id)
        tables = {name: table for name, table in rows.items() if len(table) >= least}
        ledger = ledger_of_rows(tables, installation.as_of, present=pair.present)
        table = score_rows(ledger, installation.as_of, pair.bundle, read_policy())
        assert table is not None
        assert json.dumps(table.account(account_id, 5)) == json.dumps(
            pair.table.account(account_id, 5)
        )


def test_the_law_holds_of_a_model_that_reads_peers(pair: ServedPair) -> None:
    """The scores above lean on levels that no row sent could give."""
    assert set(PEER_NAMES) <= set(pair.bundle.feature_names)
    account_id = next(iter(pair.table.account_rows))
    evidence = pair.evidence_of(account_id)
    assert np.isfinite(evidence["value_peer_dbt_mean"].to_numpy()).all()
    leaning = [name for name in PEER_NAMES if np.any(evidence[f"log_odds_{name}"].to_numpy())]
    assert leaning


def test_what_a_row_leaves_out_is_defaulted_as_by_an_import() -> None:
    """``kind`` is invoice and ``known_on`` the business date, when no row says otherwise."""
    tables = small()
    del tables["invoices"][0]["kind"], tables["invoices"][0]["known_on"]
    invoices = ledger_of_rows(tables, DAY).rows["invoices"].to_pylist()
    assert invoices[0]["kind"] == "invoice"
    assert invoices[0]["known_on"] == date(2024, 1, 1)


def test_no_open_item_is_no_table(pair: ServedPair) -> None:
    """An account that owes nothing has no scores, and that is no failure."""
    tables = small() | {"invoices": []}
    ledger = ledger_of_rows(tables, DAY, present=pair.present)
    assert score_rows(ledger, DAY, pair.bundle, read_policy()) is None


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("amount", "-1.00", "sign"),
        ("amount", "1.005", "decimals"),
        ("amount", "a lot", "money"),
        ("amount", True, "money as text"),
        ("amount", [1], "money as text"),
        ("amount", float("nan"), "money"),
        ("issued_on", "31.01.2024", "ISO date"),
        ("issued_on", "2024-02-30", "date"),
        ("issued_on", None, "required"),
        ("currency", "usd", "currency"),
        ("account_id", "B", "orphan"),
        ("invoice_id", 7, "text"),
        ("kind", "bill", "choice"),
        ("po_number_missing", "yes", "true or false"),
        ("terms_days", "n30", "integer"),
        ("colour", "red", "column of the contract"),
    ],
)
def test_a_broken_cell_is_named_with_its_rule(column: str, value: object, rule: str) -> None:
    """The detail says which table, row from 0 and column."""
    tables = small()
    tables["invoices"].append({**tables["invoices"][0], "invoice_id": "J", column: value})
    details = refusal(tables).details
    assert [detail.where for detail in details] == [f"ledger.invoices.1.{column}"]
    assert rule in details[0].rule


def test_rows_keep_their_numbers_when_earlier_ones_cannot_be_typed() -> None:
    """Positions count from the request, not from what was left of it."""
    tables = small()
    first = tables["invoices"][0]
    tables["invoices"] = [
        {**first, "amount": "?"},
        {**first, "invoice_id": "J", "amount": "0.00"},
    ]
    assert [detail.where for detail in refusal(tables).details] == [
        "ledger.invoices.0.amount",
        "ledger.invoices.1.amount",
    ]


def test_all_faults_are_counted_and_the_first_are_listed() -> None:
    """A long list is cut, never the count."""
    tables = small()
    first = tables["invoices"][0]
    tables["invoices"] = [{**first, "invoice_id": str(n), "amount": "x"} for n in range(250)]
    error = refusal(tables)
    assert len(error.details) == SHOWN
    assert error.message.startswith("250 place(s)")


def test_required_tables_are_asked_for_and_unknown_ones_refused() -> None:
    """Both are told at once."""
    wheres = [detail.where for detail in refusal({"accounts": [], "bills": []}).details]
    assert wheres == ["ledger.bills", "ledger.invoices", "ledger.applications"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "card 4111 1111 1111 1111"),
        ("name", "DE89 3704 0044 0532 0130 00"),
        ("card_number", "none"),
    ],
)
def test_secrets_are_refused_without_being_repeated(column: str, value: str) -> None:
    """Neither value nor surroundings are in the answer."""
    tables = small()
    tables["accounts"][0][column] = value
    error = refusal(tables)
    assert error.code == "sensitive_data"
    assert error.details[0].where == f"ledger.accounts.{column}"
    assert value not in repr([error.message, *error.details])


def test_a_secret_in_a_broken_cell_is_redacted() -> None:
    """Faults found before the scan show what they found, but never a card number."""
    tables = small()
    tables["invoices"][0]["issued_on"] = "4111111111111111"
    assert refusal(tables).details[0].value == "[redacted: card number]"


def test_rows_are_scored_without_access_to_files() -> None:
    """SQL in a cell is text: the ledger in memory opens no door to the disk."""
    tables = small()
    tables["accounts"][0]["name"] = "'); select * from read_csv('/etc/passwd'); --"
    rows = ledger_of_rows(tables, DAY).rows["accounts"].to_pylist()
    assert rows[0]["name"] == "'); select * from read_csv('/etc/passwd'); --"


def test_the_first_request_finds_its_plans_made(pair: ServedPair) -> None:
    """After ``plan_ahead`` none of the catalogue's queries is planned for a request with rows."""
    policy = read_policy(None)
    standing.close_waiting()
    plan_ahead(pair.manifest.as_of, pair.bundle, policy)
    plans = standing.take_waiting()
    assert plans is not None
    standing.waiting.put(plans)
    made = set(plans.prepared)
    assert made.issuperset(query_text(stage) for stage in (*ITEM_STAGES, *FEATURE_STAGES))
    ledger = ledger_of_rows(small(), DAY, present=TABLES)
    assert score_rows(ledger, DAY, pair.bundle, policy) is not None
    stages = {query_text(stage) for stage in (*ITEM_STAGES, *FEATURE_STAGES)}
    assert stages.isdisjoint(set(plans.prepared) - made)
