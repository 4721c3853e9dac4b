"""Retrain under a scheduler: ``python -m training.retrain --config F``.

F is a training configuration with a section ``[retrain]``::

    [retrain]
    ledger = "/data/ledger"   # a relative path is taken from the folder of F
    promote = true            # ask the gate and promote; false: register only
    recipe = "quick"          # a shipped recipe; without it the other sections of F are the recipe

One run at a time works on a home. The same ledger, recipe and features are trained once: a second
run finds the version and answers as the first did. A run that broke goes on where it was: the
trained model waits in ``retrain/<key>`` of the home until it is registered. A version appears in
the registry in one step, with all its files.

The last line of the output is JSON. Exit codes: 0 done, or nothing to do; 1 the data or the gate
said no; 2 wrong usage; 70 something broke, with a traceback on stderr, try again; 75 another run
is going, try again later.
"""

import argparse
import fcntl
import getpass
import hashlib
import json
import shutil
import sys
import time
import tomllib
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.catalogue import feature_digest
from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger, open_ledger
from models.home import Home, read_home
from models.registry import (
    CHAMPION,
    NoModelError,
    alias_version,
    connect,
    find_version,
    make_challenger,
    read_verdict,
)
from training.config import ConfigError, TrainingConfig, parse_config, read_config
from training.gate import broke_off, finish_promotion, promote
from training.register import train_to_register
from training.splits import TooLittleHistoryError
from training.tracking import config_digest, log_training, write_training

DONE, REFUSED, USAGE, BROKEN, BUSY = 0, 1, 2, 70, 75

_SAID_NO = (LedgerError, TooLittleHistoryError, NoModelError)

KEY_TAG = "retrain_key"


