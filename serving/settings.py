"""Settings of the service: one frozen value, read once from the environment.

Every variable is in ``VARIABLES``; any other name that starts with ``ROLLRISK_`` is refused,
so that a misspelt limit does not silently leave the default in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from features.sources.database_url import DatabaseUrl, parse_url
from models.home import DEFAULT, VARIABLE, Home

PREFIX = "ROLLRISK_"

VARIABLES: dict[str, str] = {
    VARIABLE: "Folder of models, snapshots, keys and the audit store (default ./.rollrisk).",
    "ROLLRISK_POLICY": "Collections policy, a TOML file (default: the shipped one).",
    "ROLLRISK_AUDIT_URL": "Database of the audit store, such as postgresql://user:password@host/"
    "rollrisk (default: audit.db in the home folder).",
    "ROLLRISK_MAX_ACCOUNTS": "Accounts per request (default 1000); more is answered 413.",
    "ROLLRISK_MAX_ROWS": "Ledger rows per request (default 200000); more is answered 413.",
    "ROLLRISK_MAX_BODY_BYTES": "Bytes per request body (default 10000000); more is answered 413.",
    "ROLLRISK_BODY_SECONDS": "Seconds in which a body must arrive (default 20), else 408.",
    "ROLLRISK_TIME_BUDGET_SECONDS": "Seconds an answer may take (default 60), else 503.",
    "ROLLRISK_REQUESTS_PER_MINUTE": "Requests a caller may make in a minute (default 600), "
    "in bursts of as many; more is answered 429.",
    "ROLLRISK_IDEMPOTENCY_HOURS": "Hours in which an idempotency key gives the first answer "
    "again (default 24).",
    "ROLLRISK_REFRESH_SECONDS": "Seconds between looks for a new snapshot (default 1).",
    "ROLLRISK_OIDC_ISSUER": "Issuer of OpenID Connect tokens that are let in besides keys "
    "(default: none); https, or http on loopback.",
    "ROLLRISK_OIDC_AUDIENCE": "Audience those tokens must name (default rollrisk).",
    "ROLLRISK_OIDC_ROLE_CLAIM": "Claim that holds the role or roles (default roles).",
    "ROLLRISK_TRACES_URL": "OTLP/HTTP address of a trace collector, such as "
    "http://127.0.0.1:4318/v1/traces (default: nothing is traced).",
    "ROLLRISK_TRACES_SHARE": "Share of the API's requests that are traced, above 0 and at most 1 "
    "(default 1).",
    "ROLLRISK_DATABASE_URL": "Database that `rollrisk import sql` reads; not used by the service.",
}
"""Every environment variable and what it decides."""


class SettingsError(ValueError):
    """A setting that cannot be used; the message names variable, value and next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Whose OpenID Connect tokens are let in.

    Parameters
    ----------
    url : str
        The issuer as its tokens name it.
    audience : str
        What the tokens must be made for.
    role_claim : str
        Claim with the role, or a list of roles.
    """

    url: str
    audience: str = "rollrisk"
    role_claim: str = "roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service is told from outside.

    Parameters
    ----------
    home : Home
        Where models, snapshots, keys and the audit store live.
    policy : Path or None
        Collections policy; None for the shipped one.
    audit_url : DatabaseUrl or None
        Database of the audit store; None for ``audit.db`` in the home.
    max_accounts : int
        Accounts one request may name.
    max_rows : int
        Ledger rows one request may send, all tables together.
    max_body_bytes : int
        Size of a request body.
    body_seconds : float
        How long a body may take to arrive.
    time_budget_seconds : float
        How long an answer may take.
    requests_per_minute : int
        Requests of one caller.
    idempotency_hours : float
        How long an idempotency key gives the first answer again.
    refresh_seconds : float
        How often a newly published snapshot is looked for.
    issuer : Issuer or None
        Whose OpenID Connect tokens are let in; None for keys only.
    traces_url : str or None
        Collector of traces; None for no tracing.
    traces_share : float
        Share of the API's requests that are traced, above 0 and at most 1.
    """

    home: Home
    policy: Path | None = None
    audit_url: DatabaseUrl | None = None
    max_accounts: int = 1000
    max_rows: int = 200_000
    max_body_bytes: int = 10_000_000
    body_seconds: float = 20.0
    time_budget_seconds: float = 60.0
    requests_per_minute: int = 600
    idempotency_hours: float = 24.0
    refresh_seconds: float = 1.0
    issuer: Issuer | None = None
    traces_url: str | None = None
    traces_share: float = 1.0


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
    audit_url = given.get("ROLLRISK_AUDIT_URL")
    return Settings(
        home=defaults.home,
        policy=Path(policy) if policy else None,
        audit_url=parse_url(audit_url) if audit_url else None,
        max_accounts=_count(given, "ROLLRISK_MAX_ACCOUNTS", defaults.max_accounts),
        max_rows=_count(given, "ROLLRISK_MAX_ROWS", defaults.max_rows),
        max_body_bytes=_count(given, "ROLLRISK_MAX_BODY_BYTES", defaults.max_body_bytes),
        body_seconds=_number(given, "ROLLRISK_BODY_SECONDS", defaults.body_seconds, "seconds"),
        time_budget_seconds=_number(
            given, "ROLLRISK_TIME_BUDGET_SECONDS", defaults.time_budget_seconds, "seconds"
        ),
        requests_per_minute=_count(
            given, "ROLLRISK_REQUESTS_PER_MINUTE", defaults.requests_per_minute
        ),
        idempotency_hours=_number(
            given, "ROLLRISK_IDEMPOTENCY_HOURS", defaults.idempotency_hours, "hours"
        ),
        refresh_seconds=_number(
            given, "ROLLRISK_REFRESH_SECONDS", defaults.refresh_seconds, "seconds"
        ),
        issuer=_issuer(given),
        traces_url=_address(given, "ROLLRISK_TRACES_URL"),
        traces_share=_share(given, "ROLLRISK_TRACES_SHARE", defaults.traces_share),
    )


def _count(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise SettingsError(f"{name} must be a whole number of at least 1, got {text!r}.")
    return int(text)


def _number(given: Mapping[str, str], name: str, default: float, unit: str) -> float:
    text = given.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise SettingsError(f"{name} must be {unit} above 0 and at most 3600, got {text!r}.")
    return value


def _share(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise SettingsError(f"{name} must be a share above 0 and at most 1, got {text!r}.")
    return value


def _address(given: Mapping[str, str], name: str) -> str | None:
    url = given.get(name)
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{name} must be an http or https address, got {url!r}.")
    return url


def _issuer(given: Mapping[str, str]) -> Issuer | None:
    names = ("ROLLRISK_OIDC_AUDIENCE", "ROLLRISK_OIDC_ROLE_CLAIM")
    url = given.get("ROLLRISK_OIDC_ISSUER", "")
    if not url:
        if alone := [name for name in names if name in given]:
            raise SettingsError(f"{alone[0]} needs ROLLRISK_OIDC_ISSUER, the tokens' issuer.")
        return None
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or not (parts.scheme == "https" or local):
        raise SettingsError(
            f"ROLLRISK_OIDC_ISSUER must be an https address (http on loopback only), got {url!r}."
        )
    defaults = Issuer(url=url)
    return Issuer(
        url=url,
        audience=given.get(names[0]) or defaults.audience,
        role_claim=given.get(names[1]) or defaults.role_claim,
    )
