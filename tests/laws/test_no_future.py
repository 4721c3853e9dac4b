"""Nothing from the future: what the books did not show on a day changes nothing at that day."""

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.build import FeatureFrame, feature_frame
from features.collectible import net_items
from features.engines import open_session
from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows

sys.path.insert(0, str(Path(__file__).parent))
from cutting import cut_ledger

_OFFSETS = np.sort(np.random.default_rng(20260717).integers(0, 480, size=6))
DATES = tuple(date(2023, 8, 15) + timedelta(days=int(days)) for days in _OFFSETS)
"""Dates drawn at random once, over the months in which the ledger is full."""


def same(left: FeatureFrame, right: FeatureFrame) -> None:
    """Assert that two frames are equal byte for byte."""
    assert left.items.equals(right.items)
    assert left.values.tobytes() == right.values.tobytes()


@pytest.mark.parametrize("day", DATES, ids=str)
def test_cutting_the_ledger_after_a_day_changes_no_feature_of_that_day(
    simulated_ledger: Ledger, day: date
) -> None:
    """Features from the whole ledger equal those from the ledger cut at the date."""
    whole = feature_frame(simulated_ledger, [day])
    assert len(whole.items) > 100
    same(whole, feature_frame(cut_ledger(simulated_ledger, day), [day]))


def test_cutting_the_ledger_changes_no_netting_of_that_day(simulated_ledger: Ledger) -> None:
    """What is collectible on a day depends on what the books showed by then."""
    day = DATES[2]
    with open_session(simulated_ledger, [day]) as session:
        whole = net_items(session)
    with open_session(cut_ledger(simulated_ledger, day), [day]) as session:
        cut = net_items(session)
    assert whole.collectible_cents.tolist() == cut.collectible_cents.tolist()
    for name, cents in whole.parts.items():
        assert cents.tolist() == cut.parts[name].tolist()


def test_the_law_notices_a_leak(simulated_ledger: Ledger) -> None:
    """Reading the business date alone would see back-dated cash early; the cut would differ."""
    applications = simulated_ledger.rows["applications"]
    place = applications.column_names.index("known_on")
    leaking = applications.set_column(
        place, applications.schema.field("known_on"), applications["applied_on"]
    )
    leaky = ledger_from_rows(
        {**simulated_ledger.rows, "applications": leaking}, simulated_ledger.manifest
    )
    differs = False
    for day in DATES:
        whole = feature_frame(leaky, [day])
        honest = feature_frame(simulated_ledger, [day])
        differs |= whole.values.tobytes() != honest.values.tobytes()
    assert differs


def test_many_dates_at_once_give_what_each_date_gives_alone(simulated_ledger: Ledger) -> None:
    """One query plan for many dates computes the same bytes as one date at a time."""
    together = feature_frame(simulated_ledger, DATES)
    for day in DATES:
        alone = feature_frame(simulated_ledger, [day])
        rows = (together.items["as_of"].dt.date == day).to_numpy()
        assert together.values[rows].tobytes() == alone.values.tobytes()


def test_an_account_alone_gives_what_it_gives_in_the_crowd(simulated_ledger: Ledger) -> None:
    """Features of an account depend on its own rows alone."""
    day = DATES[3]
    whole = feature_frame(simulated_ledger, [day])
    counts = whole.items["account_id"].value_counts()
    for account in (counts.index[0], counts.index[-1]):
        rows = {
            name: table.filter(pc.equal(table["account_id"], account))
            if "account_id" in table.column_names
            else table
            for name, table in simulated_ledger.rows.items()
        }
        own = rows["invoices"]["invoice_id"].combine_chunks()
        changes = rows["due_date_changes"]
        rows["due_date_changes"] = changes.filter(pc.is_in(changes["invoice_id"], own))
        alone = feature_frame(ledger_from_rows(rows, simulated_ledger.manifest), [day])
        mine = (whole.items["account_id"] == account).to_numpy()
        assert alone.values.tobytes() == whole.values[mine].tobytes()


def test_row_order_and_duplicates_change_nothing(simulated_ledger: Ledger) -> None:
    """Shuffled tables give the same bytes."""
    rng = np.random.default_rng(5)
    shuffled = {
        name: table.take(pa.array(rng.permutation(table.num_rows)))
        for name, table in simulated_ledger.rows.items()
    }
    other = ledger_from_rows(shuffled, simulated_ledger.manifest)
    same(feature_frame(simulated_ledger, DATES[1:3]), feature_frame(other, DATES[1:3]))


def test_scaling_all_money_scales_money_features_and_leaves_the_rest(
    simulated_ledger: Ledger,
) -> None:
    """Four times the money: money features times four, every other feature as it was."""
    from decimal import Decimal

    from features.catalogue import CATALOGUE
    from features.engines import Rules

    scaled = {}
    for name, table in simulated_ledger.rows.items():
        columns = {}
        for field in table.schema:
            values = table[field.name]
            if field.name in ("amount", "credit_limit"):
                values = pc.multiply(values, pa.scalar(Decimal(4))).cast(field.type)
            if name == "account_changes" and field.name == "value":
                limit = pc.equal(table["column"], "credit_limit")
                numbers = [
                    str(Decimal(text) * 4) if is_limit else text
                    for text, is_limit in zip(values.to_pylist(), limit.to_pylist(), strict=True)
                ]
                values = pa.array(numbers, pa.string())
            columns[field.name] = values
        scaled[name] = pa.table(columns, schema=table.schema)
    manifest = Manifest(known_through=simulated_ledger.manifest.known_through)
    day = DATES[2]
    before = feature_frame(simulated_ledger, [day])
    after = feature_frame(ledger_from_rows(scaled, manifest), [day], rules=Rules(tolerance=4.0))
    assert before.items["invoice_id"].tolist() == after.items["invoice_id"].tolist()
    for position, feature in enumerate(CATALOGUE):
        factor = 4.0 if feature.unit == "money" else 1.0
        np.testing.assert_allclose(
            after.values[:, position],
            before.values[:, position] * factor,
            rtol=1e-12,
            err_msg=feature.name,
        )
