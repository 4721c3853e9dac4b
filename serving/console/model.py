"""The model page: which model is served, how well it did beside the baselines, and its versions."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.home import Home
from models.registry import NAME, connect
from serving.console.drift import Monitored
from serving.console.served import Served

logger = logging.getLogger("rollrisk.console")

OWN = "rollrisk"
"""Name of the trained model among the baselines, in a bundle's facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A headline figure: its words, and whether more is better (None: nearest to ``ideal``)."""

    key: str
    words: str
    better: str
    ideal: float | None = None


MEASURES: tuple[Measure, ...] = (
    Measure(key="roc_auc", words="ROC AUC", better="more"),
    Measure(key="average_precision", words="Average precision", better="more"),
    Measure(key="brier", words="Brier score", better="less"),
    Measure(key="log_loss", words="Log-loss", better="less"),
    Measure(key="captured_dollars", words="Rolled dollars in the top 20 %", better="more"),
    Measure(
        key="expected_over_realised", words="Expected ÷ realised dollars", better="near", ideal=1.0
    ),
    Measure(key="slope", words="Calibration slope", better="near", ideal=1.0),
    Measure(key="intercept", words="Calibration intercept", better="near", ideal=0.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """A figure of every model on the same rows; ``best`` is the position of the best one."""

    measure: Measure
    values: tuple[float | None, ...]
    best: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """P(reaches a bucket) in a band of days before it: expected, observed, whether it held."""

    bucket: str
    first_day: int
    last_day: int
    rows: int
    expected: float
    observed: float
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A registered version: number, day, aliases, and what the gate said of it."""

    version: str
    made_on: str
    aliases: tuple[str, ...]
    gate: str
    forced_because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What the model registry holds; ``trouble`` says why nothing, where it cannot be read."""

    versions: tuple[Version, ...]
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """The page.

    Parameters
    ----------
    facts : tuple of (str, str)
        Identity and training data.
    windows : tuple of (str, str, str)
        The four windows in time with their first and last days.
    models : tuple of str
        Heads of the columns of ``measures``; the own model first.
    rows, positives : int or None
        Exposed rows of the test window, and how many rolled.
    calibrators : tuple of (str, str)
        How each part is recalibrated.
    versions : tuple of Version
        Newest first; empty where the registry cannot be read.
    unproven : tuple of str
        Tables whose days of entry were copied from the business date.
    is_matrix : bool
        Whether the roll-rate matrix answers alone.
    monitored : Monitored
        Drift and matured outcomes as `rollrisk monitor` last found them.
    """

    facts: tuple[tuple[str, str], ...]
    windows: tuple[tuple[str, str, str], ...]
    models: tuple[str, ...]
    measures: tuple[MeasureRow, ...]
    rows: int | None
    positives: int | None
    reach: tuple[Reach, ...]
    calibrators: tuple[tuple[str, str], ...]
    versions: tuple[Version, ...]
    registry_trouble: str
    unproven: tuple[str, ...]
    is_matrix: bool
    monitored: Monitored


def model_view(served: Served, registry: Registry, monitored: Monitored) -> ModelView:
    """Return the page of the served model."""
    bundle, manifest = served.pair.bundle, served.pair.manifest
    facts: Mapping[str, Any] = bundle.facts
    metrics: Mapping[str, Mapping[str, float]] = facts.get("metrics", {})
    models = tuple(sorted(metrics, key=lambda name: (name != OWN, name)))
    own = metrics.get(OWN, {})
    return ModelView(
        facts=(
            ("Model version", manifest.model_version),
            ("Trained until", str(facts.get("trained_until", ""))),
            ("Rows trained on", f"{facts['rows']:,}" if "rows" in facts else ""),
            ("As-of dates", str(len(facts.get("as_of_dates", ())) or "")),
            ("Features", f"{len(bundle.feature_names)}"),
            ("Feature digest", bundle.feature_digest),
            ("Ledger digest in training", str(facts.get("ledger_digest", ""))[:12]),
        ),
        windows=tuple((name, *days) for name, days in facts.get("windows", {}).items() if days),
        models=models,
        measures=tuple(_measure(measure, models, metrics) for measure in MEASURES)
        if models
        else (),
        rows=int(own["rows"]) if "rows" in own else None,
        positives=int(own["positives"]) if "positives" in own else None,
        reach=tuple(
            Reach(
                **{name: band[name] for name in ("bucket", "first_day", "last_day", "rows")},
                expected=band["expected"],
                observed=band["observed"],
                holds=band["holds"],
            )
            for band in facts.get("reach", ())
        ),
        calibrators=tuple(
            (name, str(part.calibrator.to_json().get("kind", "")))
            for name, part in bundle.parts.items()
        ),
        versions=registry.versions,
        registry_trouble=registry.trouble,
        unproven=tuple(facts.get("point_in_time_unproven", ())),
        is_matrix=bundle.is_matrix,
        monitored=monitored,
    )


def _measure(
    measure: Measure, models: Sequence[str], metrics: Mapping[str, Mapping[str, float]]
) -> MeasureRow:
    values = [metrics[model].get(measure.key) for model in models]
    known = [None if v is None or v != v else float(v) for v in values]  # noqa: PLR0124 (NaN)

    def badness(value: float | None) -> float:
        if value is None:
            return float("inf")
        if measure.ideal is not None:
            return abs(value - measure.ideal)
        return -value if measure.better == "more" else value

    order = sorted(range(len(known)), key=lambda at: badness(known[at]))
    return MeasureRow(measure=measure, values=tuple(known), best=order[0])


def read_registry(home: Home) -> Registry:
    """Return the registered versions, newest first, or why there are none to show."""
    store = home.path / "mlflow.db"
    if home.tracking_uri == f"sqlite:///{store.resolve()}" and not store.is_file():
        return Registry(versions=(), trouble="No model is registered in this installation.")
    try:
        client = connect(home)
        aliases = dict(client.get_registered_model(NAME).aliases)
        found = client.search_model_versions(f"name = '{NAME}'")
    except Exception as error:  # noqa: BLE001 (whatever the registry's database says)
        logger.warning("The model registry cannot be read: %s", error)
        return Registry(
            versions=(),
            trouble="The model registry cannot be read here; the served model is unaffected.",
        )
    versions = [
        Version(
            version=str(entry.version),
            made_on=datetime.fromtimestamp(entry.creation_timestamp / 1000, UTC).date().isoformat(),
            aliases=tuple(
                sorted(
                    name for name, number in aliases.items() if str(number) == str(entry.version)
                )
            ),
            gate=str(entry.tags.get("gate", "")),
            forced_because=str(entry.tags.get("forced_because", "")),
        )
        for entry in found
    ]
    versions.sort(key=lambda version: -int(version.version))
    return Registry(versions=tuple(versions))
