"""Read request bodies, decompressed within limits, against decompression bombs."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import zstandard
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from ..base.errors import ParcimetreError

Headers = Mapping[bytes, bytes]
MOST_RECEIVED = 1 << 20
MOST_UNPACKED = 6 << 20  # a report of 1000 slots with every energy source is 3 MiB
SHORT = 16 << 10  # handled quicker than handed to another thread
FIRST_UNPACKED = 4 << 10  # of an hour's report all; zlib takes more room for a greater limit
GZIP_WINDOW = 31


@dataclass(frozen=True)
class BodyLimits:
    """Bytes of a body as sent and unpacked; `advice` is what a sender beyond them should do."""

    received: int = MOST_RECEIVED
    unpacked: int = MOST_UNPACKED
    advice: str = "send fewer slots at once"


LONG = BodyLimits()
SMALL = BodyLimits(SHORT, SHORT, "send the documented fields only")
"""For what anyone may send without a login: enrolments, and the form of the login page."""


class TooLarge(ParcimetreError):
    """A body beyond the limits."""

    status = 413
    kind = "too-large"


class BadEncoding(ParcimetreError):
    """A body that is not what its Content-Encoding says."""

    status = 415
    kind = "bad-encoding"


class PackedBody(NamedTuple):
    """A body as sent, with its Content-Encoding."""

    packed: bytes
    encoding: str
    limits: BodyLimits

    def short(self) -> bytes | None:
        """Return the body if unpacking it is quick, None if it is long. Raises TooLarge and BadEncoding."""
        if len(self.packed) > SHORT:
            return None
        try:
            return unpack(self.packed, self.encoding, BodyLimits(SHORT, SHORT, self.limits.advice))
        except TooLarge:
            if self.limits.unpacked <= SHORT:
                raise
            return None

    def unpacked(self) -> bytes:
        """Return the body. Raises TooLarge and BadEncoding."""
        return unpack(self.packed, self.encoding, self.limits)


async def read_body(request: Request, limits: BodyLimits = LONG) -> bytes:
    """Return the body of a request, decompressed off the event loop if it is long.

    Raises TooLarge and BadEncoding.
    """
    body = await packed_body(dict(request.scope["headers"]), request.receive, limits)
    short = body.short()
    return await run_in_threadpool(body.unpacked) if short is None else short


async def packed_body(headers: Headers, receive: Receive, limits: BodyLimits = LONG) -> PackedBody:
    """Read a body as sent. Raises TooLarge, and ClientDisconnect if the client has gone."""
    _check_stated_length(headers, limits)
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    return PackedBody(await _packed(receive, limits), encoding, limits)


def bounded(scope: Scope, receive: Receive, limits: BodyLimits = LONG) -> Receive:
    """Return what receives a request's body within the limits, whoever reads it. Raises TooLarge."""
    _check_stated_length(dict(scope["headers"]), limits)
    length = 0

    async def counted() -> Message:
        """Receive a part, and count it."""
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > limits.received:
            raise _too_long(limits)
        return message

    return counted


def _check_stated_length(headers: Headers, limits: BodyLimits) -> None:
    """Raise TooLarge for a body whose Content-Length is beyond the limit, before any of it is read."""
    stated = headers.get(b"content-length", b"")
    if stated.isdigit() and (len(stated) > len(str(limits.received)) or int(stated) > limits.received):
        raise _too_long(limits)


async def _packed(receive: Receive, limits: BodyLimits) -> bytes:
    """Read a body as sent. Raises ClientDisconnect if the client has gone."""
    parts, length = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > limits.received:
            raise _too_long(limits)
        if not message.get("more_body", False):
            return b"".join(parts)


def unpack(body: bytes, encoding: str, limits: BodyLimits = LONG) -> bytes:
    """Decompress gzip or zstd, at most `limits.unpacked` bytes. Raises TooLarge and BadEncoding."""
    try:
        match encoding:
            case "identity" | "":
                return body
            case "gzip":
                return _gunzip(body, limits)
            case "zstd":
                return _unzstd(body, limits)
    except (zlib.error, zstandard.ZstdError) as error:
        raise BadEncoding(f"the body is not {encoding}: {error}") from None
    raise BadEncoding(f"Content-Encoding {encoding[:40]!r} is not supported: send gzip, zstd or none")


def _gunzip(body: bytes, limits: BodyLimits) -> bytes:
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    unpacked = unpacker.decompress(body, min(FIRST_UNPACKED, limits.unpacked))
    if not unpacker.eof:
        unpacked += unpacker.decompress(unpacker.unconsumed_tail, limits.unpacked + 1 - len(unpacked))
    if len(unpacked) > limits.unpacked:
        raise _too_large(limits)
    if not unpacker.eof:
        raise BadEncoding("the gzip body ends too early: send it again")
    return unpacked


def _unzstd(body: bytes, limits: BodyLimits) -> bytes:
    with zstandard.ZstdDecompressor(max_window_size=MOST_UNPACKED).stream_reader(body) as reader:
        unpacked = reader.read(limits.unpacked + 1)
    if len(unpacked) > limits.unpacked:
        raise _too_large(limits)
    return unpacked


def _too_long(limits: BodyLimits) -> TooLarge:
    return TooLarge(f"the body has more than {limits.received} bytes: {limits.advice}")


def _too_large(limits: BodyLimits) -> TooLarge:
    return TooLarge(f"the unpacked body has more than {limits.unpacked} bytes: {limits.advice}")
