import io
import xml.etree.ElementTree as ET
import zipfile
from datetime import date

import pytest

from serving.reports.spreadsheet import Formula, Share, Sheet, csv_text, xlsx_bytes
from serving.reports.wording import Amount

HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", '=HYPERLINK("http://x")')  # noqa: RUF001
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells(body: bytes) -> dict[str, ET.Element]:
    """Return the cells of the first sheet by place."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ET.fromstring(archive.read(name))  # noqa: S314 (our own file)
        root = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    return {cell.attrib["r"]: cell for cell in root.iter(f"{MAIN}c")}


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_a_formula(text: str) -> None:
    """In CSV it gets an apostrophe; in a workbook it is text by its type."""
    assert csv_text(["a"], [[text]]).splitlines()[1].strip('"').startswith("'")
    cell = cells(xlsx_bytes([Sheet(name="S", heads=["a"], rows=[[text]])]))["A2"]
    assert cell.attrib["t"] == "inlineStr"
    assert cell.find(f"{MAIN}f") is None
    assert "".join(cell.itertext()) == text


def test_cells_keep_their_type() -> None:
    """Amounts to the cent, shares, counts and days are numbers; nothing is left out empty."""
    row = [Amount(cents=-1250), Share(value=0.25), 7, date(2025, 1, 31), None, float("nan"), "a"]
    found = cells(xlsx_bytes([Sheet(name="S", heads=list("abcdefg"), rows=[row])]))
    values = {place: cell.findtext(f"{MAIN}v") for place, cell in found.items() if place[1] == "2"}
    assert values["A2"] == "-12.50"
    assert values["B2"] == "0.25"
    assert values["C2"] == "7"
    assert values["D2"] == "45688"  # days since 1899-12-30
    assert "E2" not in found
    assert "F2" not in found
    assert found["B2"].attrib["s"] != found["A2"].attrib["s"]


def test_our_own_formulas_carry_their_value() -> None:
    """A reader without a calculator sees the number, a spreadsheet can check it."""
    formula = Formula(text='IF(A1>"x",1,2)', value=2.0)
    cell = cells(xlsx_bytes([Sheet(name="S", heads=["a"], rows=[[formula]])]))["A2"]
    assert cell.findtext(f"{MAIN}f") == formula.text
    assert cell.findtext(f"{MAIN}v") == "2.0"


def test_letters_that_xml_forbids_are_dropped() -> None:
    """A control character in a name breaks no workbook."""
    found = cells(xlsx_bytes([Sheet(name="S", heads=["a"], rows=[["a\x00b\x0bc<&>"]])]))
    assert "".join(found["A2"].itertext()) == "a b c<&>"


def test_the_same_table_gives_the_same_bytes() -> None:
    """No clock gets into the file."""
    sheets = [Sheet(name="S", heads=["a"], rows=[["x"]], notes=["n"])]
    assert xlsx_bytes(sheets) == xlsx_bytes(sheets)


def test_a_row_stays_a_row() -> None:
    """Line breaks in a text do not break the CSV."""
    assert csv_text(["a", "b"], [["one\r\ntwo", 1]]).splitlines() == ["a,b", "one two,1"]
