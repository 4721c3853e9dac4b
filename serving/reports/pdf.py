"""Print a page that stands alone to PDF with a Chromium that is on this machine.

Chromium lays the page out as it does on screen and fills the page numbers that the style sheet
asks for. It runs headless on a copy of the page in a folder of its own, without network.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

NAMES: tuple[str, ...] = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "microsoft-edge",
)
"""Commands that are looked for, in this order."""

TIMEOUT_SECONDS = 120


class PdfError(ValueError):
    """A PDF that cannot be made; the message names the next step."""


def find_chromium(find: Callable[[str], str | None] = shutil.which) -> str:
    """Return the command of a Chromium.

    Raises
    ------
    PdfError
        When none of ``NAMES`` is on the path.

    Examples
    --------
    >>> find_chromium({"google-chrome": "/opt/chrome"}.get)
    '/opt/chrome'
    """
    for name in NAMES:
        if (found := find(name)) is not None:
            return found
    raise PdfError(
        f"A PDF needs Chromium, and none is on the path (looked for: {', '.join(NAMES)}). "
        "Install it, for example with `apt-get install chromium`, or write HTML: give --out a "
        "name that ends in .html, open it and print it."
    )


def print_pdf(html: str, out: Path, *, chromium: str | None = None) -> None:
    """Write ``html`` as PDF to ``out``.

    Parameters
    ----------
    html : str
        A page that needs nothing outside itself.
    out : Path
        The file; it appears whole or not at all.
    chromium : str
        Command; looked for when None.

    Raises
    ------
    PdfError
        When there is no Chromium, or it wrote no PDF.
    """
    command = chromium or find_chromium()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page, printed = folder / "page.html", folder / "page.pdf"
        page.write_text(html, "utf-8")
        arguments = [
            command,
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={printed}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium refuses root otherwise; the page is ours
        try:
            done = subprocess.run(  # noqa: S603 (a command of this machine on our own file)
                [*arguments, page.as_uri()],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PdfError(f"{command} could not print the page: {error}.") from error
        if not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise PdfError(f"{command} wrote no PDF (exit code {done.returncode}: {last}).")
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(f".{out.name}.{os.getpid()}")
        shutil.copyfile(printed, temporary)
        temporary.replace(out)
