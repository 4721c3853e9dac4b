"""Bearer tokens of an OpenID Connect issuer, let in besides keys where one is named.

The issuer's keys are found through its discovery document and kept; an unknown key id asks
for them again, at most once a minute, so that made-up tokens make no traffic. Only signatures
with asymmetric keys count, and a token must say who, by whom, for whom and until when.
PyJWT checks them; it comes with the extra ``oidc``.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx

from serving.auth import ROLES, Role
from serving.errors import ApiError
from serving.settings import Issuer, SettingsError

if TYPE_CHECKING:
    import jwt

logger = logging.getLogger("rollrisk.oidc")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
LEEWAY_SECONDS = 30
REFETCH_SECONDS = 60
RETRY_SECONDS = 5
"""How long an issuer that did not answer is left alone."""

TIMEOUT_SECONDS = 5

_DISCOVERY = "/.well-known/openid-configuration"


class TokenVerifier:
    """Checks the tokens of one issuer; usable from several threads.

    Parameters
    ----------
    issuer : Issuer
        Whose tokens.

    Raises
    ------
    SettingsError
        When PyJWT is not installed.
    """

    def __init__(self, issuer: Issuer) -> None:
        try:
            import jwt  # noqa: PLC0415 (an extra)
        except ImportError as error:
            raise SettingsError(
                "ROLLRISK_OIDC_ISSUER needs PyJWT. Install rollrisk with the extra oidc: "
                "pip install 'rollrisk[oidc]'."
            ) from error
        self._jwt = jwt
        self._issuer = issuer
        self._keys: dict[str, jwt.PyJWK] = {}
        self._next_fetch = 0.0
        self._away = False
        self._lock = threading.Lock()

    def verify(self, token: str) -> tuple[str, Role]:
        """Return the caller's name, ``oidc:`` and the subject, and the highest role it has.

        Raises
        ------
        ApiError
            401 for a token that does not count, 403 for one without a role, 503 when the
            issuer does not answer.
        """
        try:
            key = self._key(self._jwt.get_unverified_header(token).get("kid"))
            claims: dict[str, Any] = self._jwt.decode(
                token,
                key=key,
                algorithms=ALGORITHMS,
                audience=self._issuer.audience,
                issuer=self._issuer.url,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (self._jwt.PyJWTError, ValueError) as error:
            raise ApiError(
                401,
                "unauthenticated",
                f"The token does not count here ({type(error).__name__}). Get a new one from "
                f"{self._issuer.url} for the audience {self._issuer.audience}.",
            ) from error
        return f"oidc:{claims['sub']}", self._role(claims)

    def _role(self, claims: dict[str, Any]) -> Role:
        held = claims.get(self._issuer.role_claim, [])
        held = [held] if isinstance(held, str) else held
        roles = [role for role in ROLES if isinstance(held, list) and role in held]
        if not roles:
            raise ApiError(
                403,
                "forbidden",
                f"The token's claim {self._issuer.role_claim} holds no role. Roles: "
                f"{', '.join(ROLES)}.",
            )
        return roles[-1]

    def _key(self, key_id: object) -> "jwt.PyJWK":
        with self._lock:
            if key_id not in self._keys and time.monotonic() >= self._next_fetch:
                self._refresh()
            key = self._keys.get(key_id) if isinstance(key_id, str) else None
        if key is None and self._away:
            raise ApiError(
                503,
                "issuer_unavailable",
                f"The keys of {self._issuer.url} could not be read. Try again, or ask with a key.",
            )
        if key is None:
            raise self._jwt.InvalidKeyError("unknown key id")
        return key

    def _refresh(self) -> None:
        """Read the issuer's signing keys; those at hand stay where it does not answer."""
        url = self._issuer.url
        try:
            keys = self._jwt.PyJWKSet.from_dict(_json(_keys_address(url))).keys
        except (httpx.HTTPError, KeyError, TypeError, ValueError, self._jwt.PyJWTError) as error:
            logger.warning("The keys of %s could not be read: %s.", url, error)
            self._away = True
            self._next_fetch = time.monotonic() + RETRY_SECONDS
            return
        self._away = False
        self._next_fetch = time.monotonic() + REFETCH_SECONDS
        self._keys = {str(key.key_id): key for key in keys if key.public_key_use in (None, "sig")}


def _keys_address(issuer: str) -> str:
    """Return where the issuer says that its keys are, never less protected than itself."""
    found = _json(issuer.rstrip("/") + _DISCOVERY)
    if found.get("issuer") != issuer:
        raise ValueError(f"its discovery document names {found.get('issuer')!r}")
    address = httpx.URL(str(found["jwks_uri"]))
    if address.scheme != httpx.URL(issuer).scheme:
        raise ValueError(f"its keys are at {address.scheme}, not where it is")
    return str(address)


def _json(address: str) -> dict[str, Any]:
    response = httpx.get(address, timeout=TIMEOUT_SECONDS, follow_redirects=False)
    response.raise_for_status()
    content = response.json()
    if not isinstance(content, dict):
        raise TypeError(f"{address} is no JSON object")
    return content
