"""The page of the HTTP service: routes, roles, settings, refusals."""

from serving.auth import ROLES, ROUTE_ROLES
from serving.errors import CODES
from serving.settings import VARIABLES

ROUTES = {
    "/v1/score": "scores of accounts in the snapshot, or of ledger rows sent along",
    "/v1/worklist": "whom to work first, lane by lane; pages by cursor",
    "/v1/explain": "why an account scores as it does, why it moved, what would change it",
    "/v1/outcomes": "what collectors did, decided otherwise, or put off",
    "/metrics": "gauges and counters for Prometheus; beyond loopback with a key",
}

WORDS = """\
`rollrisk serve` answers on loopback; beyond it, it asks for at least one key (`rollrisk keys`).
Requests carry a key or, where an issuer is set, an OpenID Connect token as
`Authorization: Bearer …`. `/docs.json` is the whole OpenAPI document, `serving/client.py` a typed
Python client. `/livez` says that the process runs, `/readyz` that a snapshot, its model and the
audit store are there.

An `Idempotency-Key` header makes a repeated request get the first answer again. An answer that
gives scores out leaves once its row is in the audit store; `rollrisk replay REQUEST_ID` makes it
again to the bit or says what is gone. `rollrisk prune` deletes beyond the retention, `rollrisk
forget ACCOUNT` erases an account and says what remains in the ledger and why.

Prometheus finds under `/metrics`, beside BentoML's own, seconds by route and stage
(`rollrisk_stage_seconds`: `answer`, and within it `look_up`, or `validate`, `features`, `score`,
`explain` and `rank` for rows sent; `encode`; `audit`), scores by bucket, fallbacks, holds, how long
the newest answer waited for its audit row (`rollrisk_audit_lag_seconds`), answers withheld, and
garbage collections that stopped everybody.

With `ROLLRISK_TRACES_URL` every request of the API has a server span of OpenTelemetry with its
request id (`rollrisk.request_id`) and no caller, key or account; a `traceparent` is taken up.
The console's pages are not traced. The package that sends spans is the extra `tracing`.

Rates are counted per worker process. Access logs are JSON lines with the request's id; they hold
paths, and no bodies or keys.
"""


def service_page() -> str:
    """Return routes, roles, settings and refusals as Markdown."""
    lines = ["# Service", "", "Made from `serving/` by `make pages`.", "", *WORDS.splitlines()]
    lines += ["", "## Routes", "", "| route | gives | " + " | ".join(ROLES) + " |"]
    lines += ["|---|---|" + "---|" * len(ROLES)]
    for route, roles in ROUTE_ROLES.items():
        opens = " | ".join("yes" if role in roles else "" for role in ROLES)
        lines.append(f"| `{route}` | {ROUTES[route]} | {opens} |")
    lines += ["", "The console's pages need a manager's sign-in.", ""]
    lines += ["## Settings", "", "Environment variables; an unknown one is refused.", ""]
    lines += ["| variable | decides |", "|---|---|"]
    lines += [f"| `{name}` | {words} |" for name, words in VARIABLES.items()]
    lines += ["", "## Refusals", ""]
    lines += ['`{"error": {"code", "message", "details": [{"where", "rule", "value"}]}}`', ""]
    lines += ["| status | code, where nothing more precise is known |", "|---|---|"]
    lines += [f"| {status} | `{code}` |" for status, code in CODES.items()]
    return "\n".join(lines) + "\n"
