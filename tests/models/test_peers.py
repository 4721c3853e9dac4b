"""Peers joined to what is scored: the right group, the right month, worked by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.build import FeatureFrame
from features.catalogue import NAMES, PEER_NAMES
from models.bundle import Bundle
from models.peers import AGES, PeerLevels, with_peers
from models.scorer import model_frame, model_inputs, survival_curves


def one_row(**items: object) -> FeatureFrame:
    """An item 15 days past due on terms of 30, of an account that pays 12 days late."""
    row = {
        "as_of": pd.Timestamp("2024-06-15"),
        "days_past_due": 15.0,
        "segment": "smb",
        "region": "emea",
    }
    known = {
        "terms_days": 30.0,
        "dbt_mean_365": 12.0,
        "late_share_365": 0.8,
        "own_survival_30": 0.75,
        "own_items_seen_at_age": 15.0,
    }
    return FeatureFrame(
        items=pd.DataFrame([row | items]),
        values=np.array([list(known.values())]),
        names=tuple(known),
        digest="d",
    )


def features(frame: FeatureFrame, levels: PeerLevels | None) -> dict[str, float]:
    """Return the features of peers of the first row."""
    joined = with_peers(frame, levels)
    return dict(zip(PEER_NAMES, joined.matrix(PEER_NAMES)[0].tolist(), strict=True))


def test_the_levels_of_the_kind_and_what_sets_the_account_apart(peers: PeerLevels) -> None:
    """Worked by hand from the June levels of smb, emea, 16 to 30 days."""
    survival = np.linspace(0.9, 0.3, len(AGES))[AGES.index(15)]
    assert features(one_row(), peers) == pytest.approx(
        {
            "peer_dbt_mean": 9.0,
            "peer_late_share": 0.6,
            "peer_late_30_share": 0.2,
            "peer_late_dollars_share": 0.7,
            "peer_days_to_pay_mean": 41.0,
            "peer_survival_30": survival,
            "dbt_against_peers": 12.0 - 9.0,
            "late_share_against_peers": 0.8 - 0.6,
            "survival_30_against_peers": 0.75 - survival,
            "days_beyond_peers": 15.0 - 9.0,
            "survival_30_among_peers": (15 * 0.75 + 5 * survival) / 20,
        }
    )


@pytest.mark.parametrize(
    ("items", "dbt"),
    [
        ({"region": "apac"}, 9.0 * 0.9),
        ({"segment": "unheard of"}, 9.0 * 0.8),
        ({"segment": ""}, 9.0 * 0.8),
        ({"as_of": pd.Timestamp("2024-05-31")}, 9.0 * 0.7),
        ({"as_of": pd.Timestamp("2030-01-01")}, 9.0),
    ],
    ids=["other region", "unknown segment", "no segment", "month before", "years later"],
)
def test_the_nearest_group_and_the_newest_month_before_answer(
    peers: PeerLevels, items: dict[str, object], dbt: float
) -> None:
    """Kind, else segment, else portfolio; the row's own month, else the newest before it."""
    assert features(one_row(**items), peers)["peer_dbt_mean"] == pytest.approx(dbt)


def test_nothing_is_known_before_the_first_month_or_without_levels(peers: PeerLevels) -> None:
    """Missing, never the levels of a later month."""
    early = one_row(as_of=pd.Timestamp("2024-04-30"))
    assert np.isnan(list(features(early, peers).values())).all()
    assert np.isnan(list(features(one_row(), None).values())).all()


def test_survival_is_linear_between_ages_and_flat_beyond(peers: PeerLevels) -> None:
    """An undated item has none."""
    at = {
        days: features(one_row(days_past_due=days), peers)["peer_survival_30"]
        for days in (-400.0, -30.0, 0.0, 7.5, 15.0, 90.0, 900.0)
    }
    assert at[-400.0] == at[-30.0] == pytest.approx(0.9)
    assert at[900.0] == at[90.0] == pytest.approx(0.3)
    assert at[7.5] == pytest.approx((at[0.0] + at[15.0]) / 2)
    assert np.isnan(features(one_row(days_past_due=np.nan), peers)["peer_survival_30"])


def test_an_account_without_history_is_expected_to_do_as_its_kind(peers: PeerLevels) -> None:
    """Nothing of its own was as old as this item; what the usual curve says is not heard."""
    frame = one_row()
    nothing_seen = np.where(np.array(frame.names) == "own_items_seen_at_age", 0.0, 1.0)
    row = features(replace(frame, values=frame.matrix(frame.names) * nothing_seen), peers)
    assert row["survival_30_among_peers"] == row["peer_survival_30"]


def test_rows_without_date_or_group_get_the_newest_of_the_portfolio(peers: PeerLevels) -> None:
    """As a frame from a file has neither."""
    bare = one_row()
    bare = replace(bare, items=bare.items[["days_past_due"]])
    assert features(bare, peers)["peer_dbt_mean"] == pytest.approx(9.0 * 0.8)


def test_a_model_scores_with_its_own_levels(
    bundle: Bundle, frame: FeatureFrame, peers: PeerLevels
) -> None:
    """Whatever levels a frame carries, or none, the profile's are joined."""
    bare = replace(frame, values=frame.matrix(NAMES), names=NAMES)
    other = with_peers(bare, replace(peers, values=[[[0.0] * 12] * 3] * 2))
    expected = model_inputs(bundle, frame)
    for rows in (bare, other):
        np.testing.assert_array_equal(model_inputs(bundle, rows), expected)
    assert model_frame(bundle, bare).names == (*NAMES, *PEER_NAMES)
    segment = np.full(len(frame.items), "", dtype=object)
    assert (
        survival_curves(bundle, bare, segment).survival.tobytes()
        == survival_curves(bundle, frame, segment).survival.tobytes()
    )
