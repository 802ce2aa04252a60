"""Connections of the HTTP server: time-outs of head, body and answer, and a bound on their number.

A client that sends half a request, or does not read its answer, holds a file descriptor. So each phase has a
deadline, and at the bound a new connection replaces one that waits for its client: those of the address with
the most of them first, the oldest of these first. A request that is complete is never cut off for another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 10.0  # from the connection, or the first byte of a further request, to the end of its head
BODY_S = 20.0  # to the end of its body, and longer by
LEAST_BYTES_S = 2048  # for each so many bytes that have arrived: 1 MiB in at most nine minutes
ANSWER_S = 30.0  # without a byte of the answer being read
CLOSING_S = 30.0  # for the rest of a body that was answered already, and for a connection to close
SWEEP_S = 1.0
MOST_HEAD = 32 << 10
MOST_CONNECTIONS = 10_000
MANY_ADDRESSES = 200  # with more of them, the oldest connection goes, whatever its address
LOG_AGAIN_S = 600.0
LOG = logging.getLogger(__name__)

Phase = Literal["head", "body", "answer", "idle", "closing"]
WAITING: tuple[Phase, ...] = ("head", "body", "closing")
TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
LONG_HEAD = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Client(Protocol):
    """What the list of connections needs to know of one."""

    state: ConnectionState

    def is_late(self, now_s: float) -> bool:
        """Return whether the deadline of its phase is over."""

    def end(self) -> None:
        """Close the connection because its client is late."""

    def abort(self) -> None:
        """Close the connection at once."""


@dataclass
class ConnectionState:
    """Phase of a connection, since when (s, monotonic), and the bytes that arrived in it."""

    phase: Phase
    since_s: float
    address: str = ""
    received: int = 0
    unread: int = 0
    unread_since_s: float = 0.0

    def has_unread_answer(self, unread: int, now_s: float) -> bool:
        """Note the bytes of answers that the client has not read; return whether none was read for long."""
        if unread == 0 or unread != self.unread:
            self.unread, self.unread_since_s = unread, now_s
        return now_s > self.unread_since_s + ANSWER_S

    def enter(self, phase: Phase) -> None:
        """Begin a phase."""
        self.phase, self.since_s, self.received = phase, time.monotonic(), 0

    def deadline_s(self) -> float:
        """Return when the client is late."""
        match self.phase:
            case "head":
                return self.since_s + HEAD_S
            case "body":
                return self.since_s + BODY_S + self.received / LEAST_BYTES_S
            case "idle" | "closing":
                return self.since_s + CLOSING_S  # the server itself closes idle ones earlier
            case "answer":
                return math.inf


@dataclass
class Connections:
    """Open connections of one server, at most `most`; all methods run in its event loop."""

    most: int = MOST_CONNECTIONS
    _open: dict[Client, None] = field(default_factory=dict)
    _logged_at: float = float("-inf")
    _sweeping: bool = False
    replaced: int = 0

    def add(self, client: Client) -> None:
        """Add a connection; at the bound, close one that waits for its client."""
        if len(self._open) >= self.most:
            self._make_room(client)
        self._open[client] = None
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def remove(self, client: Client) -> None:
        """Forget a closed connection."""
        self._open.pop(client, None)

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._open)

    def _make_room(self, newcomer: Client) -> None:
        """Close a connection that waits for its client, or the new one if all wait for the collector."""
        victim = oldest_of_the_busiest_address(self._open) or newcomer
        self.replaced += 1
        self.remove(victim)
        victim.abort()
        now_s = time.monotonic()
        if now_s - self._logged_at >= LOG_AGAIN_S:
            self._logged_at = now_s
            LOG.warning(
                "%d connections are open, as many as may be: those that wait longest for their client are "
                "closed for new ones, first one from %s. Look for an attack; a reverse proxy can limit it",
                self.most,
                victim.state.address,
            )

    def _sweep(self) -> None:
        """Close the connections whose client is late, every second while there are any."""
        now_s = time.monotonic()
        for client in [client for client in self._open if client.is_late(now_s)]:
            client.end()
        self._sweeping = bool(self._open)
        if self._sweeping:
            asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)


def oldest_of_the_busiest_address(clients: Iterable[Client]) -> Client | None:
    """Return the connection to replace: an idle one, else one that waits for its client; None without any."""
    waiting: dict[str, list[Client]] = {}
    for client in clients:
        if client.state.phase == "idle" and not client.state.unread:
            return client
        if client.state.phase in WAITING:
            waiting.setdefault(client.state.address, []).append(client)
    if not waiting:
        return None
    if len(waiting) > MANY_ADDRESSES:
        candidates = [client for of_address in waiting.values() for client in of_address]
    else:
        candidates = max(waiting.values(), key=len)
    return min(candidates, key=lambda client: client.state.since_s)


class GuardedProtocol(HttpToolsProtocol):
    """HTTP protocol of one connection, with deadlines."""

    guard: Connections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with waiting for a head."""
        super().__init__(*args, **kwargs)
        self.state = ConnectionState("head", time.monotonic())

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection."""
        super().connection_made(transport)
        self.state.address = str(self.client[0]) if self.client else ""
        self.guard.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.guard.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, unless the head is longer than any browser's."""
        if self.state.phase == "idle":
            self.state.enter("head")
        super().data_received(data)
        self.state.received += len(data)
        if self.state.phase == "head" and self.state.received > MOST_HEAD:
            self._refuse(LONG_HEAD)

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        if self.state.phase in ("head", "idle"):
            self.state.enter("body")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the answer; a further request whose answer waits for this one's has no deadline yet."""
        if self.state.phase == "body":
            self.state.enter("answer")
        elif self.state.phase == "closing" and not self.transport.is_closing():
            self.state.enter("idle")
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for a further request; briefly for the rest of a body that was answered already."""
        was = self.state.phase
        super().on_response_complete()
        if self.pipeline or not self.cycle.response_complete:
            self.state.enter("answer")
        elif self.transport.is_closing() or was == "body":
            self.state.enter("closing")
        else:
            self.state.enter("idle")

    def is_late(self, now_s: float) -> bool:
        """Return whether the client is late; never while it waits for the server."""
        unread = self.transport.get_write_buffer_size()
        if self.state.has_unread_answer(unread, now_s):
            return True
        if self.state.phase == "body" and self.flow.read_paused:
            self.state.since_s = now_s
        return unread == 0 and now_s > self.state.deadline_s()

    def end(self) -> None:
        """Tell the client that it is late, or cut it off if it does not read."""
        if self.state.phase in ("head", "body") and not (self.cycle and self.cycle.response_started):
            self._refuse(TIMED_OUT)
        else:
            self.abort()

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _refuse(self, answer: bytes) -> None:
        self.state.enter("closing")
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


def guard(config: Config, connections: Connections) -> None:
    """Count and time the connections of a server's loaded configuration; TLS handshakes are timed alone."""
    config.http_protocol_class = type("Guarded", (GuardedProtocol,), {"guard": connections})
    loop = asyncio.get_running_loop()
    if config.ssl is not None:
        # uvicorn passes no time-out of the handshake on
        timed = partial(loop.create_server, ssl_handshake_timeout=HEAD_S)
        loop.create_server = timed  # type: ignore[method-assign]


def descriptors(reserve: int = 256) -> int:
    """Raise the limit on open files to what this user may have; return how many connections that allows."""
    most = MOST_CONNECTIONS
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            most = min(most, max(soft - reserve, soft // 2))
    return most
