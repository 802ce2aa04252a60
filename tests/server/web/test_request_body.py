"""A small body never becomes a large one, and a damaged one is named."""

import gzip
import zlib

import pytest
import zstandard
from parcimetre_server.web.request_body import MOST_RECEIVED, MOST_UNPACKED, BadEncoding, TooLarge, unpack

TEXT = b'{"slots": []}' * 100


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
    ],
    ids=["none", "identity", "gzip", "zstd"],
)
def test_a_body_is_unpacked_as_its_encoding_says(encoding, body):
    assert unpack(body, encoding) == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_refused_and_the_largest_body_is_not(pack):
    encoding = "gzip" if pack is gzip.compress else "zstd"
    assert len(unpack(pack(bytes(MOST_UNPACKED)), encoding)) == MOST_UNPACKED
    with pytest.raises(TooLarge, match="fewer slots") as told:
        unpack(pack(bytes(MOST_UNPACKED + 1)), encoding)
    assert told.value.status == 413


async def parts(size):
    """A body without a stated length."""
    for _ in range(size // 65_536):
        yield bytes(65_536)


@pytest.mark.parametrize("path", ["/v1/outlets", "/v1/reports/schedules", "/v1/estimate"])
def test_no_route_reads_more_than_the_limit_whatever_its_reader(reader, path):
    answer = reader.post(path, content=bytes(MOST_RECEIVED + 1))
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert reader.post(path, content=parts(3 * MOST_RECEIVED)).status_code in (400, 413)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", TEXT, id="not gzip"),
        pytest.param("gzip", gzip.compress(TEXT)[:-6], id="cut short"),
        pytest.param("gzip", zlib.compress(TEXT), id="zlib"),
        pytest.param("zstd", TEXT, id="not zstd"),
        pytest.param("br", TEXT, id="unknown"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(encoding, body):
    with pytest.raises(BadEncoding):
        unpack(body, encoding)
