"""The Native format: what is written is read, what is cut is refused."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_server.store.clickhouse.native import NotNative, decode, encode

TYPES = {"n": "UInt64", "text": "String", "x": "Float64", "many": "Array(UInt16)"}
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1),
        st.text(max_size=9),
        st.floats(allow_nan=False),
        st.lists(st.integers(0, 65535), max_size=4),
    ),
    max_size=5,
)


def block(rows):
    ends = np.cumsum([len(row[3]) for row in rows], dtype=np.uint64)
    items = np.array([item for row in rows for item in row[3]], np.uint16)
    columns = {
        "n": np.array([row[0] for row in rows], np.uint64), "text": [row[1] for row in rows],
        "x": np.array([row[2] for row in rows]), "many": (ends, items),
    }  # fmt: skip
    return encode(TYPES, columns, len(rows))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_blocks_are_read_as_they_were_written_one_after_the_other(blocks):
    found = decode(b"".join(map(block, blocks)))
    rows = [row for rows in blocks for row in rows]
    ends, items = found["many"]
    lists = [part.tolist() for part in np.split(items, ends.astype(int))][: len(rows)]
    assert list(zip(found["n"].tolist(), found["text"], found["x"].tolist(), lists, strict=True)) == rows


def test_an_answer_that_was_cut_is_refused():
    whole = block([(1, "text", 1.0, [1, 2])])
    for size in range(1, len(whole)):
        with pytest.raises(NotNative):
            decode(whole[:size])


def test_a_type_that_is_not_ours_is_refused():
    with pytest.raises(NotNative, match="Nullable"):
        decode(encode({"a": "String"}, {"a": ["x"]}, 1).replace(b"\6String\1x", b"\x0fNullable(UInt8)"))
