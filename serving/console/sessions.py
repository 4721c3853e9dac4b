"""Who is signed in: a signed cookie, and the token that its forms carry.

The cookie names the key and the hour at which it ends; a keyed digest over both makes it
unforgeable, so that every worker of the service knows it without a shared table. Nothing secret
is in it. A key that is revoked ends its sessions at once, since the key file is asked each time.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from serving.auth import StoredKey, read_keys

COOKIE = "rollrisk_session"
LASTS = timedelta(hours=8)
ROLE = "manager"
"""The role that opens the console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in.

    Parameters
    ----------
    name : str
        Name of the key.
    key : str
        First half of the key's stored hash: a new key of the same name does not continue it.
    ends : int
        Second of the epoch from which the session is over.
    nonce : str
        Tells two sign-ins apart.
    """

    name: str
    key: str
    ends: int
    nonce: str


def console_secret(path: Path) -> bytes:
    """Return the secret that signs cookies; made on first use, readable by its owner only."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(32))
        try:
            os.link(temporary, path)  # the first worker's secret stays
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        return path.read_bytes()


def start_session(key: StoredKey, now: datetime) -> Session:
    """Return a new session of a key.

    Examples
    --------
    >>> from datetime import UTC
    >>> key = StoredKey(name="ann", role="manager", sha256="ab" * 32, created_on="2025-01-01")
    >>> start_session(key, datetime(2025, 1, 1, tzinfo=UTC)).ends
    1735718400
    """
    ends = int((now + LASTS).timestamp())
    return Session(name=key.name, key=key.sha256[:32], ends=ends, nonce=secrets.token_urlsafe(12))


def write_cookie(session: Session, secret: bytes) -> str:
    """Return the cookie of a session."""
    body = base64.urlsafe_b64encode(json.dumps(asdict(session)).encode()).decode()
    return f"{body}.{_sign(secret, 'session', body)}"


def read_cookie(cookie: str, secret: bytes, now: datetime) -> Session | None:
    """Return the session of a cookie, None when it is not ours or over."""
    body, _, signature = cookie.rpartition(".")
    if not hmac.compare_digest(_sign(secret, "session", body).encode(), signature.encode()):
        return None
    session = Session(**json.loads(base64.urlsafe_b64decode(body)))
    return session if now.timestamp() < session.ends else None


def is_open(session: Session, keys: Path, now: datetime) -> bool:
    """Tell whether the session's key is still a manager's, not revoked and not rotated away."""
    return any(
        entry.name == session.name
        and entry.role == ROLE
        and entry.opens(now)
        and hmac.compare_digest(entry.sha256[:32], session.key)
        for entry in read_keys(keys)
    )


def form_token(session: Session, secret: bytes) -> str:
    """Return the token that the session's forms must carry."""
    return _sign(secret, "form", session.nonce)


def token_fits(token: str, session: Session, secret: bytes) -> bool:
    """Tell whether a form carried the session's token."""
    return hmac.compare_digest(form_token(session, secret).encode(), token.encode())


def _sign(secret: bytes, purpose: str, text: str) -> str:
    return hmac.new(secret, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
