"""Earlier forecasts are judged by what was final on the served day, and by nothing later."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.ageing import BUCKETS
from features.ledger.read import open_ledger
from models.home import Home
from models.profile import CELLS, Profile
from models.snapshot import FORMAT, SnapshotManifest
from serving.console.forecast import expected_ageing
from serving.console.past_forecasts import past_forecasts
from serving.console.served import Served, serve
from serving.console.track_record import PastForecast, earlier_scorings, track_record
from serving.store import load_pair
from tests.features.books import Books
from tests.serving.conftest import Installation

DAY = date(2024, 3, 1)
LEFT = 0.9
"""What part payments leave of an unresolved item, in the model of these tests."""


def write_snapshot(
    snapshots: Path, day: date, rows: Sequence[tuple[str, str, int, float, float]] = ()
) -> Path:
    """Write what a scoring leaves: items as (account, invoice, days past due, balance, p)."""
    folder = snapshots / f"{day}-m1"
    (folder / "model").mkdir(parents=True)
    manifest = SnapshotManifest(
        ledger="", ledger_digest="", as_of=day, model="1", model_version="1", feature_digest=""
    )
    content = {"format": FORMAT} | {
        name: getattr(manifest, name) for name in SnapshotManifest.__dataclass_fields__
    }
    (folder / "manifest.json").write_text(json.dumps(content, default=str))
    profile = Profile(
        matrix={}, curve_start=0, curves={}, medians={}, remaining_shares=[LEFT] * len(CELLS),
        cash_rates={}, reach_bounds={},
    )  # fmt: skip
    model = {"profile": profile.to_json(), "facts": {"trained_until": "2023-12-31"}}
    (folder / "model" / "bundle.json").write_text(json.dumps(model))
    ends = np.array([0, 30, 60, 90])
    pd.DataFrame(
        {
            "account_id": account,
            "invoice_id": invoice,
            "currency": "USD",
            "bucket": BUCKETS[int(np.searchsorted(ends, days))],
            "days_past_due": days,
            "open_balance": balance,
            "exposed": -30 < days <= 90,
            **{f"p_open_{ahead}": p for ahead in (30, 60, 90)},
        }
        for account, invoice, days, balance, p in rows
    ).to_parquet(folder / "items.parquet")
    return folder


def judged(books: Books, snapshots: Path, known: str = "2024-12-31") -> PastForecast:
    """Return the only forecast of a home, judged by some books."""
    scorings = earlier_scorings(snapshots, date.fromisoformat(known), 7)
    (found,) = track_record(scorings, books.ledger(), date.fromisoformat(known))
    return found


def small_books() -> Books:
    """Five invoices: paid, part paid, written off, long overdue, and one that is not due yet."""
    return (
        Books()
        .invoice("PAID", "2024-01-10", "2024-02-20", 1000)
        .cash("PAID", "2024-03-15", 1000)
        .invoice("PART", "2024-01-10", "2024-02-20", 1000)
        .cash("PART", "2024-03-15", 400)
        .invoice("LOST", "2023-12-01", "2024-01-15", 500, account_id="B")
        .post("LOST", "write_off", "2024-03-20", 500)
        .invoice("OLD", "2023-09-01", "2023-10-01", 800, account_id="B")
        .invoice("LATER", "2024-02-28", "2024-06-01", 300, account_id="B")
    )


ITEMS = (
    ("A", "PAID", 10, 1000.0, 0.5),
    ("A", "PART", 10, 1000.0, 0.5),
    ("B", "LOST", 46, 500.0, 0.4),
    ("B", "OLD", 152, 800.0, 0.75),
    ("B", "LATER", -92, 300.0, 1.0),
)


def test_what_came_is_counted_by_hand(tmp_path: Path) -> None:
    """600 of PART rolled and LOST was written off; OLD stayed; LATER could not roll."""
    write_snapshot(tmp_path, DAY, ITEMS)
    found = judged(small_books(), tmp_path)
    assert found.balance == 3600
    assert found.rolled.actual == pytest.approx(600 + 500)
    assert found.rolled.expected == pytest.approx(LEFT * (0.5 * 2000 + 0.4 * 500))
    # The items of account A share their fate: 0.9 × 2,000 × √(½·½), and B's stand alone.
    spread = 1.96 * np.hypot(LEFT * 2000 * 0.5, LEFT * 500 * np.sqrt(0.4 * 0.6))
    assert found.rolled.high == pytest.approx(found.rolled.expected + spread)
    assert found.rolled.held
    came = {name: one.actual for name, one in found.by_bucket.items()}
    assert came == {"current": 0, "1-30": 600, "31-60": 500, "61-90": 0, "91+": 800}
    assert found.open["30"].actual == pytest.approx(600 + 500 + 800 + 300)
    assert found.open["60"].expected == pytest.approx(
        LEFT**2 * (0.5 * 2000 + 0.4 * 500 + 0.75 * 800 + 300)
    )
    assert not found.hindsight


def test_nothing_counts_before_it_is_final(tmp_path: Path) -> None:
    """30 days and the lag of 7 must have passed by the served day, whatever is known since."""
    write_snapshot(tmp_path, DAY, ITEMS)
    final = DAY + timedelta(days=37)
    assert not earlier_scorings(tmp_path, final - timedelta(days=1), 7)
    found = judged(small_books(), tmp_path, final.isoformat())
    assert set(found.open) == {"30"}
    assert set(judged(small_books(), tmp_path, "2024-05-07").open) == {"30", "60"}


def test_scorings_are_taken_four_weeks_apart(tmp_path: Path) -> None:
    """A home that scores daily shows a row a month, of each day the scoring published first."""
    for back in range(0, 400, 7):
        write_snapshot(tmp_path, DAY - timedelta(days=back))
    again = tmp_path / "again"
    write_snapshot(tmp_path / "x", DAY).rename(again)
    scorings = earlier_scorings(tmp_path, DAY + timedelta(days=40), 7)
    days = [scoring.manifest.as_of for scoring in scorings]
    assert len(days) == 12
    assert days == [DAY - timedelta(days=28 * back) for back in range(11, -1, -1)]
    assert scorings[-1].folder != again


def test_a_model_that_knew_better_gave_no_forecast(tmp_path: Path) -> None:
    """A scoring by a model trained on later books is shown as hindsight and summed nowhere."""
    folder = write_snapshot(tmp_path, DAY, ITEMS)
    path = folder / "model" / "bundle.json"
    path.write_text(path.read_text().replace("2023-12-31", "2024-06-30"))
    found = judged(small_books(), tmp_path)
    assert found.hindsight
    view = past_forecasts([found], "USD")
    assert len(view.rows) == 1
    assert (view.forecasts, view.expected.cents, view.buckets) == (0, 0, ())


def test_the_sums_are_of_the_rows(tmp_path: Path) -> None:
    """Expected, actual and difference add up over forecasts and over buckets, to the cent."""
    for back in (0, 28):
        write_snapshot(tmp_path, DAY - timedelta(days=back), ITEMS[:4])
    scorings = earlier_scorings(tmp_path, date(2024, 12, 31), 7)
    record = track_record(scorings, small_books().ledger(), date(2024, 12, 31))
    view = past_forecasts(record, "USD")
    assert [row.scored_on for row in view.rows] == [DAY, DAY - timedelta(days=28)]
    assert view.actual.cents == sum(row.rolled.actual.cents for row in view.rows)
    moved = [row for row in view.buckets if row.bucket != "91+"]
    assert sum(row.actual.cents for row in moved) == view.actual.cents
    for row in (*view.rows, *view.buckets):
        one = getattr(row, "rolled", row)
        assert one.difference.cents == one.actual.cents - one.expected.cents
    assert not view.days, "two points are no line"
    assert not past_forecasts(record, "EUR").rows


def test_a_scoring_of_another_ledger_is_left_out(tmp_path: Path) -> None:
    """Its items are not in these books, so nothing can be said about them."""
    write_snapshot(tmp_path, DAY, [("Z", f"Z-{n}", 10, 100.0, 0.5) for n in range(5)])
    scorings = earlier_scorings(tmp_path, date(2024, 12, 31), 7)
    assert track_record(scorings, small_books().ledger(), date(2024, 12, 31)) == ()


@pytest.fixture(scope="module")
def found(earlier_home: Home, served: Served, installation: Installation) -> PastForecast:
    """How a real scoring of seven weeks before was judged, in the largest currency."""
    scorings = earlier_scorings(earlier_home.snapshots, installation.as_of, 7)
    record = track_record(scorings, open_ledger(installation.ledger), installation.as_of)
    return next(one for one in record if one.currency == served.currencies[0])


def test_a_forecast_is_the_one_that_the_page_showed(
    earlier_home: Home, found: PastForecast, served: Served
) -> None:
    """What is judged is the expected ageing and the expected roll of the scoring's own page."""
    then = serve(load_pair(earlier_home), earlier_home)
    items = then.items_of(found.currency)
    shown = sum(cell.balance for cell in expected_ageing(items, then.pair.bundle.profile, 30))
    assert found.open["30"].expected == pytest.approx(shown, rel=1e-9)
    assert found.rolled.expected == pytest.approx(
        items["balance_expected_to_roll"].sum(), abs=0.01 * len(items)
    )
    assert 0 < found.rolled.actual < found.balance
    assert found.hindsight, "the model of the tests is trained until the served day"
    assert served.pair.bundle.facts["trained_until"] > str(found.scored_on)


def test_it_is_kept_as_it_is(found: PastForecast) -> None:
    """What is read back from the cache equals what was computed."""
    again = PastForecast.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    assert replace(again, currency="EUR") != found
