"""Tokens of a real local issuer open what their role opens; all others open nothing."""

import asyncio
import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from models.home import Home
from serving.auth_oidc import REFETCH_SECONDS, TokenVerifier
from serving.errors import ApiError
from serving.settings import Issuer, Settings

jwt = pytest.importorskip("jwt", reason="PyJWT is not installed: pip install 'rollrisk[oidc]'")


class LocalIssuer:
    """Publishes its keys over HTTP and signs tokens."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"k1": rsa.generate_private_key(65537, 2048)}
        self.asked = 0
        self.status = 200
        self.named = ""
        issuer = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps(issuer.page(self.path)).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 (the server's)
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.url = f"http://127.0.0.1:{self.server.server_port}/realm"

    def page(self, path: str) -> dict[str, Any]:
        """Return the discovery document or the keys."""
        if path.endswith("openid-configuration"):
            return {"issuer": self.named or self.url, "jwks_uri": f"{self.url}/keys"}
        kinds = {"k1": jwt.algorithms.RSAAlgorithm, "k2": jwt.algorithms.ECAlgorithm}
        return {
            "keys": [
                json.loads(kinds[name].to_jwk(key.public_key())) | {"kid": name, "use": "sig"}
                for name, key in self.keys.items()
            ]
        }

    def token(self, key_id: str = "k1", algorithm: str = "RS256", **changes: Any) -> str:  # noqa: ANN401
        """Return a token; a claim given as None is left out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "rollrisk",
            "sub": "kim",
            "iat": now,
            "exp": now + 300,
            "roles": ["analyst", "something-else"],
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.keys[key_id]
        token: str = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": key_id})
        return token


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    """An issuer on loopback."""
    made = LocalIssuer()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def verifier(issuer: LocalIssuer) -> TokenVerifier:
    """Return a verifier of the issuer's tokens."""
    return TokenVerifier(Issuer(url=issuer.url))


def refused(checker: TokenVerifier, token: str, status: int) -> str:
    """Return the message of a refusal after checking its status."""
    with pytest.raises(ApiError) as error:
        checker.verify(token)
    assert error.value.status == status
    return error.value.message


def test_a_good_token_gives_name_and_highest_role(issuer: LocalIssuer) -> None:
    """The keys are read once for many tokens."""
    checker = verifier(issuer)
    assert checker.verify(issuer.token()) == ("oidc:kim", "analyst")
    assert checker.verify(issuer.token(roles="manager")) == ("oidc:kim", "manager")
    assert checker.verify(issuer.token(roles=["scorer", "manager"])) == ("oidc:kim", "manager")
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"iss": "https://id.example"},
        {"aud": "another"},
        {"aud": None},
        {"nbf": int(time.time()) + 3600},
    ],
)
def test_a_token_must_say_who_by_whom_for_whom_and_until_when(
    issuer: LocalIssuer, changes: dict[str, Any]
) -> None:
    """Each claim alone can refuse it."""
    assert "does not count here" in refused(verifier(issuer), issuer.token(**changes), 401)


def test_only_the_issuers_own_signature_counts(issuer: LocalIssuer) -> None:
    """No unsigned token, no shared secret made of the public key, no other key, no garbage."""
    checker = verifier(issuer)
    head, claims, signature = issuer.token().split(".")
    public = json.dumps(issuer.page("/keys")["keys"][0]).encode()
    shared = base64.urlsafe_b64encode(b'{"alg": "HS256", "kid": "k1"}').decode().rstrip("=")
    mac = hmac.digest(public, f"{shared}.{claims}".encode(), "sha256")
    forged = f"{shared}.{claims}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    unsigned = jwt.encode({"sub": "kim"}, None, algorithm="none", headers={"kid": "k1"})
    flipped = f"{head}.{claims}.{'A' * 8 if signature[:8] != 'A' * 8 else 'B' * 8}{signature[8:]}"
    own, issuer.keys["k1"] = issuer.keys["k1"], rsa.generate_private_key(65537, 2048)
    foreign, issuer.keys["k1"] = issuer.token(), own
    for token in (forged, unsigned, flipped, foreign, "a.b.c", ".."):
        refused(checker, token, 401)
    assert checker.verify(issuer.token()) == ("oidc:kim", "analyst")


def test_a_token_without_a_role_is_known_and_opens_nothing(issuer: LocalIssuer) -> None:
    """403, with the roles there are."""
    for roles in (None, [], "king", {"analyst": 1}, 5):
        assert "scorer" in refused(verifier(issuer), issuer.token(roles=roles), 403)


def test_new_keys_are_found_and_made_up_ones_make_no_traffic(
    issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown key id asks the issuer again, at most once a minute."""
    checker = verifier(issuer)
    checker.verify(issuer.token())
    issuer.keys["k2"] = ec.generate_private_key(ec.SECP256R1())
    for _ in range(5):
        refused(checker, issuer.token("k2", "ES256"), 401)
    assert issuer.asked == 2
    later = time.monotonic() + REFETCH_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert checker.verify(issuer.token("k2", "ES256")) == ("oidc:kim", "analyst")


def test_an_issuer_that_is_away_stops_only_what_needs_it(issuer: LocalIssuer) -> None:
    """503 for a first token; tokens under keys at hand go on; a false name is no issuer."""
    checker = verifier(issuer)
    issuer.status = 500
    assert "could not be read" in refused(checker, issuer.token(), 503)
    other = verifier(issuer)
    issuer.status = 200
    other.verify(issuer.token())
    issuer.status = 500
    assert other.verify(issuer.token()) == ("oidc:kim", "analyst")
    issuer.status, issuer.named = 200, "https://id.example"
    refused(verifier(issuer), issuer.token(), 503)


def test_the_gate_takes_tokens_and_keys(issuer: LocalIssuer, tmp_path: Path) -> None:
    """A token opens what its role opens, and its name is in the audit."""
    from datetime import date

    from serving.auth import create_key
    from serving.middleware import Gate
    from tests.serving.test_middleware import JSON, Inner, ask

    key = create_key(tmp_path / "keys.json", "erp", "scorer", today=date(2025, 1, 1))
    settings = Settings(home=Home(path=tmp_path), issuer=Issuer(url=issuer.url))
    inner = Inner()
    gate = Gate(inner, settings_from=lambda: settings)
    for presented, caller, route, status in (
        (issuer.token(), "oidc:kim", "/v1/worklist", 200),
        (issuer.token(roles="scorer"), "", "/v1/worklist", 403),
        (key, "erp", "/v1/score", 200),
        (issuer.token(exp=1), "", "/v1/score", 401),
    ):
        inner.caller = ""
        headers = {"authorization": f"Bearer {presented}", **JSON}
        assert ask(gate, route, headers=headers)[0] == status
        assert inner.caller == caller


def test_verifying_does_not_hold_up_other_requests(issuer: LocalIssuer) -> None:
    """Many threads share one verifier and one set of keys."""
    checker = verifier(issuer)

    async def many() -> list[tuple[str, str]]:
        tokens = [issuer.token(sub=str(n)) for n in range(8)]
        return await asyncio.gather(*(asyncio.to_thread(checker.verify, t) for t in tokens))

    assert [name for name, _ in asyncio.run(many())] == [f"oidc:{n}" for n in range(8)]
    assert issuer.asked == 2
