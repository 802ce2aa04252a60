"""Tables as spreadsheets write them."""

import pytest
from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.tables.csv_rows import numbered

HEADER, ROW = "id,value,note", "a,1.5,plain"


def rows(tmp_path, data):
    """The rows of a file of these bytes."""
    (tmp_path / "t.csv").write_bytes(data)
    return list(numbered(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    "data",
    [
        f"{HEADER}\n{ROW}\n".encode(),
        f"{HEADER}\r\n{ROW}\r\n".encode(),
        f"{HEADER}\n{ROW}".encode("utf-8-sig"),
        b"id;value;note\r\na;1,5;plain\r\n",
    ],
    ids=["plain", "windows", "byte order mark", "semicolons and decimal commas"],
)
def test_a_spreadsheet_s_way_of_writing_changes_nothing(tmp_path, data):
    assert rows(tmp_path, data) == [(2, {"id": "a", "value": "1.5", "note": "plain"})]


def test_a_comma_in_text_stays_where_semicolons_separate(tmp_path):
    [(_, row)] = rows(tmp_path, b"id;value;note\na;1,5;one, two\n")
    assert row["note"] == "one, two"


def test_lines_are_those_of_the_file(tmp_path):
    text = f'{HEADER}\na,1,"two\nlines"\n\nb,2,plain\n'
    assert [line for line, _ in rows(tmp_path, text.encode())] == [3, 5]


def test_a_separator_in_text_without_quotes_is_refused_with_its_line(tmp_path):
    with pytest.raises(BadFactorRow, match=r't\.csv line 2: more cells than columns; .*"quotes"'):
        rows(tmp_path, f"{HEADER}\na,1,one, two\n".encode())


def test_another_encoding_is_refused_with_the_mend(tmp_path):
    with pytest.raises(BadFactorRow, match=r"t\.csv is not UTF-8; save it as CSV in UTF-8"):
        rows(tmp_path, "id,value,note\na,1,modèle\n".encode("cp1252"))


def test_an_empty_file_has_no_rows(tmp_path):
    assert rows(tmp_path, b"") == []
