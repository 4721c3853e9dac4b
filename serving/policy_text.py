"""A policy with its text: what an answer was made by, and what it is made again from."""

import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from serving.policy import Policy, read_policy

SHIPPED = "policy.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPolicy:
    """A policy as it is used and as it is written."""

    policy: Policy
    text: str


def known_policy(path: Path | None) -> KnownPolicy:
    """Read a policy file; the shipped one when ``path`` is None.

    Raises
    ------
    PolicyError
        When it cannot be used.
    """
    policy = read_policy(path)
    shipped = resources.files("serving").joinpath(SHIPPED)
    return KnownPolicy(policy=policy, text=(path or shipped).read_text("utf-8"))


def parse_policy(text: str) -> Policy:
    """Return the policy that ``text`` writes down."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SHIPPED
        path.write_text(text, "utf-8")
        return read_policy(path)
