"""Tests of models as text."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from features.build import FeatureFrame
from models.bundle import PARTS, Bundle, BundleError, bundle_digest, read_bundle, write_bundle
from models.calibrator import Calibrator
from models.scorer import survival_curves

Segments = npt.NDArray[np.object_]


@pytest.mark.parametrize("kind", ["bundle", "mixed_bundle"])
def test_a_bundle_read_back_scores_the_same_bytes(
    kind: str,
    frame: FeatureFrame,
    segment: Segments,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Text and JSON keep every digit: same digest, same version, identical scores."""
    bundle: Bundle = request.getfixturevalue(kind)
    write_bundle(bundle, tmp_path / "model")
    again = read_bundle(tmp_path / "model")
    assert again.version == bundle.version == bundle_digest(again)
    before = survival_curves(bundle, frame, segment)
    after = survival_curves(again, frame, segment)
    assert before.survival.tobytes() == after.survival.tobytes()
    assert before.margin.tobytes() == after.margin.tobytes()


def test_writing_what_was_read_gives_the_same_files(bundle: Bundle, tmp_path: Path) -> None:
    """The folder is a fixed point."""
    write_bundle(bundle, tmp_path / "one")
    write_bundle(read_bundle(tmp_path / "one"), tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_bundle_is_text_and_json_and_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    """No pickle: every file decodes as text, one per part beside bundle.json."""
    write_bundle(bundle, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"bundle.json", *(f"{part}.txt" for part in PARTS)}
    for path in tmp_path.iterdir():
        assert "\x00" not in path.read_text("utf-8")


def test_a_matrix_bundle_survives_the_disk(matrix_bundle: Bundle, tmp_path: Path) -> None:
    """A model without trees is bundle.json alone."""
    write_bundle(matrix_bundle, tmp_path)
    again = read_bundle(tmp_path, version="m")
    assert again.is_matrix
    assert again.profile == matrix_bundle.profile
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.json"]


def test_the_digest_names_what_decides_scores_and_nothing_else(
    bundle: Bundle, mixed_bundle: Bundle
) -> None:
    """Facts do not count; a calibrator, the profile, the fallback and the features do."""
    digest = bundle_digest(bundle)
    assert bundle_digest(replace(bundle, facts={"note": "x"}, version="7")) == digest
    part = replace(bundle.parts["step_3"], calibrator=Calibrator(kind="logistic", a=0.5))
    assert bundle_digest(replace(bundle, parts={**bundle.parts, "step_3": part})) != digest
    profile = replace(bundle.profile, remaining_shares=[0.5] * 7)
    assert bundle_digest(replace(bundle, profile=profile)) != digest
    assert bundle_digest(replace(bundle, feature_digest="other")) != digest
    assert mixed_bundle.fallback is not None
    assert bundle_digest(mixed_bundle) != digest
    other = replace(mixed_bundle.fallback, segment_items={"smb": 1})
    assert bundle_digest(replace(bundle, fallback=other)) != bundle_digest(mixed_bundle)


def test_a_model_of_the_first_format_has_no_fallback(bundle: Bundle, tmp_path: Path) -> None:
    """It keeps its version, which names its content, and its scores."""
    write_bundle(bundle, tmp_path)
    content = json.loads((tmp_path / "bundle.json").read_text())
    del content["fallback"]
    (tmp_path / "bundle.json").write_text(json.dumps(content | {"format": 1}))
    again = read_bundle(tmp_path)
    assert again.fallback is None
    assert again.version == bundle.version


def _break(folder: Path, **changes: Any) -> None:  # noqa: ANN401 (any JSON value)
    path = folder / "bundle.json"
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(content))


def test_another_format_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    """The message names the format found and the next step."""
    write_bundle(bundle, tmp_path)
    _break(tmp_path, format=99)
    with pytest.raises(BundleError, match=r"format must be one of \[1, 2\], got 99. Train the "):
        read_bundle(tmp_path)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    """The message names the command that makes one."""
    with pytest.raises(BundleError, match=r"holds no bundle.json. Train a model with `rollrisk"):
        read_bundle(tmp_path)


def test_a_bundle_with_missing_parts_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    """Neither a lost file nor a lost entry is scored around."""
    write_bundle(bundle, tmp_path)
    (tmp_path / "step_2.txt").unlink()
    with pytest.raises(BundleError, match=r"part 'step_2' is unknown or has no step_2.txt"):
        read_bundle(tmp_path)
    _break(tmp_path, calibrators={"step_1": Calibrator().to_json()})
    with pytest.raises(BundleError, match=r"parts \['cut_14', 'cut_7', 'step_2'.*are missing"):
        read_bundle(tmp_path)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    """Half a bundle.json is no bundle."""
    (tmp_path / "bundle.json").write_text('{"format": 1, ')
    with pytest.raises(BundleError, match="not valid JSON"):
        read_bundle(tmp_path)
