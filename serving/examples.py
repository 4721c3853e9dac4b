"""Examples of requests and answers, as ``/docs.json`` shows them; lists are cut short.

The examples stand in ``examples.json``; the tests hold every one to its schema.
"""

import json
from importlib import resources
from typing import Any

EXAMPLES: dict[str, Any] = json.loads(
    resources.files("serving").joinpath("examples.json").read_text("utf-8")
)
