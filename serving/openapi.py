"""What BentoML's API description lacks: errors as they are, keys, examples, our own names."""

import copy
from typing import Any

from pydantic import BaseModel

from serving.auth import ROUTE_ROLES
from serving.errors import CODES
from serving.examples import EXAMPLES
from serving.schemas import (
    ErrorResponse,
    ExplainRequest,
    OutcomesRequest,
    OutcomesResponse,
    ScoreRequest,
    ScoreResponse,
    WorklistRequest,
    WorklistResponse,
)
from serving.schemas_explain import ExplainResponse

_STATUSES: dict[int, str] = {
    400: "The request is malformed.",
    401: "No key, or one that is not known.",
    403: "The key's role does not open the route.",
    404: "An account or an as-of date that is not at hand.",
    408: "The body arrived too slowly.",
    409: "`stale_cursor`: the list has changed since the page before.",
    413: "Too many accounts, rows or bytes.",
    422: "Ledger rows or records that break the contract (`ledger_contract`, `feedback`), or hold "
    "what must not be sent (`sensitive_data`); an idempotency key used for another request "
    "(`idempotency_mismatch`).",
    429: "The caller asks too often; the header Retry-After says when it may again.",
    500: "Something failed in the service.",
    503: "No model or snapshot yet; the answer took too long (`time_budget`), or could not be "
    "recorded (`audit_unavailable`). Try again.",
}
_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Names this request: asked again with the same key, it gets the first "
        "answer again, byte for byte, and leaves no second row in the audit store.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        "example": "0f8fad5b-d9cb-469f-a165-708867281950",
    },
    {
        "name": "X-Request-ID",
        "in": "header",
        "required": False,
        "description": "A name for the request in answer, log and audit store; made up when left "
        "out or of another form.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
]
_ANSWER_HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "Names the answer; `rollrisk replay` makes it again.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true` when an idempotency key gave an earlier answer again.",
        "schema": {"type": "string"},
    },
}
_SUFFIX = "IODescriptor"
_MODELS: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "/v1/score": (ScoreRequest, ScoreResponse),
    "/v1/worklist": (WorklistRequest, WorklistResponse),
    "/v1/explain": (ExplainRequest, ExplainResponse),
    "/v1/outcomes": (OutcomesRequest, OutcomesResponse),
}
_REQUESTS: dict[str, tuple[str, ...]] = {
    "/v1/score": ("score", "score_rows"),
    "/v1/worklist": ("worklist",),
    "/v1/explain": ("explain",),
    "/v1/outcomes": ("outcomes",),
}


def complete_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Return BentoML's OpenAPI description with what a caller needs besides.

    Every error response has the one error shape, every route under ``/v1/`` names its keys,
    roles and request examples, and models bear the names they have in ``serving.schemas``.
    """
    done: dict[str, Any] = _renamed(copy.deepcopy(spec))
    done["info"].pop("contact", None)
    done["info"]["title"] = "rollrisk"
    done["info"]["description"] = (
        "Which open invoices will roll to an older ageing bucket, why, and what to do about it."
    )
    components = done.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= _schemas(ErrorResponse)
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key, or a token of the OpenID Connect issuer where one is set.",
        },
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key."},
    }
    for route, names in _REQUESTS.items():
        asked, given = _MODELS[route]
        schemas |= _schemas(asked) | _schemas(given)
        operation = done["paths"][route]["post"]
        _complete_route(operation, route, names)
        # BentoML's own schemas say of a field that may be null that it may not.
        body = operation["requestBody"]["content"]["application/json"]
        body["schema"] = schemas[asked.__name__]
        answer = {"schema": schemas[given.__name__]}
        operation["responses"]["200"]["content"] = {"application/json": answer}
    return done


def _complete_route(operation: dict[str, Any], route: str, names: tuple[str, ...]) -> None:
    roles = ", ".join(sorted(ROUTE_ROLES[route]))
    text = " ".join(str(operation.get("description", "")).split())
    operation["description"] = f"{text} Roles: {roles}."
    operation["security"] = [{"bearer": []}, {"key": []}]
    operation["parameters"] = copy.deepcopy(_PARAMETERS)
    body = operation["requestBody"]["content"]["application/json"]
    body["examples"] = {name: {"value": EXAMPLES[name]} for name in names}
    content = {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}
    answers = {"200": {**operation["responses"]["200"], "headers": _ANSWER_HEADERS}}
    for status, description in _STATUSES.items():
        answers[str(status)] = {
            "description": f"`{CODES[status]}`: {description}",
            "content": {"application/json": content},
        }
    answers["429"]["headers"] = {
        "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
    }
    operation["responses"] = answers


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schemas of a model and of all it is made of, by name."""
    own = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**own.pop("$defs", {}), model.__name__: own}


def _renamed(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """Return ``value`` without BentoML's suffix on model names and its own schema keys."""
    if isinstance(value, dict):
        return {
            key.removesuffix(_SUFFIX): _renamed(entry)
            for key, entry in value.items()
            if key != "root_input"
        }
    if isinstance(value, list):
        return [_renamed(entry) for entry in value]
    return value.removesuffix(_SUFFIX) if isinstance(value, str) else value
