"""Who may ask what: API keys, their roles, and the table of routes.

A key is 256 random bits, shown once. The key file holds its SHA-256 only (a slow hash would
add nothing: there is no dictionary of 256-bit numbers), the caller's name and the role. A
rotated key opens until its successor has been handed round.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from serving.locks import locked

Role = Literal["scorer", "analyst", "manager"]
ROLES: tuple[Role, ...] = get_args(Role)

ROUTE_ROLES: dict[str, frozenset[Role]] = {
    "/v1/score": frozenset({"scorer", "analyst", "manager"}),
    "/v1/worklist": frozenset({"analyst", "manager"}),
    "/v1/explain": frozenset({"analyst", "manager"}),
    "/v1/outcomes": frozenset({"analyst", "manager"}),
    "/metrics": frozenset({"scorer", "analyst", "manager"}),
}
"""Which role opens which route; ``/metrics`` asks for a key beyond loopback only."""

FORMAT = 1
PREFIX = "rr_"
"""What every key starts with, so that a scanner for leaked secrets finds it."""


class KeyFileError(ValueError):
    """A key that cannot be made or revoked; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """One line of the key file.

    Parameters
    ----------
    name : str
        The caller; given to one caller only, so that the audit store stays unambiguous.
    role : {"scorer", "analyst", "manager"}
        What the caller may ask.
    sha256 : str
        Hash of the key, hexadecimal.
    created_on : str
        ISO date.
    revoked_on : str or None
        ISO date; None while the key opens.
    expires_at : str or None
        ISO instant after which a rotated key opens nothing; None for a key without an end.
    per_minute : int or None
        Requests a minute; None for the setting's.
    """

    name: str
    role: Role
    sha256: str
    created_on: str
    revoked_on: str | None = None
    expires_at: str | None = None
    per_minute: int | None = None

    def opens(self, now: datetime) -> bool:
        """Return whether the key is let in at ``now``."""
        ended = self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= now
        return self.revoked_on is None and not ended


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


def create_key(
    path: Path, name: str, role: Role, *, today: date, per_minute: int | None = None
) -> str:
    """Add a caller to the key file and return its key, which is stored nowhere.

    Raises
    ------
    KeyFileError
        When the name is empty or taken, by a revoked key too.
    """
    if not name.strip() or not name.isprintable():
        raise KeyFileError(f"A key's name must be printable text, got {name!r}.")
    with locked(_lock_of(path)):
        keys = read_keys(path)
        if any(entry.name == name for entry in keys):
            raise KeyFileError(
                f"The name {name!r} is taken. Names are used once, so that the audit store tells "
                "callers apart: choose another, or give the caller a new key with "
                "`rollrisk keys rotate`."
            )
        key, made = _made(name, role, today, per_minute)
        _write(path, [*keys, made])
    return key


def rotate_key(path: Path, name: str, *, now: datetime, overlap: timedelta) -> str:
    """Give the caller ``name`` a new key and return it; the old one opens for ``overlap`` more.

    Raises
    ------
    KeyFileError
        When no open key has that name.
    """
    with locked(_lock_of(path)):
        keys = read_keys(path)
        newest = _open_keys(keys, name, now)[-1]
        ends = (now + overlap).isoformat()
        kept = [
            replace(entry, expires_at=min(entry.expires_at or ends, ends))
            if entry.name == name and entry.opens(now)
            else entry
            for entry in keys
        ]
        key, made = _made(name, newest.role, now.date(), newest.per_minute)
        _write(path, [*kept, made])
    return key


def revoke_key(path: Path, name: str, *, today: date) -> None:
    """Close every key called ``name``; KeyFileError when no open key has that name."""
    with locked(_lock_of(path)):
        keys = read_keys(path)
        now = datetime.combine(today, datetime.min.time(), UTC)
        _open_keys(keys, name, now)
        closed = today.isoformat()
        _write(
            path,
            (
                replace(entry, revoked_on=entry.revoked_on or closed)
                if entry.name == name
                else entry
                for entry in keys
            ),
        )


def _open_keys(keys: Iterable[StoredKey], name: str, now: datetime) -> list[StoredKey]:
    """Return the open keys called ``name``, newest last; KeyFileError when there is none."""
    opening = [entry for entry in keys if entry.opens(now)]
    found = [entry for entry in opening if entry.name == name]
    if not found:
        names = ", ".join(dict.fromkeys(entry.name for entry in opening))
        raise KeyFileError(f"No open key is named {name!r}. Open keys: {names or 'none'}.")
    return found


def _made(name: str, role: Role, today: date, per_minute: int | None) -> tuple[str, StoredKey]:
    key = PREFIX + secrets.token_urlsafe(32)
    stored = StoredKey(
        name=name,
        role=role,
        sha256=hash_key(key),
        created_on=today.isoformat(),
        per_minute=per_minute,
    )
    return key, stored


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


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
    clock : callable
        Tells the time, with its zone, by which rotated keys end.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._path = path
        self._clock = clock
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
        return found if found is not None and found.opens(self._clock()) else None

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
