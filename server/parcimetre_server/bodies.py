"""Bodies of requests: decompressed within limits, so that no small body becomes a large one."""

from __future__ import annotations

import zlib

import zstandard
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from .errors import ParcimetreError

MOST_RECEIVED = 1 << 20
MOST_UNPACKED = 16 << 20
SHORT = 16 << 10  # unpacked quicker than handed to another thread
FIRST_UNPACKED = 4 << 10  # of an hour's report all; zlib takes more room for a greater limit
GZIP_WINDOW = 31


class TooLarge(ParcimetreError):
    """A body beyond the limits."""

    status = 413
    kind = "too-large"


class BadEncoding(ParcimetreError):
    """A body that is not what its Content-Encoding says."""

    status = 415
    kind = "bad-encoding"


async def read_body(request: Request) -> bytes:
    """The body, decompressed; a long one off the event loop. Raises TooLarge and BadEncoding."""
    received = bytearray()
    async for part in request.stream():
        received += part
        if len(received) > MOST_RECEIVED:
            raise TooLarge(f"the body has more than {MOST_RECEIVED} bytes: send fewer slots at once")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if len(received) <= SHORT:
        return unpack(bytes(received), encoding)
    return await run_in_threadpool(unpack, bytes(received), encoding)


def unpack(body: bytes, encoding: str) -> bytes:
    """Decompress gzip or zstd, at most MOST_UNPACKED bytes. Raises TooLarge and BadEncoding."""
    try:
        match encoding:
            case "identity" | "":
                return body
            case "gzip":
                return _gunzip(body)
            case "zstd":
                return _unzstd(body)
    except (zlib.error, zstandard.ZstdError) as error:
        raise BadEncoding(f"the body is not {encoding}: {error}") from None
    raise BadEncoding(f"Content-Encoding {encoding!r} is not understood: send gzip, zstd or none")


def _gunzip(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    unpacked = unpacker.decompress(body, FIRST_UNPACKED)
    if not unpacker.eof:
        unpacked += unpacker.decompress(unpacker.unconsumed_tail, MOST_UNPACKED + 1 - len(unpacked))
    if len(unpacked) > MOST_UNPACKED:
        raise _too_large()
    if not unpacker.eof:
        raise BadEncoding("the gzip body ends too early: send it again")
    return unpacked


def _unzstd(body: bytes) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=MOST_UNPACKED).stream_reader(body) as reader:
        unpacked = reader.read(MOST_UNPACKED + 1)
    if len(unpacked) > MOST_UNPACKED:
        raise _too_large()
    return unpacked


def _too_large() -> TooLarge:
    return TooLarge(f"the unpacked body has more than {MOST_UNPACKED} bytes: send fewer slots at once")
