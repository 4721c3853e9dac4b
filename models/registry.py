"""The model registry: the only module of this package that knows MLflow.

A registered version is a bundle (text and JSON) logged as a model-from-code. Reading one
never unpickles anything: the bundle's files are read directly.
"""

import contextlib
import io
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.bundle import Bundle, BundleError, read_bundle, write_bundle
from models.home import TRACKING_VARIABLE, Home
from models.moved_home import follow_move
from models.scorer import CUTS, needed_names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

NAME = "roll-risk"
CHAMPION, CHALLENGER = "champion", "challenger"
VERDICT_TAG = "gate_verdict"
MAX_LOG = 200
"""Moves of the champion that are remembered."""

_LOG = "champion_log"
_REQUIREMENTS = ["rollrisk"]
_SCRIPT = Path(__file__).with_name("pyfunc_model.py")


class NoModelError(LookupError):
    """No model is registered, or not the one asked for; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version in the registry: its number and the run it came from."""

    version: str
    run_id: str


def connect(home: Home) -> "MlflowClient":
    """Return a client of the home's MLflow store; makes the store on first use.

    Where the home was moved, its addresses follow (see ``models.moved_home``).
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow  # noqa: PLC0415 (slow to import)

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    home.path.mkdir(parents=True, exist_ok=True)
    address, given = home.tracking_uri, os.environ.get(TRACKING_VARIABLE)
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    # MLflow writes its address to the environment, where the next home would take it for one
    # that the user gave: two homes in one process would share the first one's models.
    if given is None:
        os.environ.pop(TRACKING_VARIABLE, None)
        follow_move(home)
    return mlflow.MlflowClient(tracking_uri=address, registry_uri=address)


def register_bundle(
    home: Home, bundle: Bundle, run_id: str, *, tags: Mapping[str, str] | None = None
) -> Registered:
    """Log ``bundle`` into a run and register it as the newest version and challenger.

    The version appears in one step, tags included, when all its files are stored: whatever
    breaks before leaves a run without a version, never a version without its model.
    """
    client = connect(home)
    import mlflow  # noqa: PLC0415 (slow to import)

    with tempfile.TemporaryDirectory() as folder, _quiet(), mlflow.start_run(run_id=run_id):
        write_bundle(bundle, Path(folder) / "bundle")
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(_SCRIPT),
            artifacts={"bundle": str(Path(folder) / "bundle")},
            pip_requirements=_REQUIREMENTS,
            signature=_signature(bundle),
        )
        made = mlflow.register_model(info.model_uri, NAME, tags=dict(tags or {}))
    version = str(made.version)
    client.set_registered_model_alias(NAME, CHALLENGER, version)
    return Registered(version=version, run_id=run_id)


def _signature(bundle: Bundle) -> "ModelSignature":
    """Return what the model takes and gives: every number is a double, so that it may be NaN.

    MLflow drops columns that are not named here.
    """
    from mlflow.models import ModelSignature  # noqa: PLC0415 (slow to import)
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415

    inputs: list[Any] = [ColSpec("double", name) for name in needed_names(bundle)]
    inputs += [
        ColSpec("datetime", "as_of", required=False),
        ColSpec("string", "segment", required=False),
        ColSpec("string", "region", required=False),
        ColSpec("boolean", "residual", required=False),
    ]
    outputs: list[Any] = [ColSpec("double", f"p_open_{days}") for days in CUTS]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def find_version(home: Home, tag: str, value: str) -> str | None:
    """Return the newest version whose tag has a value, None when there is none."""
    versions = connect(home).search_model_versions(f"name = '{NAME}'")
    numbers = [int(version.version) for version in versions if version.tags.get(tag) == value]
    return str(max(numbers)) if numbers else None


def make_challenger(home: Home, version: str) -> None:
    """Move the ``challenger`` alias to ``version``."""
    connect(home).set_registered_model_alias(NAME, CHALLENGER, version)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's advice on type hints and its success messages off the terminal."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def make_champion(home: Home, version: str, *, at: str = "", who: str = "", why: str = "") -> None:
    """Move the ``champion`` alias to ``version`` and write the move into the registry's log.

    Parameters
    ----------
    home : Home
        Whose registry.
    version : str
        The new champion.
    at, who, why : str
        What the log says beside it.
    """
    client = connect(home)
    client.set_registered_model_alias(NAME, CHAMPION, version)
    entry = {"move": "promote", "version": version, "at": at, "who": who, "why": why}
    _write_log(client, [*champion_log(home), entry])


def champion_log(home: Home) -> list[dict[str, str]]:
    """Return every move of the ``champion`` alias, oldest first."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (slow to import)

    try:
        tags = connect(home).get_registered_model(NAME).tags
    except MlflowException:
        return []
    entries: list[dict[str, str]] = json.loads(tags.get(_LOG, "[]"))
    return entries


