"""What is tried in place of each choice of the recipe, one change at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from features.catalogue import NAMES, PEER_NAMES
from training.config import TrainingConfig
from training.search import changed_config

Recalibration = Literal["chosen", "none", "logistic", "beta", "slope", "in time"]
"""Which map is put on the trees: the recipe's own rule, none, one of a kind always, a slope
without an intercept, or the recipe's rule judged on other dates in place of other accounts."""

MONTH_ENDS = -1
"""Stands for as-of dates at month ends, where a distance in days is asked for."""

DISTANCE = "distance of as-of dates"

LIFE_TABLE = ("own_share_paid_much_later", "own_survival_30", "own_survival_30_cautious")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The recipe with one thing changed.

    Parameters
    ----------
    choice : str
        What is being chosen.
    name : str
        What is done instead.
    config : TrainingConfig
        The recipe with the change.
    every_days : int
        Distance between the as-of dates learnt from, or ``MONTH_ENDS``.
    history_days : int
        How far back they go from the newest; 0 for as far as the recipe does.
    seeds : int
        How many fits of other seeds are averaged in log-odds.
    recalibration : str
        Which map is put on the trees.
    """

    choice: str
    name: str
    config: TrainingConfig
    every_days: int
    history_days: int = 0
    seeds: int = 1
    recalibration: Recalibration = "chosen"


def all_variants(
    config: TrainingConfig, holding: Sequence[str], falling: Sequence[str]
) -> list[Variant]:
    """Return what is tried; what equals ``config`` itself is left out.

    Parameters
    ----------
    config : TrainingConfig
        The recipe.
    holding, falling : sequence of str
        Features whose sign held in every bucket and step, and which features fall.
    """
    base = config.windows.every_days
    read = config.feature_names
    life_table = tuple(name for name in LIFE_TABLE if name in read)
    up = tuple(name for name in holding if name in read and name not in falling)
    down = tuple(name for name in holding if name in read and name in falling)

    def changed(choice: str, name: str, **values: Any) -> Variant:  # noqa: ANN401 (a key's own type)
        keys = {key.replace("__", "."): value for key, value in values.items()}
        return Variant(
            choice=choice, name=name, config=changed_config(config, keys), every_days=base
        )

    found = [
        changed(
            "size of the trees",
            f"depth {depth}, {leaves} leaves",
            trees__max_depth=depth,
            trees__num_leaves=leaves,
        )
        for depth, leaves in ((3, 8), (4, 8), (4, 15), (5, 15), (5, 31), (6, 31))
    ]
    found += [
        changed("learning rate", f"{rate:g}", trees__learning_rate=rate)
        for rate in (0.02, 0.04, 0.06, 0.1)
    ]
    found += [
        changed("what holds trees back", words, **values)
        for words, values in (
            ("100 rows in a leaf", {"trees__min_data_in_leaf": 100}),
            ("400 rows in a leaf", {"trees__min_data_in_leaf": 400}),
            ("three tenths of the features a tree", {"trees__feature_fraction": 0.3}),
            ("eight tenths of the features a tree", {"trees__feature_fraction": 0.8}),
            ("half of the rows a tree", {"trees__bagging_fraction": 0.5}),
            ("leaves smoothed towards their parents", {"trees__path_smooth": 10.0}),
        )
    ]
    found += [
        changed("what steadies reasons", words, **values)
        for words, values in (
            ("L2 of 5", {"trees__lambda_l2": 5.0}),
            ("L2 of 50", {"trees__lambda_l2": 50.0}),
            ("L2 of 200", {"trees__lambda_l2": 200.0}),
            (
                "L2 of 50, 200 rows in a leaf",
                {"trees__lambda_l2": 50.0, "trees__min_data_in_leaf": 200},
            ),
            (
                "L2 of 200, learning rate 0.08",
                {"trees__lambda_l2": 200.0, "trees__learning_rate": 0.08},
            ),
        )
    ]
    found += [
        changed("features read", words, features=names)
        for words, names in (
            ("the whole catalogue", NAMES),
            ("with how accounts of a kind pay", (*read, *PEER_NAMES)),
        )
        if {*names} != {*read}
    ]
    rising = "features that may only raise the risk"
    found += [
        changed(rising, "none", trees__rising=(), trees__falling=()),
        changed(rising, "the account's own life table", trees__rising=life_table),
    ]
    if up or down:
        found.append(
            changed(
                rising,
                f"all {len(up) + len(down)} whose sign holds in every bucket and step",
                trees__rising=up,
                trees__falling=down,
            )
        )
    found += [
        changed("weight of a row by its dollars", words, balance_power=power)
        for power, words in (
            (0.0, "none"),
            (0.25, "balance^0.25"),
            (0.5, "balance^0.5"),
            (1.0, "balance"),
        )
    ]
    found += [
        changed("half-life of a row's weight", words, decay_days=days)
        for days, words in (
            (0.0, "none"),
            (90.0, "90 days"),
            (180.0, "180 days"),
            (365.0, "a year"),
        )
    ]
    plain = changed("", "")
    # Without a window to stop on the history is a few months long, and so are the choices.
    long = config.windows.stop_days > 0
    found += [
        replace(plain, choice="as-of dates learnt from", name=f"{days} days", history_days=days)
        for days in ((365, 540) if long else (28, 42))
    ]
    distances = {7: "7 days", 14: "14 days", 28: "28 days", MONTH_ENDS: "month ends"}
    found += [
        replace(plain, choice=DISTANCE, name=words, every_days=days)
        for days, words in distances.items()
        if long or days in {7, 14}
    ]
    found.append(replace(plain, choice="fits averaged", name="5 seeds", seeds=5))
    if config.windows.recalibrate_days:
        kinds: dict[Recalibration, str] = {
            "none": "none",
            "logistic": "logistic, always",
            "beta": "beta, always",
            "slope": "logistic without an intercept",
            "in time": "chosen on other dates",
        }
        found += [
            replace(plain, choice="recalibration", name=words, recalibration=kind)
            for kind, words in kinds.items()
        ]
        windows = replace(config.windows, recalibrate_days=0)
        words = "none, its weeks left to the other windows"
        bare = replace(config, windows=windows)
        found.append(replace(plain, choice="recalibration", name=words, config=bare))
    return [variant for variant in found if _differs(variant, plain)]


def _differs(variant: Variant, plain: Variant) -> bool:
    return replace(variant, choice="", name="") != plain
