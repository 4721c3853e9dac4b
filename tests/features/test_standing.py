"""Plans that stand: same bytes as fresh ones, nothing of the session before, planned once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features import standing
from features.build import FeatureFrame, feature_frame
from features.collectible import net_items
from features.engines import EngineOptions, open_session
from features.ledger.read import Ledger
from features.stages import FEATURE_STAGES, ITEM_STAGES, PEER_STAGES
from serving.account_ledger import rows_of_account
from tests.features.awkward import awkward_books
from tests.laws.generated import Crowd, crowd_of

STANDING = EngineOptions(threads=1, standing=True)
DAYS = (date(2023, 9, 30), date(2024, 2, 29), date(2024, 6, 3))
STAGES = (*ITEM_STAGES, *FEATURE_STAGES, *PEER_STAGES)


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return crowd_of(11, 150, DAYS)


@pytest.fixture(autouse=True)
def _no_plans_wait() -> Iterator[None]:
    """Plans of other tests do not serve here, nor these there."""
    standing.close_waiting()
    yield
    standing.close_waiting()


def _same(one: FeatureFrame, other: FeatureFrame) -> bool:
    pd.testing.assert_frame_equal(one.items, other.items)
    return one.names == other.names and np.array_equal(one.values, other.values, equal_nan=True)


def test_standing_plans_give_the_bytes_of_fresh_ones(crowd: Crowd) -> None:
    """A crowd with every table, one account, a ledger of required tables: in turn, twice."""
    account = crowd.ledger.rows["accounts"]["account_id"][0].as_py()
    ledgers = [
        crowd.ledger,
        awkward_books(required_only=True).ledger(),
        rows_of_account(crowd.ledger, account),
        awkward_books().ledger(),
    ]
    for _ in range(2):
        for ledger in ledgers:
            fresh = feature_frame(ledger, DAYS)
            assert _same(feature_frame(ledger, DAYS, options=STANDING), fresh)
    assert standing.waiting.qsize() == 1


def test_dates_asked_a_few_at_a_time_give_the_same(crowd: Crowd) -> None:
    """Stages of other dates are computed anew, those of all dates are kept."""
    one_by_one = EngineOptions(threads=1, standing=True, dates_at_once=1)
    assert _same(
        feature_frame(crowd.ledger, DAYS, options=one_by_one), feature_frame(crowd.ledger, DAYS)
    )


def test_stages_have_the_types_of_tables(crowd: Crowd) -> None:
    """What comes back through a stream is typed as what DuckDB would have stored."""
    with (
        open_session(crowd.ledger, DAYS) as fresh,
        open_session(crowd.ledger, DAYS, options=STANDING) as stood,
    ):
        for session in (fresh, stood):
            session.run(STAGES)
        for stage in STAGES:
            types = [
                session.arrow(f"select column_name, column_type from (describe {stage})")  # noqa: S608
                for session in (fresh, stood)
            ]
            assert types[0].to_pylist() == types[1].to_pylist(), stage


@pytest.mark.parametrize("versions", [1, 2])
def test_rows_of_one_and_of_more_versions_are_shown_alike(crowd: Crowd, versions: int) -> None:
    """Every table with its clocks is what a fresh session shows, whatever has been restated."""
    restated = {
        name: pa.concat_tables([rows.slice(0, 1)] * versions)
        for name, rows in crowd.ledger.rows.items()
    }
    ledger = replace(crowd.ledger, rows=restated)
    with (
        open_session(ledger, DAYS) as fresh,
        open_session(ledger, DAYS, options=STANDING) as stood,
    ):
        for name in ledger.rows:
            shown = [
                session.arrow(f"select * from {name} order by all")  # noqa: S608
                for session in (fresh, stood)
            ]
            assert shown[0].equals(shown[1]), name


def test_a_finished_session_leaves_no_rows(crowd: Crowd) -> None:
    """Neither rows of the ledger nor a stage of the last session can be read in the next."""
    with open_session(crowd.ledger, DAYS, options=STANDING) as session:
        session.run(ITEM_STAGES)
        assert session.arrow("select count(*) as n from open_items")["n"][0].as_py() > 0
    plans = standing.take_waiting()
    assert plans is not None
    assert all(feed.rows is None for feed in plans.feeds.values())
    standing.waiting.put(plans)
    with open_session(crowd.ledger, DAYS, options=STANDING) as session:
        with pytest.raises(duckdb.Error, match="open_items has not been computed"):
            session.arrow("select count(*) as n from open_items")
        with pytest.raises(RuntimeError, match="ageing has not been computed"):
            session.columns("ageing", ("as_of",), ())


def test_plans_of_a_failed_session_are_not_used_again(crowd: Crowd) -> None:
    """Whatever state an error left behind goes with it."""
    with (
        pytest.raises(RuntimeError, match="ageing"),
        open_session(crowd.ledger, DAYS, options=STANDING) as session,
    ):
        session.columns("ageing", ("as_of",), ())
    assert standing.waiting.empty()


def test_duckdb_plans_a_query_once(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning asks for a feed's schema; running a plan that stands does not."""
    asked: list[str] = []
    schema = standing.Feed.__arrow_c_schema__

    def counted(feed: standing.Feed) -> object:
        asked.append(feed.name)
        return schema(feed)

    monkeypatch.setattr(standing.Feed, "__arrow_c_schema__", counted)
    for expected in (True, False, False):
        asked.clear()
        with open_session(crowd.ledger, DAYS, options=STANDING) as session:
            session.run(STAGES)
            net_items(session)
        assert bool(asked) is expected, asked


