"""A trained model as text: LightGBM trees and JSON, never a pickle.

A bundle is a folder with ``bundle.json`` and one ``<name>.txt`` of LightGBM per part:
``step_1`` … ``step_4`` for P(unresolved at the end of a step | unresolved at its start), and
``cut_14``, ``cut_7`` for the share of a step's payments that come earlier. A bundle without
parts is the roll-rate matrix alone. Bundles of format 1 have no ``fallback``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lightgbm

from models.calibrator import Calibrator
from models.fallback import Fallback
from models.profile import Profile

FORMAT = 2
FORMATS = (1, 2)
"""Every format that was ever written; all are read and scored as they were."""

PARTS: tuple[str, ...] = ("step_1", "step_2", "step_3", "step_4", "cut_14", "cut_7")


class BundleError(ValueError):
    """A model folder that cannot be read; the message names the next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One set of trees with its calibrator and the training mean of its margin."""

    text: str
    booster: lightgbm.Booster
    calibrator: Calibrator


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything that scoring needs.

    Parameters
    ----------
    parts : mapping of str to Part
        By the names in ``PARTS``; empty for a matrix model.
    feature_names : tuple of str
        Input columns in order.
    feature_digest : str
        Digest of the feature definitions the model was trained on.
    profile : Profile
        Reference values of the training portfolio.
    fallback : Fallback or None
        How far the matrix answers where there is little history; None for not at all.
    facts : mapping
        What people ask about a model: windows, metrics, configuration, ledger digest.
    version : str
        Name of the model; the digest of its content unless a registry gave another.
    """

    parts: Mapping[str, Part]
    feature_names: tuple[str, ...]
    feature_digest: str
    profile: Profile
    fallback: Fallback | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    @property
    def is_matrix(self) -> bool:
        """Whether the model is the roll-rate matrix alone."""
        return not self.parts


def make_part(text: str, calibrator: Calibrator) -> Part:
    """Return a part from LightGBM model text."""
    return Part(text=text, booster=lightgbm.Booster(model_str=text), calibrator=calibrator)


def bundle_digest(bundle: Bundle) -> str:
    """Return the digest of what decides a bundle's scores, 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(bundle.parts):
        part = bundle.parts[name]
        digest.update(name.encode())
        digest.update(part.text.encode())
        digest.update(json.dumps(part.calibrator.to_json(), sort_keys=True).encode())
    digest.update(json.dumps(bundle.profile.to_json(), sort_keys=True).encode())
    digest.update(bundle.feature_digest.encode())
    if bundle.fallback is not None:
        digest.update(json.dumps(bundle.fallback.to_json(), sort_keys=True).encode())
    return digest.hexdigest()[:12]


def write_bundle(bundle: Bundle, folder: Path) -> None:
    """Write ``bundle`` to an empty or new ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in bundle.parts.items():
        (folder / f"{name}.txt").write_text(part.text, "utf-8")
    content = {
        "format": FORMAT,
        "feature_names": list(bundle.feature_names),
        "feature_digest": bundle.feature_digest,
        "calibrators": {name: part.calibrator.to_json() for name, part in bundle.parts.items()},
        "profile": bundle.profile.to_json(),
        "fallback": None if bundle.fallback is None else bundle.fallback.to_json(),
        "facts": dict(bundle.facts),
    }
    (folder / "bundle.json").write_text(json.dumps(content, indent=1, default=str), "utf-8")


def read_bundle(folder: Path, version: str = "") -> Bundle:
    """Read the bundle in ``folder``.

    Parameters
    ----------
    folder : Path
        Where ``bundle.json`` stands.
    version : str
        The registry's name for it; the content digest when empty.

    Raises
    ------
    BundleError
        When the folder holds no bundle, another format, or a part is missing.
    """
    path = folder / "bundle.json"
    if not path.is_file():
        raise BundleError(f"{folder} holds no bundle.json. Train a model with `rollrisk train`.")
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BundleError(
            f"{path} is not valid JSON ({error}). Train the model again with `rollrisk train`."
        ) from error
    if content.get("format") not in FORMATS:
        raise BundleError(
            f"{path}: format must be one of {list(FORMATS)}, got {content.get('format')!r}. "
            "Train the model again with this version of rollrisk."
        )
    parts = {}
    missing = set(PARTS) - set(content["calibrators"])
    if content["calibrators"] and missing:
        raise BundleError(
            f"{path}: parts {sorted(missing)} are missing. Train the model again with "
            "`rollrisk train`."
        )
    for name, calibrator in content["calibrators"].items():
        text = folder / f"{name}.txt"
        if name not in PARTS or not text.is_file():
            raise BundleError(f"{path}: part {name!r} is unknown or has no {name}.txt beside it.")
        parts[name] = make_part(text.read_text("utf-8"), Calibrator(**calibrator))
    bundle = Bundle(
        parts=parts,
        feature_names=tuple(content["feature_names"]),
        feature_digest=content["feature_digest"],
        profile=Profile.from_json(content["profile"]),
        fallback=Fallback(**content["fallback"]) if content.get("fallback") else None,
        facts=content["facts"],
        version=version,
    )
    return bundle if version else replace(bundle, version=bundle_digest(bundle))
