"""What a worker holds and how soon it serves, with a large snapshot."""

from pathlib import Path
from typing import Any

from models.home import Home


def store_figures(home: Home, folder: Path, items: int) -> dict[str, Any]:
    """Return seconds and memory."""
    raise NotImplementedError
