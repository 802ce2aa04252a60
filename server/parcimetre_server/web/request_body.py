"""Bodies of requests: decompressed within limits, so that no small body becomes a large one."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import zstandard
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from ..base.errors import ParcimetreError

Headers = Mapping[bytes, bytes]
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
    """The body of a request, as `received`."""
    return await received(dict(request.scope["headers"]), request.receive)


async def received(headers: Headers, receive: Receive) -> bytes:
    """A body, decompressed; a long one off the event loop. Raises TooLarge and BadEncoding."""
    packed = await _packed(receive)
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if len(packed) <= SHORT:
        return unpack(packed, encoding)
    return await run_in_threadpool(unpack, packed, encoding)


async def _packed(receive: Receive) -> bytes:
    """As it was sent. Raises ClientDisconnect where the client has gone meanwhile."""
    parts, length = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > MOST_RECEIVED:
            raise TooLarge(f"the body has more than {MOST_RECEIVED} bytes: send fewer slots at once")
        if not message.get("more_body", False):
            return b"".join(parts)


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
    raise BadEncoding(f"Content-Encoding {encoding!r} is not supported: send gzip, zstd or none")


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
