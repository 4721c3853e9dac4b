"""The address of a database, and how it may be shown.

Whoever may read a log or an error must not learn the password. The address is shown without
it, and every message of a driver passes through :meth:`DatabaseUrl.hide`.
"""

from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from features.sources.base import ContractError

# Options of an address that hold no secret.
_SHOWN = frozenset({"host", "port", "dbname", "sslmode", "connect_timeout", "application_name"})
# A name without a driver gets the one that the `sql` extra installs.
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrl:
    """An address whose password is never shown.

    Parameters
    ----------
    full : sqlalchemy.engine.URL
        The address with its password; only the driver needs it.

    Examples
    --------
    >>> url = parse_url("postgresql://reader:s3cret@db.example/erp?sslpassword=t0p")
    >>> url
    DatabaseUrl(postgresql+psycopg://reader:***@db.example/erp?sslpassword=***)
    >>> url.hide("FATAL: s3cret is wrong")
    'FATAL: *** is wrong'
    """

    full: URL = field(repr=False)

    def __repr__(self) -> str:
        return f"DatabaseUrl({self.shown})"

    @property
    def shown(self) -> str:
        """The address with ``***`` for the password and for every option that may be secret."""
        query = {
            key: value if key in _SHOWN else "***"
            for key, value in self.full.normalized_query.items()
        }
        shown = self.full.set(query=query).render_as_string(hide_password=True)
        return shown.replace("%2A%2A%2A", "***")

    def hide(self, text: str) -> str:
        """Return ``text`` with ``***`` for the secrets of the address."""
        options = self.full.normalized_query.items()
        secrets = [value for key, values in options if key not in _SHOWN for value in values]
        if self.full.password:
            secrets.append(str(self.full.password))
        forms = {form for each in secrets for form in (each, quote(each), quote_plus(each)) if form}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, "***")
        return text


def parse_url(text: str) -> DatabaseUrl:
    """Read an address such as ``postgresql://reader:password@host:5432/erp``.

    Raises
    ------
    ContractError
        When it is no address; the message repeats no part of it.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ContractError(
            "The database URL cannot be read. Write it as "
            "postgresql://user:password@host:5432/database, with signs such as @, : and / in "
            "user and password percent-encoded (@ is %40)."
        ) from None
    if "@" in (url.host or ""):
        raise ContractError(
            "The database URL has more than one @ before its host. Percent-encode the one in "
            "the password as %40."
        )
    return DatabaseUrl(full=url.set(drivername=_DRIVERS.get(url.drivername, url.drivername)))
