"""Who may ask what: API keys, their roles, and the table of routes.

A key is 256 random bits, shown once. The key file holds its SHA-256 only (a slow hash would
add nothing: there is no dictionary of 256-bit numbers), the caller's name and the role.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

Role = Literal["scorer", "analyst", "manager"]
ROLES: tuple[Role, ...] = get_args(Role)

ROUTE_ROLES: dict[str, frozenset[Role]] = {
    "/v1/score": frozenset({"scorer", "analyst", "manager"}),
    "/v1/worklist": frozenset({"analyst", "manager"}),
    "/v1/explain": frozenset({"analyst", "manager"}),
    "/metrics": frozenset({"scorer", "analyst", "manager"}),
}
"""Which role opens which route; ``/metrics`` asks for a key beyond loopback only."""

FORMAT = 1
_PREFIX = "rr_"


class KeyFileError(ValueError):
    """A key that cannot be made or revoked; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """One line of the key file.

    Parameters
    ----------
    name : str
        The caller; used once, so that the audit store stays unambiguous.
    role : {"scorer", "analyst", "manager"}
        What the caller may ask.
    sha256 : str
        Hash of the key, hexadecimal.
    created_on : str
        ISO date.
    revoked_on : str or None
        ISO date; None while the key opens.
    """

    name: str
    role: Role
    sha256: str
    created_on: str
    revoked_on: str | None = None


def as_role(name: str) -> Role:
    """Return the role called ``name``; KeyFileError when there is none.

    Examples
    --------
    >>> as_role("analyst")
    'analyst'
    """
    for role in ROLES:
        if role == name:
            return role
    raise KeyFileError(f"Role must be one of {', '.join(ROLES)}, got {name!r}.")


def hash_key(key: str) -> str:
    """Return the SHA-256 of a key in hexadecimal.

    Examples
    --------
    >>> hash_key("rr_example")[:16]
    '3944ff91afd9897e'
    """
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read_keys(path: Path) -> tuple[StoredKey, ...]:
    """Return all keys of the file, revoked ones too; none when there is no file.

    Raises
    ------
    KeyFileError
        When the file is no key file of this format.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return ()
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise KeyFileError(f"{path}: format must be {FORMAT}, got {content['format']!r}.")
        return tuple(StoredKey(**entry) for entry in content["keys"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise KeyFileError(
            f"{path} is no key file. Move it away and make keys with `rollrisk keys create`."
        ) from error


def create_key(path: Path, name: str, role: Role, *, today: date) -> str:
    """Add a caller to the key file and return its key, which is stored nowhere.

    Raises
    ------
    KeyFileError
        When the name is empty or taken, by a revoked key too.
    """
    keys = read_keys(path)
    if not name.strip() or not name.isprintable():
        raise KeyFileError(f"A key's name must be printable text, got {name!r}.")
    if any(entry.name == name for entry in keys):
        raise KeyFileError(
            f"The name {name!r} is taken. Names are used once, so that the audit store tells "
            "callers apart: choose another."
        )
    key = _PREFIX + secrets.token_urlsafe(32)
    made = StoredKey(name=name, role=role, sha256=hash_key(key), created_on=today.isoformat())
    _write(path, [*keys, made])
    return key


def revoke_key(path: Path, name: str, *, today: date) -> None:
    """Close the key called ``name``; KeyFileError when no open key has that name."""
    keys = read_keys(path)
    if not any(entry.name == name and entry.revoked_on is None for entry in keys):
        names = ", ".join(entry.name for entry in keys if entry.revoked_on is None)
        raise KeyFileError(f"No open key is named {name!r}. Open keys: {names or 'none'}.")
    _write(path, (_closed(entry, today) if entry.name == name else entry for entry in keys))


def _closed(entry: StoredKey, today: date) -> StoredKey:
    return StoredKey(**{**asdict(entry), "revoked_on": today.isoformat()})


def _write(path: Path, keys: Iterable[StoredKey]) -> None:
    """Put the file into place in one step, readable by its owner only from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    content = {"format": FORMAT, "keys": [asdict(entry) for entry in keys]}
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


class KeyRing:
    """The open keys of a key file, read again when the file changes.

    Parameters
    ----------
    path : Path
        The key file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: tuple[StoredKey, ...] = ()

    def find(self, key: str) -> StoredKey | None:
        """Return the open key that ``key`` is, None when there is none.

        Every stored hash is compared in constant time, whether or not one fits.
        """
        self._refresh()
        digest = hash_key(key)
        found = None
        for entry in self._keys:
            if hmac.compare_digest(entry.sha256, digest):
                found = entry
        return found

    def _refresh(self) -> None:
        try:
            state = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._keys = None, ()
            return
        stamp = (state.st_mtime_ns, state.st_ino)
        if stamp != self._stamp:
            self._keys = tuple(e for e in read_keys(self._path) if e.revoked_on is None)
            self._stamp = stamp
