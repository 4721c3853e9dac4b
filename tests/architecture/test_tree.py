"""The repository keeps its own rules."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["features", "models", "training", "serving"])
def test_packages_are_those_of_this_repository(name: str) -> None:
    """Nothing installed elsewhere stands in for our packages."""
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)


def tracked() -> list[Path]:
    """Return the files of the repository as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_file_names_a_registry_or_this_machine() -> None:
    """Lock files carry hashes and no addresses; no absolute path of a machine is written."""
    registries = r"https?://(pypi|files\.pythonhosted|registry\.)|--index-url"
    banned = re.compile(f"{registries}|{re.escape(str(ROOT))}/")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path != Path(__file__) and banned.search(path.read_text("utf-8", errors="ignore"))
    ]
    assert found == []


def test_lock_files_hash_every_package() -> None:
    """Every pinned package has at least one hash."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        blocks = re.split(r"\n(?=[a-z])", (ROOT / name).read_text("utf-8"))
        assert blocks
        assert all("--hash=sha256:" in block for block in blocks if "==" in block)


def test_nothing_unpickles() -> None:
    """No module imports pickle, joblib or dill, and no file of ours is a pickle."""
    banned = re.compile(r"^\s*(import|from) (pickle|joblib|dill|cloudpickle)\b", re.MULTILINE)
    sources = [path for path in tracked() if path.suffix == ".py"]
    assert [path for path in sources if banned.search(path.read_text("utf-8"))] == []
    assert [path for path in tracked() if path.suffix in (".pkl", ".pickle")] == []


def test_files_stay_short() -> None:
    """No source file is longer than 400 lines; a test file may be a little longer."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix in (".py", ".sql", ".j2", ".css")
        and (lines := len(path.read_text("utf-8").splitlines()))
        > (450 if path.is_relative_to(ROOT / "tests") else 400)
    }
    assert long == {}


def test_generated_pages_are_current() -> None:
    """The pages made from the code are what the code would make now."""
    from docs.generate import FOLDER, PAGES

    for name, page in PAGES.items():
        assert (FOLDER / name).read_text("utf-8") == page(), f"run `make pages` for {name}"


def test_importing_the_command_line_is_quick_and_does_nothing() -> None:
    """The command line imports neither pandas nor MLflow before a command runs."""
    code = (
        "import sys, serving.cli; "
        "print([m for m in ('pandas', 'mlflow', 'lightgbm', 'bentoml', 'duckdb') "
        "if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
