"""Tables as CSV and as XLSX: typed cells, no formula that came from data.

An XLSX workbook is a zip of a few XML files. Text is written as inline strings, which no
spreadsheet ever reads as a formula; only a ``Formula`` made by our own code is one. The file
depends on its content alone: the same table gives the same bytes.
"""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

from serving.reports.wording import Amount

_FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001 (spreadsheets read the wide ones too)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_LONGEST_CELL = 32_767
_EPOCH = date(1899, 12, 30)
_PLAIN, _HEAD, _MONEY, _SHARE, _DATE, _COUNT = range(6)
_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A formula of our own, with the value it has now."""

    text: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share in [0, 1], shown in per cent."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet: its name, heads, rows, and lines of text below them."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()


def csv_text(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table as CSV; cells that a spreadsheet would read as a formula get an apostrophe.

    Examples
    --------
    >>> print(csv_text(["name", "amount"], [["=1+1", Amount(cents=-1250)], ["a", None]]), end="")
    name,amount
    '=1+1,-12.50
    a,
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _csv_cell(cell: object) -> str:
    match cell:
        case None:
            text = ""
        case Amount():
            text = f"{cell.cents / 100:.2f}"
        case Share() | Formula():
            text = f"{cell.value:.6f}" if cell.value == cell.value else ""
        case date():
            text = cell.isoformat()
        case int() | float():
            text = str(cell) if cell == cell else ""  # noqa: PLR0124 (NaN)
        case _:
            words = " ".join(str(cell).split())
            text = f"'{words}" if words.startswith(_FORMULA_STARTS) else words
    return text


def xlsx_bytes(sheets: Sequence[Sheet]) -> bytes:
    """Return a workbook.

    Parameters
    ----------
    sheets : sequence of Sheet
        At least one; names of at most 31 letters, digits and spaces.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, body: str) -> None:
            # A fixed time: the same table gives the same bytes.
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), _HEADER + body)

        count = len(sheets)
        put("[Content_Types].xml", _content_types(count))
        put(
            "_rels/.rels",
            _relations([("rId1", f"{_RELATIONS}/officeDocument", "xl/workbook.xml")]),
        )
        put("xl/workbook.xml", _workbook(sheets))
        links = [
            (f"rId{n}", f"{_RELATIONS}/worksheet", f"worksheets/sheet{n}.xml")
            for n in range(1, count + 1)
        ]
        styles = (f"rId{count + 1}", f"{_RELATIONS}/styles", "styles.xml")
        put("xl/_rels/workbook.xml.rels", _relations([*links, styles]))
        put("xl/styles.xml", _STYLES)
        for number, sheet in enumerate(sheets, start=1):
            put(f"xl/worksheets/sheet{number}.xml", _sheet(sheet))
    return stream.getvalue()


def column_letters(position: int) -> str:
    """Return the letters of a column, counted from 0.

    Examples
    --------
    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(701)
    ('A', 'Z', 'AA', 'ZZ')
    """
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _sheet(sheet: Sheet) -> str:
    table = [_row(1, sheet.heads, head=True)]
    table += [_row(number, row) for number, row in enumerate(sheet.rows, start=2)]
    below = len(sheet.rows) + 3
    table += [_row(below + at, [note]) for at, note in enumerate(sheet.notes)]
    width = max(len(sheet.heads), 1)
    end = f"{column_letters(width - 1)}{len(sheet.rows) + 1}"
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{_width(sheet, at - 1)}" customWidth="1"/>'
        for at in range(1, width + 1)
    )
    return (
        f'<worksheet xmlns="{_NAMESPACE}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f"</sheetView></sheetViews><cols>{columns}</cols>"
        f'<sheetData>{"".join(table)}</sheetData><autoFilter ref="A1:{end}"/></worksheet>'
    )


def _width(sheet: Sheet, at: int) -> int:
    texts = [str(row[at]) for row in sheet.rows[:200] if isinstance(row[at], str)]
    return min(max(len(text) for text in [sheet.heads[at], "1,000,000.00", *texts]) + 2, 60)


def _row(number: int, cells: Sequence[object], *, head: bool = False) -> str:
    drawn = "".join(
        _cell(f"{column_letters(at)}{number}", cell, head=head) for at, cell in enumerate(cells)
    )
    return f'<row r="{number}">{drawn}</row>'


def _cell(place: str, cell: object, *, head: bool) -> str:
    match cell:
        case Amount():
            drawn = _number(place, _MONEY, f"{cell.cents / 100:.2f}")
        case Formula():
            formula = f"<f>{escape(cell.text)}</f>"
            drawn = f'<c r="{place}" s="{_MONEY}">{formula}<v>{cell.value!r}</v></c>'
        case Share():
            drawn = _number(place, _SHARE, repr(cell.value))
        case date():
            drawn = _number(place, _DATE, str((cell - _EPOCH).days))
        case int():
            drawn = _number(place, _COUNT, str(cell))
        case float():
            drawn = _number(place, _PLAIN, repr(cell))
        case _:
            drawn = _text(place, "" if cell is None else str(cell), _HEAD if head else _PLAIN)
    return drawn


def _number(place: str, style: int, value: str) -> str:
    return "" if value == "nan" else f'<c r="{place}" s="{style}"><v>{value}</v></c>'


def _text(place: str, words: str, style: int) -> str:
    if not words:
        return ""
    text = escape(_FORBIDDEN.sub(" ", words)[:_LONGEST_CELL])
    return (
        f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    )


def _workbook(sheets: Sequence[Sheet]) -> str:
    named = "".join(
        f'<sheet name="{escape(sheet.name, {chr(34): "&quot;"})}" sheetId="{at}" r:id="rId{at}"/>'
        for at, sheet in enumerate(sheets, start=1)
    )
    return (
        f'<workbook xmlns="{_NAMESPACE}" xmlns:r="{_RELATIONS}"><sheets>{named}</sheets></workbook>'
    )


def _relations(links: Sequence[tuple[str, str, str]]) -> str:
    drawn = "".join(
        f'<Relationship Id="{name}" Type="{kind}" Target="{target}"/>'
        for name, kind, target in links
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{drawn}</Relationships>'


def _content_types(sheets: int) -> str:
    parts = [("workbook", "sheet.main"), ("styles", "styles")]
    overrides = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{_TYPES}.{kind}+xml"/>'
        for name, kind in parts
    ) + "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>'
        for n in range(1, sheets + 1)
    )
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="{rels}"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


_STYLES = (
    f'<styleSheet xmlns="{_NAMESPACE}">'
    '<numFmts count="3"><numFmt numFmtId="164" formatCode="#,##0.00"/>'
    '<numFmt numFmtId="165" formatCode="0.0%"/><numFmt numFmtId="166" formatCode="yyyy-mm-dd"/>'
    '</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="6">'
    + "".join(
        f'<xf numFmtId="{form}" fontId="{font}" fillId="0" borderId="0" xfId="0" '
        f'applyNumberFormat="1" applyFont="1"/>'
        for form, font in ((0, 0), (0, 1), (164, 0), (165, 0), (166, 0), (3, 0))
    )
    + "</cellXfs></styleSheet>"
)
