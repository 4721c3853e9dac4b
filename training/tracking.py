"""Log a training to MLflow: parameters, metrics beside the baselines, plots, lineage."""

import tempfile
from pathlib import Path

from features.catalogue import MODEL_FEATURES
from models.home import Home
from models.registry import CHAMPION, Registered, alias_version, connect, register_bundle
from training.plots import draw_reliability
from training.recipe import MODEL, Trained

EXPERIMENT = "roll-risk"


def log_training(home: Home, trained: Trained) -> Registered:
    """Log ``trained`` as a run and register its bundle as challenger.

    Returns
    -------
    Registered
        The new version and its run.
    """
    client = connect(home)
    import mlflow  # noqa: PLC0415 (slow to import)

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        location = home.artifacts.resolve().as_uri()
        client.create_experiment(EXPERIMENT, artifact_location=location)
    mlflow.set_experiment(EXPERIMENT)
    facts = trained.bundle.facts
    with mlflow.start_run(run_name=f"train {facts['trained_until']}") as run:
        mlflow.set_tags(
            {
                "ledger_digest": facts["ledger_digest"],
                "feature_digest": trained.bundle.feature_digest,
                "bundle_digest": trained.bundle.version,
            }
        )
        mlflow.log_params(
            _flat(facts["config"]) | {f"rounds.{k}": v for k, v in trained.choices.rounds.items()}
        )
        for name, figures in trained.metrics.items():
            prefix = "" if name == MODEL else name.replace(" ", "_").replace("-", "_") + "."
            mlflow.log_metrics({f"{prefix}{key}": value for key, value in figures.items()})
        mlflow.log_dict(
            {feature.name: feature.sentence for feature in MODEL_FEATURES}, "feature_schema.json"
        )
        mlflow.log_dict({"windows": facts["windows"], "rows": facts["rows"]}, "data.json")
        with tempfile.TemporaryDirectory() as folder:
            plot = draw_reliability(
                trained.test.target("step_1"), trained.probabilities, Path(folder)
            )
            mlflow.log_artifact(str(plot), "plots")
        run_id = run.info.run_id
    return register_bundle(home, trained.bundle, run_id)


def has_champion(home: Home) -> bool:
    """Return whether a champion is registered."""
    return alias_version(home, CHAMPION) is not None


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
