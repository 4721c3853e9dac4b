"""The model registry: the only module of this package that knows MLflow.

A registered version is a bundle (text and JSON) logged as a model-from-code. Reading one
never unpickles anything: the bundle's files are read directly.
"""

import contextlib
import fcntl
import io
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.bundle import Bundle, BundleError, read_bundle, write_bundle
from models.champion_moves import as_pending, fitting, next_key, read_moves, reign, unsettled
from models.home import TRACKING_VARIABLE, Home
from models.moved_home import follow_move
from models.scorer import CUTS, needed_names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature

NAME = "roll-risk"
CHAMPION, CHALLENGER = "champion", "challenger"
VERDICT_TAG = "gate_verdict"
LEDGER_TAG = "ledger_folder"
"""Tag of a version: the folder of the ledger that it was trained on."""

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
            pip_requirements=[f"rollrisk=={installed('rollrisk')}"],
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
        What the log says beside it; of a very long reason the start.
    """
    with _one_move_at_a_time(home):
        entry = {"move": "promote", "version": version, "at": at, "who": who, "why": why}
        _move_champion(home, entry)


def champion_log(home: Home) -> list[dict[str, str]]:
    """Return every move of the ``champion`` alias, oldest first."""
    return read_moves(_model_tags(home), alias_version(home, CHAMPION))


def was_champion(home: Home, version: str) -> bool:
    """Return whether a version is champion or ever was."""
    champion = alias_version(home, CHAMPION)
    return version == champion or any(move["version"] == version for move in champion_log(home))


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
    with _one_move_at_a_time(home):
        champions = reign(champion_log(home), alias_version(home, CHAMPION))
        if len(champions) < 2:
            raise NoModelError(
                "There was no champion before this one. `rollrisk promote --version V` makes one."
            )
        before, present = champions[-2:]
        entry = {"move": "roll back", "version": before, "at": at, "who": who, "why": why}
        _move_champion(home, entry)
    return present, before


def _move_champion(home: Home, entry: Mapping[str, str]) -> None:
    """Write a move as pending, move the alias, and take the mark off."""
    client, tags, move = connect(home), _model_tags(home), fitting(entry)
    for key, text in unsettled(tags, alias_version(home, CHAMPION)).items():
        client.set_registered_model_tag(NAME, key, text)
    key = next_key(tags)
    client.set_registered_model_tag(NAME, key, as_pending(move))
    client.set_registered_model_alias(NAME, CHAMPION, move["version"])
    client.set_registered_model_tag(NAME, key, json.dumps(move))


@contextlib.contextmanager
def _one_move_at_a_time(home: Home) -> Iterator[None]:
    """Wait until no other process of this home moves the champion."""
    home.path.mkdir(parents=True, exist_ok=True)
    with (home.path / "champion.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _model_tags(home: Home) -> dict[str, str]:
    """Return the tags of the registered model; none where nothing is registered."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (slow to import)

    try:
        return dict(connect(home).get_registered_model(NAME).tags)
    except MlflowException as error:
        if not _says_absent(error):
            raise
        return {}


def _says_absent(error: "MlflowException") -> bool:
    """Return whether MLflow says that something is not there, and not that it cannot tell."""
    return error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}


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


def recorded_ledger(home: Home, version: str) -> Path | None:
    """Return the folder of the ledger that a version was trained on, where it was recorded."""
    tags = connect(home).get_model_version(NAME, version).tags
    return Path(tags[LEDGER_TAG]) if LEDGER_TAG in tags else None


def alias_version(home: Home, alias: str) -> str | None:
    """Return the version an alias points at, None when nothing is registered under it."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (slow to import)

    try:
        return str(connect(home).get_model_version_by_alias(NAME, alias).version)
    except MlflowException as error:
        if not _says_absent(error):
            raise
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
