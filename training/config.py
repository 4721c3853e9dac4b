"""Training configuration: a frozen value read once from TOML, unknown keys refused."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from features.ageing import STEP_DAYS
from features.catalogue import MODEL_NAMES, NAMES


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names key, value and next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeConfig:
    """LightGBM parameters of every part, and how rounds are found.

    ``max_rounds`` bounds early stopping; ``rounds`` skips it when it is above 0. ``rising``
    names features with which the probability of staying open may only rise, ``falling`` those
    with which it may only fall; they bind the steps, not the cuts within the first.
    """

    learning_rate: float = 0.06
    num_leaves: int = 15
    max_depth: int = 5
    min_data_in_leaf: int = 40
    feature_fraction: float = 0.5
    bagging_fraction: float = 0.8
    lambda_l2: float = 5.0
    path_smooth: float = 0.0
    max_rounds: int = 600
    stop_after: int = 40
    rounds: int = 0
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowConfig:
    """Where in time rows are taken and how they are split.

    Parameters
    ----------
    every_days : int
        Distance between as-of dates, counted back from the newest mature one.
    warm_up_days : int
        History that must stand before the first as-of date.
    history_days : int
        How far back training goes.
    stop_days, recalibrate_days, test_days : int
        Length of the last three of the four windows; one of no days is left out. Without a window
        to recalibrate on, the trees answer as they are.
    embargo_days : int
        Gap between windows; -1 for one step plus the maturity lag.
    """

    every_days: int = 14
    warm_up_days: int = 180
    history_days: int = 730
    stop_days: int = 56
    recalibrate_days: int = 0
    test_days: int = 56
    embargo_days: int = -1

    def embargo(self, maturity_lag_days: int) -> int:
        """Return the gap between windows in days."""
        return STEP_DAYS + maturity_lag_days if self.embargo_days < 0 else self.embargo_days


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestConfig:
    """How past dates are judged.

    Parameters
    ----------
    origins : int
        Number of rolling cut-offs; ignored when ``train_until`` is given.
    train_until, test_from, test_until : date or None
        One fixed split: train on as-of dates up to the first, judge from the second to the
        third.
    only_exposed : bool
        Judge exposed items only (and, with ``include_last_bucket``, those in the last).
    include_last_bucket : bool
        Whether items in the last bucket count as exposed in the headline figures.
    """

    origins: int = 5
    test_days: int = 28
    train_until: date | None = None
    test_from: date | None = None
    test_until: date | None = None
    include_last_bucket: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Everything that decides a model besides the ledger.

    Parameters
    ----------
    seed : int
        Seed of every random choice.
    max_rows : int
        Training rows kept; more are thinned by a hash of the invoice.
    decay_days : float
        Half-life of a row's weight by the age of its as-of date; 0 for equal weights.
    balance_power : float
        Power of the open balance in a row's weight; 0 for equal weights, 1 for dollars.
    first_as_of : date or None
        Earliest as-of date, where the ledger's early history is cut off.
    features : tuple of str
        Features the model reads; all of the catalogue when empty.
    peers : bool
        Whether the model also reads how accounts of a kind pay, where ``features`` is empty.
    """

    seed: int = 20260101
    max_rows: int = 1_000_000
    decay_days: float = 0.0
    balance_power: float = 0.0
    first_as_of: date | None = None
    features: tuple[str, ...] = ()
    peers: bool = False
    trees: TreeConfig = field(default_factory=TreeConfig)
    windows: WindowConfig = field(default_factory=WindowConfig)
    backtest: BacktestConfig = field(default_factory=BacktestConfig)

    def __post_init__(self) -> None:
        """Refuse features that the catalogue does not have."""
        if unknown := {
            *self.features,
            *self.trees.rising,
            *self.trees.falling,
        } - set(MODEL_NAMES):
            raise ConfigError(
                f"Unknown features in the configuration: {sorted(unknown)}. "
                "Their names stand in features/catalogue.csv and features/peers.csv."
            )
        if both := set(self.trees.rising) & set(self.trees.falling):
            raise ConfigError(
                f"Features cannot raise and lower the risk at once: {sorted(both)} stand in "
                "'trees.rising' and in 'trees.falling'. Keep each in one of them."
            )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features the model reads, in the catalogue's order."""
        chosen = self.features or (MODEL_NAMES if self.peers else NAMES)
        return tuple(name for name in MODEL_NAMES if name in chosen)

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain values."""
        return asdict(self)


def read_config(path: Path | str | None) -> TrainingConfig:
    """Read a configuration.

    Parameters
    ----------
    path : Path, str or None
        A TOML file, the name of one in ``training/configs`` (``"quick"``), or None for the
        defaults.

    Raises
    ------
    ConfigError
        When the file is missing, a key is unknown or a value has the wrong type.

    Examples
    --------
    >>> read_config(None).windows.every_days
    14
    """
    if path is None:
        return TrainingConfig()
    folder = resources.files("training").joinpath("configs")
    shipped = {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir()}
    if str(path) in shipped:
        text = shipped[str(path)].read_text("utf-8")
    elif Path(path).is_file():
        text = Path(path).read_text("utf-8")
    else:
        raise ConfigError(
            f"Configuration {str(path)!r} is neither a file nor one of {sorted(shipped)}."
        )
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"Configuration {str(path)!r} is not valid TOML: {error}.") from error
    return parse_config(content)


def parse_config(content: Mapping[str, Any]) -> TrainingConfig:
    """Build a configuration from parsed TOML; ConfigError on unknown keys and wrong values."""
    sections = {"trees": TreeConfig, "windows": WindowConfig, "backtest": BacktestConfig}
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key in sections:
            values[key] = _section(sections[key], value, f"{key}.")
        else:
            values[key] = value
    config: TrainingConfig = _section(TrainingConfig, values, "")
    return config


def _section(kind: type, values: Mapping[str, Any], prefix: str) -> Any:  # noqa: ANN401 (the kind decides)
    if not isinstance(values, Mapping):
        raise ConfigError(f"{prefix[:-1]!r} must be a section of keys, got {values!r}.")
    known = {entry.name: entry for entry in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(
                f"Unknown key {prefix + key!r} in the configuration. Known keys: "
                f"{', '.join(sorted(prefix + name for name in known))}."
            )
        _check_value(prefix + key, value, getattr(kind(), key))
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})


_LOWEST: dict[str, float] = {
    "max_rows": 1,
    "trees.max_depth": -1,
    "trees.num_leaves": 2,
    "trees.max_rounds": 1,
    "trees.stop_after": 1,
    "windows.every_days": 1,
    "windows.embargo_days": -1,
    "backtest.origins": 1,
    "backtest.test_days": 1,
}
"""Lowest value of a number; 0 for those not named."""


def _check_value(key: str, value: object, default: object) -> None:
    """Refuse a value that has another type than the key's default, or is too low."""
    # A flag is an int to Python; in a configuration it never stands for a number.
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, int):
        fits, wanted = number and isinstance(value, int), "a whole number"
    elif isinstance(default, float):
        fits, wanted = number, "a number"
    elif isinstance(default, tuple):
        fits = isinstance(value, list) and all(isinstance(name, str) for name in value)
        wanted = "a list of names"
    elif default is None:
        fits, wanted = type(value) is date, "a date without quotes"
    else:
        return
    if not fits:
        raise ConfigError(f"Key {key!r} must be {wanted}, got {value!r}.")
    lowest = _LOWEST.get(key, 0)
    if isinstance(value, (int, float)) and value < lowest:
        raise ConfigError(f"Key {key!r} must be at least {lowest}, got {value!r}.")
