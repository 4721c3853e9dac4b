"""Settings of the service: one frozen value, read once from the environment.

Every variable is in ``VARIABLES``; any other name that starts with ``ROLLRISK_`` is refused,
so that a misspelt limit does not silently leave the default in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.home import DEFAULT, VARIABLE, Home

PREFIX = "ROLLRISK_"

VARIABLES: dict[str, str] = {
    VARIABLE: "Folder of models, snapshots, keys and the audit store (default ./.rollrisk).",
    "ROLLRISK_POLICY": "Collections policy, a TOML file (default: the shipped one).",
    "ROLLRISK_MAX_ACCOUNTS": "Accounts per request (default 1000).",
    "ROLLRISK_MAX_ROWS": "Ledger rows per request (default 200000).",
    "ROLLRISK_MAX_BODY_BYTES": "Bytes per request body (default 10000000).",
    "ROLLRISK_REFRESH_SECONDS": "Seconds between looks for a new snapshot (default 1).",
}
"""Every environment variable and what it decides."""


class SettingsError(ValueError):
    """A setting that cannot be used; the message names variable, value and next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service is told from outside.

    Parameters
    ----------
    home : Home
        Where models, snapshots, keys and the audit store live.
    policy : Path or None
        Collections policy; None for the shipped one.
    max_accounts : int
        Accounts one request may name.
    max_rows : int
        Ledger rows one request may send, all tables together.
    max_body_bytes : int
        Size of a request body.
    refresh_seconds : float
        How often a newly published snapshot is looked for.
    """

    home: Home
    policy: Path | None = None
    max_accounts: int = 1000
    max_rows: int = 200_000
    max_body_bytes: int = 10_000_000
    refresh_seconds: float = 1.0


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables.

    Raises
    ------
    SettingsError
        When a variable is unknown or holds no positive number.

    Examples
    --------
    >>> read_settings({"ROLLRISK_MAX_ROWS": "5000"}).max_rows
    5000
    >>> read_settings({"ROLLRISK_MAX_ROW": "5000"})
    Traceback (most recent call last):
    serving.settings.SettingsError: Unknown setting ROLLRISK_MAX_ROW. Known: ROLLRISK_HOME, ...
    """
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    if unknown := sorted(set(given) - set(VARIABLES)):
        raise SettingsError(f"Unknown setting {', '.join(unknown)}. Known: {', '.join(VARIABLES)}.")
    defaults = Settings(home=Home(path=Path(given.get(VARIABLE) or DEFAULT)))
    policy = given.get("ROLLRISK_POLICY")
    return Settings(
        home=defaults.home,
        policy=Path(policy) if policy else None,
        max_accounts=_count(given, "ROLLRISK_MAX_ACCOUNTS", defaults.max_accounts),
        max_rows=_count(given, "ROLLRISK_MAX_ROWS", defaults.max_rows),
        max_body_bytes=_count(given, "ROLLRISK_MAX_BODY_BYTES", defaults.max_body_bytes),
        refresh_seconds=_seconds(given, "ROLLRISK_REFRESH_SECONDS", defaults.refresh_seconds),
    )


def _count(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise SettingsError(f"{name} must be a whole number of at least 1, got {text!r}.")
    return int(text)


def _seconds(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise SettingsError(f"{name} must be seconds above 0 and at most 3600, got {text!r}.")
    return value