def roll_back(home: Home, *, at: str = "", who: str = "", why: str = "") -> tuple[str, str]:
    """Make the champion before the present one champion again.

    Returns
    -------
    pair of str
        The version that served and the one that serves now. Rolling back again goes one further.

    Raises
    ------
    NoModelError
        When there was no champion before.
    """
    log = champion_log(home)
    stack: list[str] = []
    for entry in log:
        if entry["move"] == "roll back":
            stack.pop()
        elif not stack or stack[-1] != entry["version"]:
            stack.append(entry["version"])
    if len(stack) < 2:
        raise NoModelError(
            "There was no champion before this one. `rollrisk promote --version V` makes one."
        )
    client = connect(home)
    client.set_registered_model_alias(NAME, CHAMPION, stack[-2])
    entry = {"move": "roll back", "version": stack[-2], "at": at, "who": who, "why": why}
    _write_log(client, [*log, entry])
    return stack[-1], stack[-2]


def _write_log(client: "MlflowClient", log: list[dict[str, str]]) -> None:
    client.set_registered_model_tag(NAME, _LOG, json.dumps(log[-MAX_LOG:]))


def tag_version(home: Home, version: str, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    client = connect(home)
    for key, value in tags.items():
        client.set_model_version_tag(NAME, version, key, value)


def store_verdict(home: Home, version: str, verdict: str) -> None:
    """Store the JSON of a gate's verdict with a version: as a file of its run and as a tag."""
    client = connect(home)
    with _quiet():
        run = str(client.get_model_version(NAME, version).run_id)
        client.log_text(run, verdict, f"gate/version-{version}.json")
    client.set_model_version_tag(NAME, version, VERDICT_TAG, verdict)


def read_verdict(home: Home, version: str) -> dict[str, Any] | None:
    """Return the newest verdict on a version; None when the gate was never asked."""
    tags = connect(home).get_model_version(NAME, version).tags
    found: dict[str, Any] | None = json.loads(tags[VERDICT_TAG]) if VERDICT_TAG in tags else None
    return found


def alias_version(home: Home, alias: str) -> str | None:
    """Return the version an alias points at, None when nothing is registered under it."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (slow to import)

    try:
        return str(connect(home).get_model_version_by_alias(NAME, alias).version)
    except MlflowException:
        return None


def newest_version(home: Home) -> str | None:
    """Return the highest version number, None when the registry is empty."""
    versions = connect(home).search_model_versions(f"name = '{NAME}'")
    numbers = [int(version.version) for version in versions]
    return str(max(numbers)) if numbers else None


def load_model(home: Home, reference: str | None = None) -> Bundle:
    """Load the model named by ``reference``.

    Parameters
    ----------
    home : Home
        Whose registry.
    reference : str
        A bundle folder, ``models:/roll-risk/3``, ``models:/roll-risk@challenger`` or a
        version number; None for the champion, else the newest version.

    Raises
    ------
    NoModelError
        When there is no such model.
    """
    # A number is a version, whatever folders happen to stand where the command runs.
    if reference is not None and not reference.isdigit() and Path(reference).is_dir():
        return read_bundle(Path(reference))
    version = _resolve(home, reference)
    if version is None:
        raise NoModelError(
            f"No model {reference or ''} is registered in {home.path}. "
            "Train one with `rollrisk train LEDGER`."
        )
    connect(home)
    import mlflow  # noqa: PLC0415 (slow to import)
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (slow to import)

    try:
        folder = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{NAME}/{version}")
        return read_bundle(Path(folder) / "artifacts" / "bundle", version=version)
    except (MlflowException, BundleError, OSError) as error:
        raise NoModelError(
            f"Version {version} of {NAME} cannot be read ({error}). "
            "Train again with `rollrisk train LEDGER`."
        ) from error


def _resolve(home: Home, reference: str | None) -> str | None:
    if reference is None:
        return alias_version(home, CHAMPION) or newest_version(home)
    name = reference.removeprefix(f"models:/{NAME}").lstrip("/")
    if name.startswith("@"):
        return alias_version(home, name[1:])
    return name or newest_version(home)
