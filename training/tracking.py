"""Log a training to MLflow: parameters, metrics beside the baselines, plots, lineage.

What is logged is first written to a folder, from which it can be logged at any later time: a
training that took an hour is not lost with a database that was away for a minute.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.catalogue import MODEL_FEATURES
from models.bundle import read_bundle, write_bundle
from models.card import card_html, card_markdown, model_card
from models.home import Home
from models.registry import (
    CHAMPION,
    LEDGER_TAG,
    Registered,
    alias_version,
    connect,
    register_bundle,
)
from training.config import TrainingConfig
from training.plots import draw_reliability
from training.recipe import MODEL, Trained

EXPERIMENT = "roll-risk"

_MODEL, _FILES = "model", "files"


def config_digest(config: TrainingConfig) -> str:
    """Return the digest of a configuration, 16 hexadecimal digits.

    Examples
    --------
    >>> from dataclasses import replace
    >>> config = TrainingConfig()
    >>> config_digest(config) == config_digest(replace(config, seed=1))
    False
    """
    text = json.dumps(config.to_json(), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_training(trained: Trained, folder: Path) -> None:
    """Write what is logged of a training to ``folder``, all of it or nothing.

    ``model`` holds the bundle, ``files`` what goes beside it: the model card, the feature schema,
    the windows and a reliability plot.
    """
    facts = trained.bundle.facts
    temporary = folder.with_name(f".{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    files = temporary / _FILES
    (files / "plots").mkdir(parents=True)
    write_bundle(trained.bundle, temporary / _MODEL)
    draw_reliability(trained.test.target("step_1"), trained.probabilities, files / "plots")
    card = model_card(trained.bundle)
    for name, text in (
        ("feature_schema.json", _json({entry.name: entry.sentence for entry in MODEL_FEATURES})),
        ("data.json", _json({"windows": facts["windows"], "rows": facts["rows"]})),
        ("model_card.md", card_markdown(card)),
        ("model_card.html", card_html(card)),
    ):
        (files / name).write_text(text, "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def log_training(
    home: Home,
    folder: Path,
    *,
    ledger_folder: Path | None = None,
    tags: Mapping[str, str] | None = None,
) -> Registered:
    """Log a written training as a run and register its bundle as challenger.

    Parameters
    ----------
    home : Home
        Whose store.
    folder : Path
        From ``write_training``.
    ledger_folder : Path
        Where the ledger stands that was trained on; None for a ledger in memory. The gate looks
        for it there.
    tags : mapping
        Further tags of the run and the version.

    Returns
    -------
    Registered
        The new version and its run.
    """
    client = connect(home)
    import mlflow  # noqa: PLC0415 (slow to import)

    if client.get_experiment_by_name(EXPERIMENT) is None:
        location = home.artifacts.resolve().as_uri()
        client.create_experiment(EXPERIMENT, artifact_location=location)
    mlflow.set_experiment(EXPERIMENT)
    bundle = read_bundle(folder / _MODEL)
    facts = bundle.facts
    lineage = {
        "ledger_digest": str(facts["ledger_digest"]),
        "config_digest": str(facts["config_digest"]),
        "feature_digest": bundle.feature_digest,
        "bundle_digest": bundle.version,
        **({} if ledger_folder is None else {LEDGER_TAG: str(ledger_folder.resolve())}),
        **(tags or {}),
    }
    with mlflow.start_run(run_name=f"train {facts['trained_until']}") as run:
        mlflow.set_tags(lineage)
        mlflow.log_input(_dataset(facts), context="training")
        mlflow.log_params(
            _flat(facts["config"]) | {f"rounds.{k}": v for k, v in facts["rounds"].items()}
        )
        for name, figures in facts["metrics"].items():
            prefix = "" if name == MODEL else name.replace(" ", "_").replace("-", "_") + "."
            mlflow.log_metrics({f"{prefix}{key}": value for key, value in figures.items()})
        mlflow.log_artifacts(str(folder / _FILES))
        run_id = run.info.run_id
    return register_bundle(home, bundle, run_id, tags=lineage)


def has_champion(home: Home) -> bool:
    """Return whether a champion is registered."""
    return alias_version(home, CHAMPION) is not None


def _dataset(facts: Mapping[str, Any]) -> Any:  # noqa: ANN401 (MLflow's own class)
    """Return the ledger as MLflow's record of a dataset: its digest and the dates taken from it."""
    from mlflow.data.code_dataset_source import CodeDatasetSource  # noqa: PLC0415 (slow to import)
    from mlflow.data.meta_dataset import MetaDataset  # noqa: PLC0415

    digest = str(facts["ledger_digest"])
    source = CodeDatasetSource(
        tags={"ledger_digest": digest, "trained_until": str(facts["trained_until"])}
    )
    return MetaDataset(source=source, name="ledger", digest=digest[:36])  # type: ignore[abstract]


def _json(value: object) -> str:
    return json.dumps(value, indent=1, default=str) + "\n"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
