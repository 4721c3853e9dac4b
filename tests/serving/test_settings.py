"""Settings come from known variables with usable values, or not at all."""

from pathlib import Path

import pytest

from serving.settings import VARIABLES, SettingsError, read_settings


def test_defaults_are_the_documented_ones() -> None:
    """Without variables: ./.rollrisk, 1000 accounts, 200,000 rows, 10 MB."""
    settings = read_settings({"PATH": "/bin"})
    assert settings.home.path == Path(".rollrisk")
    assert settings.max_accounts == 1000
    assert settings.max_rows == 200_000
    assert settings.max_body_bytes == 10_000_000


@pytest.mark.parametrize("name", ["ROLLRISK_MAX_ROW", "ROLLRISK_", "ROLLRISK_HOMES"])
def test_unknown_variables_are_refused_with_the_list_of_known_ones(name: str) -> None:
    """A misspelt variable stops the start."""
    with pytest.raises(SettingsError) as refused:
        read_settings({name: "1"})
    assert name in str(refused.value)
    assert all(known in str(refused.value) for known in VARIABLES)


@pytest.mark.parametrize("value", ["0", "-5", "1e3", "", "many", "٣"])
def test_limits_are_whole_numbers_above_zero(value: str) -> None:
    """The error names the variable and the value."""
    with pytest.raises(SettingsError, match="ROLLRISK_MAX_ROWS must be a whole number"):
        read_settings({"ROLLRISK_MAX_ROWS": value})


def test_every_variable_reaches_a_setting() -> None:
    """No documented variable is without effect."""
    given = {
        "ROLLRISK_HOME": "/srv/rollrisk",
        "ROLLRISK_POLICY": "/etc/policy.toml",
        "ROLLRISK_MAX_ACCOUNTS": "7",
        "ROLLRISK_MAX_ROWS": "8",
        "ROLLRISK_MAX_BODY_BYTES": "9",
        "ROLLRISK_REFRESH_SECONDS": "0.5",
    }
    assert set(given) == set(VARIABLES)
    settings, defaults = read_settings(given), read_settings({})
    assert all(getattr(settings, name) != getattr(defaults, name) for name in settings.__slots__)


@pytest.mark.parametrize("value", ["0", "nan", "inf", "3601", "soon"])
def test_the_watch_looks_at_sane_intervals(value: str) -> None:
    """Seconds lie above 0 and within an hour."""
    with pytest.raises(SettingsError, match="ROLLRISK_REFRESH_SECONDS"):
        read_settings({"ROLLRISK_REFRESH_SECONDS": value})
