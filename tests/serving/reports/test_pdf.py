import re
from pathlib import Path

import pytest

from serving.reports.pdf import NAMES, PdfError, find_chromium, print_pdf
from tests.serving.console.conftest import chromium as chromium  # noqa: PLC0414 (a fixture)

PAGE = """<!doctype html><html lang="en"><title>Two pages</title><style>
@page { @bottom-right { content: counter(page) " of " counter(pages); } }
p { break-after: page; }</style><p>One</p><p>Two</p><div>Three</div>
<img src="http://127.0.0.1:9/never.png" alt="">"""


def test_a_page_becomes_a_pdf(chromium: str, tmp_path: Path) -> None:
    """Three pages, and nothing is left beside the file."""
    out = tmp_path / "paper" / "page.pdf"
    print_pdf(PAGE, out, chromium=chromium)
    body = out.read_bytes()
    assert body.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", body)) == 3
    assert [path.name for path in out.parent.iterdir()] == ["page.pdf"]


def test_without_a_chromium_the_next_step_is_said() -> None:
    """What was looked for, and what to do instead."""
    with pytest.raises(PdfError, match=r"apt-get install chromium.*\.html") as raised:
        find_chromium(lambda _: None)
    assert all(name in str(raised.value) for name in NAMES)


def test_a_command_that_prints_nothing_leaves_no_file(tmp_path: Path) -> None:
    """A Chromium that fails is named with its exit code; an older PDF stays as it was."""
    out = tmp_path / "page.pdf"
    out.write_bytes(b"%PDF older")
    with pytest.raises(PdfError, match="wrote no PDF"):
        print_pdf(PAGE, out, chromium="false")
    assert out.read_bytes() == b"%PDF older"
    with pytest.raises(PdfError, match="could not print"):
        print_pdf(PAGE, out, chromium=str(tmp_path / "none"))
