"""Tests of the training configuration: shipped files parse, mistakes are named."""

from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from features.catalogue import NAMES
from training.config import ConfigError, TrainingConfig, WindowConfig, parse_config, read_config

SHIPPED = sorted(
    entry.name.removesuffix(".toml")
    for entry in resources.files("training").joinpath("configs").iterdir()
)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_parses_and_can_train(name: str) -> None:
    """It names known features only and keeps a window to judge the model on."""
    config = read_config(name)
    assert set(config.feature_names) <= set(NAMES)
    assert config.windows.test_days > 0


def test_without_a_file_the_defaults_stand() -> None:
    """The defaults read every feature, in the catalogue's order."""
    assert read_config(None) == TrainingConfig()
    assert TrainingConfig().feature_names == NAMES


def test_a_file_overrides_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    """Sections are merged key by key; dates are TOML dates."""
    path = tmp_path / "own.toml"
    path.write_text(
        'seed = 5\nfirst_as_of = 2024-01-31\nfeatures = ["age_days", "days_past_due"]\n'
        "[trees]\nnum_leaves = 4\n[backtest]\ntest_days = 14\n"
    )
    config = read_config(path)
    assert (config.seed, config.first_as_of) == (5, date(2024, 1, 31))
    assert config.trees.num_leaves == 4
    assert config.trees.learning_rate == TrainingConfig().trees.learning_rate
    assert config.feature_names == tuple(n for n in NAMES if n in ("age_days", "days_past_due"))
    assert config.windows == WindowConfig()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"sede": 1}, r"Unknown key 'sede'.*Known keys: .*seed"),
        ({"trees": {"leaves": 1}}, r"Unknown key 'trees.leaves'.*trees.num_leaves"),
        ({"windows": {"test": 1}}, r"Unknown key 'windows.test'.*windows.test_days"),
        ({"backtest": {"cuts": 1}}, r"Unknown key 'backtest.cuts'.*backtest.origins"),
        ({"trees": 5}, r"'trees' must be a section of keys, got 5"),
        ({"seed": "one"}, r"Key 'seed' must be a whole number, got 'one'"),
        ({"seed": 1.5}, r"Key 'seed' must be a whole number, got 1.5"),
        ({"seed": True}, r"Key 'seed' must be a whole number, got True"),
        ({"trees": {"learning_rate": "fast"}}, r"Key 'trees.learning_rate' must be a number"),
        ({"backtest": {"include_last_bucket": 1}}, r"must be true or false, got 1"),
        ({"backtest": {"train_until": "2024-05-20"}}, r"must be a date without quotes"),
        ({"features": "age_days"}, r"Key 'features' must be a list of names, got 'age_days'"),
        ({"features": ["age_day"]}, r"Unknown features in the configuration: \['age_day'\]"),
        ({"trees": {"rising": ["height"]}}, r"Unknown features .*\['height'\]"),
        ({"trees": {"falling": ["depth"]}}, r"Unknown features .*\['depth'\]"),
        (
            {"trees": {"rising": ["age_days"], "falling": ["age_days"]}},
            r"cannot raise and lower the risk at once: \['age_days'\]",
        ),
        ({"windows": {"every_days": 0}}, r"Key 'windows.every_days' must be at least 1, got 0"),
        ({"windows": {"test_days": -1}}, r"Key 'windows.test_days' must be at least 0, got -1"),
        ({"backtest": {"origins": 0}}, r"Key 'backtest.origins' must be at least 1, got 0"),
    ],
    ids=str,
)
def test_mistakes_are_refused_by_name(content: dict[str, Any], says: str) -> None:
    """Key, value and what would be right."""
    with pytest.raises(ConfigError, match=says):
        parse_config(content)


def test_a_missing_file_lists_the_shipped_ones() -> None:
    """So that a typing error is found at once."""
    with pytest.raises(ConfigError, match=r"'qick' is neither a file nor one of .*'quick'"):
        read_config("qick")


def test_broken_toml_is_refused(tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "broken.toml"
    path.write_text("seed = = 1")
    with pytest.raises(ConfigError, match=r"broken.toml' is not valid TOML"):
        read_config(path)


def test_the_embargo_is_one_step_and_the_maturity_lag_unless_set() -> None:
    """-1 stands for the default."""
    assert WindowConfig().embargo(7) == 37
    assert WindowConfig(embargo_days=3).embargo(7) == 3
    assert WindowConfig(embargo_days=0).embargo(7) == 0