class BusyError(RuntimeError):
    """Another run holds the home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a configuration file asks for.

    Parameters
    ----------
    ledger : Path
        The ledger to train on.
    recipe : TrainingConfig
        How to train.
    promote : bool
        Whether the gate is asked.
    """

    ledger: Path
    recipe: TrainingConfig
    promote: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run did, as its last line of output says.

    Parameters
    ----------
    outcome : str
        ``promoted``, ``registered``, ``refused`` (by the gate or for want of data), ``unchanged``,
        ``busy`` or ``failed`` (wrong usage, or something broke).
    code : int
        Exit code.
    """

    outcome: str
    code: int
    message: str = ""
    version: str | None = None
    champion: str | None = None
    key: str = ""
    ledger_digest: str = ""
    config_digest: str = ""
    known_through: str = ""
    broken: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    resumed: bool = False
    seconds: float = 0.0


def read_plan(path: Path) -> Plan:
    """Read a configuration file; ConfigError when it cannot be used."""
    if not path.is_file():
        raise ConfigError(f"Configuration {str(path)!r} is no file.")
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"Configuration {str(path)!r} is not valid TOML: {error}.") from error
    section = content.pop("retrain", None)
    if not isinstance(section, dict) or not isinstance(section.get("ledger"), str):
        raise ConfigError(f'{path}: section [retrain] needs ledger = "PATH".')
    if unknown := set(section) - {"ledger", "promote", "recipe"}:
        raise ConfigError(
            f"{path}: unknown keys {sorted(unknown)} in [retrain]. Known: ledger, promote, recipe."
        )
    asked, named = section.get("promote", True), section.get("recipe")
    if not isinstance(asked, bool):
        raise ConfigError(f"{path}: retrain.promote must be true or false, got {asked!r}.")
    if named is not None and content:
        raise ConfigError(
            f"{path}: retrain.recipe names a recipe, and {sorted(content)} give another. Keep one."
        )
    ledger = path.parent / section["ledger"]
    if not ledger.is_dir():
        raise ConfigError(f"{path}: retrain.ledger {str(ledger)!r} is no folder.")
    recipe = parse_config(content) if named is None else read_config(named)
    return Plan(ledger=ledger, recipe=recipe, promote=asked)


def retrain(
    home: Home, plan: Plan, *, now: datetime, progress: Callable[[str], None] | None = None
) -> Result:
    """Train, register and ask the gate, unless that was done already.

    Parameters
    ----------
    home : Home
        Whose registry; locked meanwhile.
    plan : Plan
        What to do.
    now : datetime
        When; recorded with the verdict.
    progress : callable
        Told what is being done.

    Raises
    ------
    BusyError
        When another run holds the home.
    LedgerError
        When the ledger cannot be read.
    TooLittleHistoryError
        When it is too small to train on.
    """
    with _locked(home):
        ledger = _open(plan.ledger)
        recipe = config_digest(plan.recipe)
        parts = (ledger.digest, recipe, feature_digest(plan.recipe.feature_names))
        key = hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
        known = Result(
            outcome="failed",
            code=BROKEN,
            key=key,
            ledger_digest=ledger.digest,
            config_digest=recipe,
            known_through=str(ledger.manifest.known_through),
        )
        version = find_version(home, KEY_TAG, key)
        if version is not None and (done := _done_before(home, plan, version, known)):
            return done
        resumed = version is not None
        if version is None:
            version, resumed = _train(home, plan, ledger, key, progress)
        shutil.rmtree(home.path / "retrain" / key, ignore_errors=True)
        make_challenger(home, version)
        if not plan.promote:
            return replace(
                known,
                outcome="registered",
                code=DONE,
                message=f"Version {version} is the challenger.",
                version=version,
                champion=alias_version(home, CHAMPION),
                resumed=resumed,
            )
        found = promote(
            home, version, ledger=ledger, who=getpass.getuser(), now=now, progress=progress
        )
        return replace(
            known,
            outcome="promoted" if found.promoted else "refused",
            code=DONE if found.promoted else REFUSED,
            message=found.sentence,
            version=version,
            champion=alias_version(home, CHAMPION),
            broken=tuple(rule.name for rule in found.rules if not rule.holds),
            unjudged=found.unjudged,
            resumed=resumed,
        )


def _open(folder: Path) -> Ledger:
    """Return the ledger; LedgerError for whatever of it cannot be read."""
    try:
        return open_ledger(folder)
    except LedgerError:
        raise
    except (ValueError, FileNotFoundError) as error:
        raise LedgerError(f"{folder} cannot be read: {error}") from error


def _done_before(home: Home, plan: Plan, version: str, known: Result) -> Result | None:
    """Return what is left to say of a version that an earlier run made; None when work is left.

    A promotion that broke off after the verdict is finished, unless another champion serves by
    now: then the gate is asked again.
    """
    verdict = read_verdict(home, version)
    said = replace(known, version=version, broken=_broken(verdict))
    if plan.promote and verdict is None:
        return None
    if plan.promote and verdict is not None and broke_off(home, version, verdict):
        if not finish_promotion(home, version, verdict, who=getpass.getuser()):
            return None
        return replace(
            said,
            outcome="promoted",
            code=DONE,
            message=f"Version {version} is the champion; its promotion had broken off.",
            champion=version,
            unjudged=tuple(verdict["unjudged"]),
            resumed=True,
        )
    refused = plan.promote and verdict is not None and not verdict["promoted"]
    return replace(
        said,
        outcome="unchanged",
        code=REFUSED if refused else DONE,
        message="This ledger was trained with this recipe before.",
        champion=alias_version(home, CHAMPION),
    )


def _broken(verdict: dict[str, Any] | None) -> tuple[str, ...]:
    rules = [] if verdict is None else verdict["rules"]
    return tuple(rule["name"] for rule in rules if not rule["holds"])


def _train(
    home: Home,
    plan: Plan,
    ledger: Ledger,
    key: str,
    progress: Callable[[str], None] | None,
) -> tuple[str, bool]:
    """Return the registered version, and whether a model waited from a run that broke."""
    folder = home.path / "retrain" / key
    waiting = (folder / "model" / "bundle.json").is_file()
    if not waiting:
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_training(train_to_register(ledger, plan.recipe, progress=progress), folder)
    _close_broken_runs(home, key)
    made = log_training(home, folder, ledger_folder=plan.ledger, tags={KEY_TAG: key})
    return made.version, waiting


def _close_broken_runs(home: Home, key: str) -> None:
    """Mark runs of an earlier attempt as failed; they have no version."""
    client = connect(home)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = f"tags.{KEY_TAG} = '{key}' and attributes.status = 'RUNNING'"
    for run in client.search_runs(experiments, found):
        client.set_terminated(run.info.run_id, "FAILED")


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Hold the home; the system frees it when the process ends, however it ends."""
    home.path.mkdir(parents=True, exist_ok=True)
    with (home.path / "retrain.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(f"Another retraining is at work in {home.path}.") from error
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code and prints one line of JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m training.retrain",
        description="Train, register and promote, safely under a scheduler. The last line of the "
        "output is JSON. Exit codes: 0 done or nothing to do, 1 the data or the gate said no, "
        "2 wrong usage, 70 something broke, try again, 75 another run is going, try again later.",
    )
    parser.add_argument("--config", required=True, type=Path, help="TOML file with [retrain].")
    given = parser.parse_args(arguments)
    started = time.monotonic()

    def tell(step: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"{step}\n")

    try:
        plan = read_plan(given.config)
        result = retrain(read_home(), plan, now=datetime.now(UTC), progress=tell)
    except ConfigError as error:
        result = Result(outcome="failed", code=USAGE, message=str(error))
    except BusyError as error:
        result = Result(outcome="busy", code=BUSY, message=str(error))
    except _SAID_NO as error:
        result = Result(outcome="refused", code=REFUSED, message=str(error))
    except Exception as error:  # noqa: BLE001 (a scheduler reads the last line, whatever broke)
        traceback.print_exc()
        message = f"{type(error).__name__}: {error}"
        result = Result(outcome="failed", code=BROKEN, message=message)
    content = asdict(result) | {"seconds": round(time.monotonic() - started, 1)}
    sys.stdout.write(json.dumps(content) + "\n")
    return result.code


if __name__ == "__main__":
    sys.exit(main())
