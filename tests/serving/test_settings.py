"""Settings come from known variables with usable values, or not at all."""

from pathlib import Path

import pytest

from serving.settings import VARIABLES, Issuer, SettingsError, read_settings


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
        "ROLLRISK_AUDIT_URL": "postgresql://audit@db.example/rollrisk",
        "ROLLRISK_BODY_SECONDS": "10",
        "ROLLRISK_TIME_BUDGET_SECONDS": "11",
        "ROLLRISK_REQUESTS_PER_MINUTE": "12",
        "ROLLRISK_IDEMPOTENCY_HOURS": "13",
        "ROLLRISK_REFRESH_SECONDS": "0.5",
        "ROLLRISK_OIDC_ISSUER": "https://id.example",
        "ROLLRISK_OIDC_AUDIENCE": "scores",
        "ROLLRISK_OIDC_ROLE_CLAIM": "groups",
        "ROLLRISK_TRACES_URL": "http://127.0.0.1:4318/v1/traces",
        "ROLLRISK_TRACES_SHARE": "0.5",
    }
    of_the_import = {"ROLLRISK_DATABASE_URL"}
    assert set(given) | of_the_import == set(VARIABLES)
    settings, defaults = read_settings(given), read_settings({})
    assert all(getattr(settings, name) != getattr(defaults, name) for name in settings.__slots__)
    assert settings.issuer == Issuer(
        url="https://id.example", audience="scores", role_claim="groups"
    )


@pytest.mark.parametrize("value", ["0", "nan", "inf", "3601", "soon"])
def test_the_watch_looks_at_sane_intervals(value: str) -> None:
    """Seconds lie above 0 and within an hour."""
    with pytest.raises(SettingsError, match="ROLLRISK_REFRESH_SECONDS"):
        read_settings({"ROLLRISK_REFRESH_SECONDS": value})


def test_passwords_of_the_audit_store_are_not_shown() -> None:
    """The settings may be printed."""
    settings = read_settings({"ROLLRISK_AUDIT_URL": "postgresql://audit:s3cret@db.example/r"})
    assert "s3cret" not in repr(settings)
    assert "db.example" in repr(settings)


@pytest.mark.parametrize("url", ["http://id.example", "id.example", "https://", "ftp://id"])
def test_an_issuer_is_asked_over_https_only(url: str) -> None:
    """On loopback http will do, for tests."""
    with pytest.raises(SettingsError, match="must be an https address"):
        read_settings({"ROLLRISK_OIDC_ISSUER": url})
    assert read_settings({"ROLLRISK_OIDC_ISSUER": "http://127.0.0.1:9"}).issuer is not None
    with pytest.raises(SettingsError, match="needs ROLLRISK_OIDC_ISSUER"):
        read_settings({"ROLLRISK_OIDC_AUDIENCE": "x"})
