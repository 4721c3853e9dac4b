"""What BentoML's API description lacks: errors as they are, keys, examples, our own names."""

import copy
from typing import Any

from serving.auth import ROUTE_ROLES
from serving.errors import CODES
from serving.examples import EXAMPLES
from serving.schemas import ErrorResponse

_STATUSES: dict[int, str] = {
    400: "The request is malformed.",
    401: "No key, or one that is not known.",
    403: "The key's role does not open the route.",
    404: "An account or an as-of date that is not at hand.",
    413: "Too many accounts, rows or bytes.",
    422: "Ledger rows that break the contract, or hold what must not be sent.",
    500: "Something failed in the service.",
    503: "No model or snapshot yet.",
}
_SUFFIX = "IODescriptor"
_REQUESTS: dict[str, tuple[str, ...]] = {
    "/v1/score": ("score", "score_rows"),
    "/v1/worklist": ("worklist",),
    "/v1/explain": ("explain",),
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
    error = ErrorResponse.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(error.pop("$defs"))
    schemas["ErrorResponse"] = error
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for route, names in _REQUESTS.items():
        _complete_route(done["paths"][route]["post"], route, names)
    return done


def _complete_route(operation: dict[str, Any], route: str, names: tuple[str, ...]) -> None:
    roles = ", ".join(sorted(ROUTE_ROLES[route]))
    text = " ".join(str(operation.get("description", "")).split())
    operation["description"] = f"{text} Roles: {roles}."
    operation["security"] = [{"bearer": []}, {"key": []}]
    body = operation["requestBody"]["content"]["application/json"]
    body["examples"] = {name: {"value": EXAMPLES[name]} for name in names}
    content = {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}
    answers = {"200": operation["responses"]["200"]}
    for status, description in _STATUSES.items():
        answers[str(status)] = {
            "description": f"`{CODES[status]}`: {description}",
            "content": {"application/json": content},
        }
    operation["responses"] = answers


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
