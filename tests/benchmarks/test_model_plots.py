"""Pictures of models: every rival is drawn where it stands, in the colour of its interval."""

from pathlib import Path
from typing import Any

from benchmarks.model_plots import BETTER, RUNGS, UNCLEAR, WORSE, rivals_figure, truth_figure
from benchmarks.plots import save


def _gap(middle: float) -> dict[str, Any]:
    return {"log_loss": {"difference": middle, "low": middle - 0.01, "high": middle + 0.01}}


RIVALS = {
    "ledger": "A ledger",
    "rollrisk_minus": {
        "rollrisk, searched": _gap(0.5),
        "ahead of us": _gap(0.02),
        "like us": _gap(0.005),
        "behind us": _gap(-0.03),
    },
}
TRUTH = {
    "over_seeds": {
        "30": {
            "all": {
                "truth": 0.4,
                "best_baseline": 0.6,
                "losses": {name: 0.5 for name in RUNGS if name not in {"truth", "best baseline"}},
            }
        }
    }
}


def test_rivals_stand_in_order_and_in_the_colour_of_their_interval() -> None:
    """Whom we beat is at the bottom; our own variants are no rivals."""
    (panel,) = rivals_figure([RIVALS]).axes
    assert [label.get_text() for label in panel.get_yticklabels()] == [
        "behind us",
        "like us",
        "ahead of us",
    ]
    dots = [line for line in panel.lines if line.get_marker() == "o"]
    assert [dot.get_color() for dot in dots] == [BETTER, UNCLEAR, WORSE]
    assert [float(dot.get_xdata()[0]) for dot in dots] == [-0.03, 0.005, 0.02]


def test_pictures_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Every rung is drawn once and named once; a second drawing changes nothing."""
    for name in ("one.svg", "two.svg"):
        save(truth_figure(TRUTH), tmp_path / name)
    one, two = (tmp_path / "one.svg").read_bytes(), (tmp_path / "two.svg").read_bytes()
    assert one == two
    for rung in RUNGS:
        assert one.decode().count(f">{rung}<") == 1
