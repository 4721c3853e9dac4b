"""Tests of writing configurations: what is written is read back as it was."""

import tomllib
from dataclasses import replace
from datetime import date
from importlib import resources

import pytest

from serving.commands.shared import RECIPE
from training.config import TrainingConfig, parse_config, read_config
from training.config_text import config_toml


@pytest.mark.parametrize("name", ["quick", "highradius", "steady", None])
def test_a_written_configuration_is_read_back_unchanged(name: str | None) -> None:
    """Shipped recipes, with lists, dates, flags and sections."""
    config = read_config(name)
    assert parse_config(tomllib.loads(config_toml(config))) == config


def test_dates_numbers_and_flags_keep_their_kind() -> None:
    """Small numbers and dates survive."""
    config = TrainingConfig(
        seed=3, decay_days=1e-7, first_as_of=date(2024, 2, 29), features=("days_past_due",)
    )
    config = replace(config, backtest=replace(config.backtest, include_last_bucket=True))
    assert parse_config(tomllib.loads(config_toml(config))) == config


def test_the_help_of_commands_names_every_shipped_recipe() -> None:
    shipped = resources.files("training").joinpath("configs").iterdir()
    names = {entry.name.removesuffix(".toml") for entry in shipped if entry.name.endswith(".toml")}
    assert names == {name for name in names if name in RECIPE}
