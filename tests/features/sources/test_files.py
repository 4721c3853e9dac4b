from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger.sensitive import SensitiveDataError
from features.ledger.tables import CONTACTS, FX_RATES
from features.sources.base import ContractError
from features.sources.files import RawTable, match_header, plain_name, read_csv, read_parquet


def _csv(folder: Path, content: str | bytes) -> RawTable:
    path = folder / "contacts.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_csv(CONTACTS, path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimiter_and_byte_order_mark_are_found(
    tmp_path: Path, delimiter: str, mark: bytes
) -> None:
    """Four delimiters, with or without a byte-order mark, give the same columns."""
    lines = "\n".join(
        delimiter.join(cells)
        for cells in (
            ["Contact ID", "ACCOUNT_ID", '"contacted on"', "Note"],
            ["0001", "A", "2020-01-31", "x"],
        )
    )
    raw = _csv(tmp_path, mark + lines.encode())
    assert {name: values.to_pylist() for name, values in raw.columns.items()} == {
        "contact_id": ["0001"],
        "account_id": ["A"],
        "contacted_on": ["2020-01-31"],
    }
    assert raw.unknown == ("Note",)


@settings(deadline=None)
@given(
    rows=st.lists(
        st.lists(
            st.text(alphabet='ab,;"|\n\té€ 0', min_size=1, max_size=6), min_size=2, max_size=2
        ),
        max_size=5,
    )
)
def test_quoted_text_is_verbatim(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    """Whatever is quoted comes back as it was, delimiters, quotes and line breaks too."""
    folder = tmp_path_factory.mktemp("csv")
    lines = ["contact_id,outcome"]
    lines += [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    raw = _csv(folder, "\n".join(lines) + "\n")
    assert raw.columns["contact_id"].to_pylist() == [row[0] for row in rows]
    assert raw.columns["outcome"].to_pylist() == [row[1] for row in rows]
    assert raw.rows.tolist() == list(range(1, len(rows) + 1))


def test_lines_with_another_number_of_fields_are_refused_by_number(tmp_path: Path) -> None:
    """Ragged lines are told with their line of data, and the others keep theirs."""
    raw = _csv(tmp_path, "\ncontact_id,account_id\n1,A\n2\n\n3,A\n4,A,B\n5,A\n")
    assert raw.columns["contact_id"].to_pylist() == ["1", "3", "5"]
    assert raw.rows.tolist() == [1, 3, 5]
    assert raw.rows_read == 5
    assert [(bad.row, bad.rule, bad.value) for bad in raw.rejected] == [
        (2, "fields", "1 fields, the header has 2"),
        (4, "fields", "3 fields, the header has 2"),
    ]


@pytest.mark.parametrize("content", ["contact_id", "contact_id\n", "\ncontact_id,x\r\n \n"])
def test_a_header_without_rows_is_a_table_without_rows(tmp_path: Path, content: str) -> None:
    """A table may be empty; its columns are there."""
    raw = _csv(tmp_path, content)
    assert {name: len(values) for name, values in raw.columns.items()} == {"contact_id": 0}
    assert (raw.rows_read, raw.rows.tolist()) == (0, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        ("contact_id,outcome\n1,Ärger\n".encode("latin-1"), "not UTF-8"),
        ("contact_id\n1\n".encode("utf-16"), "UTF-16"),
        (b'contact_id,outcome\n1,a\n"2,b\n3,c\n', "quotes are broken near line 2 of data"),
        (b"contact_id,Contact ID\n1,1\n", "two columns are called contact_id"),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """The error names table, file, what is wrong and what to do."""
    with pytest.raises(ContractError, match=message) as caught:
        _csv(tmp_path, content)
    assert "contacts.csv" in str(caught.value)


def test_denied_columns_are_refused_before_a_row_is_read(tmp_path: Path) -> None:
    """A column on the deny-list refuses the file, CSV or Parquet."""
    with pytest.raises(SensitiveDataError, match="'CVV'"):
        _csv(tmp_path, "contact_id,CVV\n1,123\n")
    path = tmp_path / "contacts.parquet"
    pq.write_table(pa.table({"contact_id": ["1"], "Card Number": ["x"]}), path)
    with pytest.raises(SensitiveDataError, match="'Card Number'"):
        read_parquet(CONTACTS, [path])


def test_a_card_number_in_a_header_is_not_shown(tmp_path: Path) -> None:
    """A file without a header may begin with a card number: it is replaced in what is told."""
    raw = _csv(tmp_path, "contact_id,4111 1111 1111 1111\n1,2\n")
    assert raw.unknown == ("[redacted: card number]",)


def test_parquet_keeps_types_and_joins_files(tmp_path: Path) -> None:
    """Files are read in order with their types; a column that one lacks is null there."""
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    pq.write_table(pa.table({"Currency": ["EUR"], "rate": [1.5], "bank": ["x"]}), first)
    pq.write_table(pa.table({"currency": ["CHF"]}), second)
    raw = read_parquet(FX_RATES, [first, second])
    assert raw.columns["currency"].to_pylist() == ["EUR", "CHF"]
    assert raw.columns["rate"].type == pa.float64()
    assert raw.columns["rate"].to_pylist() == [1.5, None]
    assert (raw.rows.tolist(), raw.unknown) == ([1, 2], ("bank",))


def test_parquet_that_is_none_or_does_not_agree_is_refused(tmp_path: Path) -> None:
    """A broken file and files of different types name the table and the next step."""
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    first.write_bytes(b"PAR1 no")
    with pytest.raises(ContractError, match=r"1\.parquet.*no Parquet file"):
        read_parquet(FX_RATES, [first])
    pq.write_table(pa.table({"rate": ["1"]}), first)
    pq.write_table(pa.table({"rate": [1.0]}), second)
    with pytest.raises(ContractError, match="do not agree"):
        read_parquet(FX_RATES, [first, second])


@given(st.sampled_from(CONTACTS.column_names), st.data())
def test_headers_match_without_case_spaces_and_underscores(name: str, data: st.DataObject) -> None:
    """Any casing and spacing of a name is that name."""
    written = "".join(
        data.draw(st.sampled_from([letter, letter.upper(), f" {letter}", f"_{letter}"]))
        for letter in name.replace("_", data.draw(st.sampled_from(["", " ", "_"])))
    )
    assert plain_name(written) == plain_name(name)
    assert match_header(CONTACTS, [written], "f.csv") == ([name], ())
