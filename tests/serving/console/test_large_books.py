"""A book that is made larger for the benchmark keeps its sums, so that its pages are real ones."""

import shutil

import pytest

from benchmarks.large_book import AGAIN, enlarge
from models.home import Home
from models.snapshot import CURRENT
from serving.console.account import account_view
from serving.console.portfolio import book_view
from serving.console.served import Served, serve
from serving.console.worklist import read_query, worklist_view
from serving.store import load_pair
from tests.serving.conftest import Installation


@pytest.fixture(scope="module")
def large(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The installation's scoring with 400 accounts of about 1,000 items."""
    home = Home(path=tmp_path_factory.mktemp("large"))
    name = installation.snapshot.name
    shutil.copytree(installation.snapshot, home.snapshots / name)
    (home.snapshots / CURRENT).write_text(f"{name}\n")
    enlarge(home, 400, 1000)
    return serve(load_pair(home), home)


def test_it_has_the_size_asked_for(large: Served) -> None:
    """As near as whole accounts allow; accounts in several currencies have a row in each."""
    ids = large.accounts["account_id"]
    assert ids.nunique() == 400
    assert 850 <= len(large.items) <= 1150
    assert not large.accounts.duplicated(["account_id", "currency"]).any()
    invoices = large.pair.table.items["invoice_id"].tolist()
    assert len(set(invoices)) == len(invoices)


def test_its_sums_hold(large: Served) -> None:
    """Accounts are the sums of their items, drivers add up, ranks count from 1 in each lane."""
    for currency in large.currencies:
        view = book_view(large, currency)
        assert sum(step.amount.cents for step in view.drivers[:-1]) == view.figures.at_risk.cents
        accounts = large.accounts_of(currency)
        assert round(accounts["dollars_at_risk"].sum() * 100) == view.figures.at_risk.cents
    listed = worklist_view(large, read_query({}))
    assert [row.values["rank"] for row in listed.rows] == list(range(1, len(listed.rows) + 1))


def test_a_copy_explains_itself_as_its_original_does(large: Served) -> None:
    """Same reasons, same items, other ids."""
    copy = next(name for name in large.accounts["account_id"] if AGAIN in name)
    own, other = (
        account_view(large, name, read_ledger=False) for name in (copy, copy.partition(AGAIN)[0])
    )
    assert own.at_risk == other.at_risk
    assert own.steps == other.steps
    assert [item.balance for item in own.items] == [item.balance for item in other.items]
    assert own.explained_invoice.startswith(other.explained_invoice)