def test_sessions_side_by_side_have_plans_of_their_own(crowd: Crowd) -> None:
    """Two sessions open at once do not see each other's rows."""
    other = awkward_books().ledger()
    count = "select count(*) as n from invoices"
    with (
        open_session(crowd.ledger, DAYS, options=STANDING) as one,
        open_session(other, DAYS, options=STANDING) as two,
    ):
        rows = [session.arrow(count)["n"][0].as_py() for session in (one, two)]
    assert rows == [crowd.ledger.rows["invoices"].num_rows, other.rows["invoices"].num_rows]
    assert standing.waiting.qsize() == 2


def test_plans_are_bounded(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan unused for longest goes; a query planned again gives the same."""
    monkeypatch.setattr(standing, "PLANS", 3)
    with open_session(crowd.ledger, DAYS, options=STANDING) as session:
        numbers = [
            session.arrow(f"select cast({number} as integer) as n, count(*) as k from invoices")  # noqa: S608
            for number in (1, 2, 3, 4, 1)
        ]
        assert isinstance(session, standing.StandingSession)
        assert len(session.plans.prepared) == 3
    assert numbers[0].equals(numbers[-1])
    assert [table["n"][0].as_py() for table in numbers[:4]] == [1, 2, 3, 4]


def test_ledgers_on_disk_are_read_as_ever() -> None:
    """Plans stand for rows in memory alone."""
    ledger = awkward_books().ledger()
    on_disk = Ledger(manifest=ledger.manifest, files={"accounts": ()}, digest=ledger.digest)
    with open_session(on_disk, DAYS, options=STANDING) as session:
        assert not isinstance(session, standing.StandingSession)


def test_a_table_of_other_columns_is_read_anew(crowd: Crowd) -> None:
    """A plan made for other columns or types under the same name does not answer for these."""
    with open_session(crowd.ledger, DAYS, options=STANDING) as session:
        for table in (
            pa.table({"kept": pa.array([1, 2], pa.int32())}),
            pa.table({"added": pa.array(["x"]), "kept": pa.array(["three"])}),
            pa.table({"kept": pa.array([4.5])}),
        ):
            session.register("given", table)
            found = session.arrow('select kept from "given"')
            assert found["kept"].to_pylist() == table["kept"].to_pylist()
            assert found.schema.field("kept").type == table.schema.field("kept").type
