"""SNMP v1, v2c and v3, by puresnmp: values by OID, and two ways to fail. Sockets are opened here alone."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..base.errors import BadSettings
from .answers import Value
from .configuration import SnmpTarget

if TYPE_CHECKING:
    import puresnmp
    from puresnmp.transport import Endpoint

AT_ONCE = 12
"""OIDs in a request: some printers answer no more."""
MANY_AT_ONCE = 40
"""Values of a large table in an answer: about as many as fit into a datagram."""
MOST_ROWS = 500
FEW_ROWS = 4


class NoAnswer(Exception):
    """Nothing came back in time: off, away, or these credentials are not known there."""


class UnreadableAnswer(Exception):
    """Something came back that is no SNMP, or no answer to what was asked."""


class SnmpSession:
    """One device that is asked a few things in a row. `asked` counts the datagrams that were sent.

    What it answered to a request is not asked again.
    """

    def __init__(self, target: SnmpTarget, timeout_s: int, retries: int) -> None:
        """Nothing is sent yet. Raises Silent for a name that has no address."""
        import puresnmp

        self.asked = 0
        self.host = target.host
        self._answered: dict[str, Value | None] = {}
        try:
            self._client = puresnmp.Client(
                target.host, _credentials(target), port=target.port, sender=self._send
            )
        except OSError:
            raise NoAnswer from None
        self._client.configure(timeout=timeout_s, retries=retries)
        _decode_once(self._client)
        self._one_by_one = target.credential.version == "1"

    async def get(self, oids: Iterable[str]) -> dict[str, Value]:
        """The values of these OIDs; those that the device does not have are left out.

        Raises Silent and Garbled.
        """
        named = list(dict.fromkeys(oids))
        wanted = [oid for oid in named if oid not in self._answered]
        for at in range(0, len(wanted), AT_ONCE):
            some = wanted[at : at + AT_ONCE]
            self._answered.update({**dict.fromkeys(some), **await self._get(some)})
        answers = ((oid, self._answered[oid]) for oid in named)
        return {oid: value for oid, value in answers if value is not None}

    async def walk(
        self,
        root: str,
        at_once: int = FEW_ROWS,
        most: int = MOST_ROWS,
        first: int = 0,
        last: int | None = None,
    ) -> dict[str, Value]:
        """Everything below an OID, by the part of the OID after it; `most` ends the walk.

        `at_once` is how many values an answer may hold: about as many as there are is cheapest. Of a table it
        may be the columns from `first` to `last` alone. Raises Silent and Garbled.
        """
        found: dict[str, Value] = {}
        after = f"{root}.{first}" if first else root
        while len(found) < most:
            rows = await self._next(after, at_once)
            for oid, value in rows:
                rest = oid[len(root) + 1 :]
                if not oid.startswith(root + ".") or rest in found:
                    return found
                if last is not None and int(rest.partition(".")[0]) > last:
                    return found
                if value is not None:
                    found[rest] = value
                after = oid
            if not rows:
                return found
        return found

    async def _get(self, oids: list[str]) -> dict[str, Value]:
        """One request; halved while the device refuses it whole, as v1 does for a single unknown OID."""
        from puresnmp import ObjectIdentifier
        from puresnmp.exc import ErrorResponse

        try:
            values = await _answered(self._client.multiget([ObjectIdentifier(oid) for oid in oids]))
        except ErrorResponse:
            if len(oids) == 1:
                return {}
            half = len(oids) // 2
            return {**await self._get(oids[:half]), **await self._get(oids[half:])}
        known = zip(oids, map(_value, values))
        return {oid: value for oid, value in known if value is not None}

    async def _next(self, oid: str, at_once: int) -> list[tuple[str, Value | None]]:
        from puresnmp import ObjectIdentifier
        from puresnmp.exc import ErrorResponse

        after = ObjectIdentifier(oid)
        try:
            if self._one_by_one:
                rows = await _answered(self._client.multigetnext([after]))
                return [(str(rows[0].oid), _value(rows[0].value))] if rows else []
            bulk = await _answered(self._client.bulkget([], [after], max_list_size=at_once))
        except ErrorResponse:
            return []
        return [(str(row), _value(value)) for row, value in bulk.listing.items()]

    async def _send(
        self,
        endpoint: Endpoint,
        packet: bytes,
        timeout: int = 2,
        loop: asyncio.AbstractEventLoop | None = None,
        retries: int = 1,
    ) -> bytes:
        """Send until something comes back. Raises Silent."""
        running = loop or asyncio.get_running_loop()
        where = (str(endpoint.ip), endpoint.port)
        transport, mailbox = await running.create_datagram_endpoint(_Mailbox, remote_addr=where)
        try:
            for _attempt in range(retries + 1):
                self.asked += 1
                transport.sendto(packet)
                try:
                    return await asyncio.wait_for(asyncio.shield(mailbox.answer), timeout)
                except asyncio.TimeoutError:
                    continue
        finally:
            transport.close()
            mailbox.answer.cancel()
        raise NoAnswer


class _Mailbox(asyncio.DatagramProtocol):
    """The first datagram that comes back; what comes later is left."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002
        """Keep the first."""
        if not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002
        """A host that says that nobody listens is as good as silent."""
        if not self.answer.done():
            self.answer.set_exception(NoAnswer())


async def _answered(asking: Any) -> Any:
    """What puresnmp answers. Raises its ErrorResponse, Silent, or Garbled for all else that comes back.

    Its decoder raises what it stumbles over in a datagram of any kind, so only the edge can be named.
    """
    from puresnmp.exc import ErrorResponse

    try:
        return await asking
    except (ErrorResponse, NoAnswer):
        raise
    except OSError:
        raise NoAnswer from None
    except Exception as error:  # noqa: BLE001
        raise UnreadableAnswer(f"{type(error).__name__}: {str(error)[:120]}") from None


def _decode_once(client: puresnmp.Client) -> None:
    """Keep what an answer was decoded to: puresnmp would do it anew at each look."""
    decode = client.mpm.decode

    def once(raw: bytes, credentials: Any) -> Any:
        """The answer, with its value."""
        answer = decode(raw, credentials)
        answer.pyvalue = answer.value
        return answer

    client.mpm.decode = once  # type: ignore[method-assign, assignment]


def _credentials(target: SnmpTarget) -> puresnmp.V1 | puresnmp.V2C | puresnmp.V3:
    from puresnmp import V1, V2C, V3, Auth, Priv

    given = target.credential
    for noise in _NOISE:
        warnings.filterwarnings("ignore", noise)
    if given.version != "3":
        return (V1 if given.version == "1" else V2C)(given.community)
    return V3(
        given.user,
        None if given.auth is None else Auth(given.auth_key.encode(), _METHODS[given.auth]),
        None if given.privacy is None else Priv(given.privacy_key.encode(), given.privacy),
    )


_NOISE = (
    "Experimental SNMPv1",
    ".*has been moved to cryptography.hazmat.decrepit",
    "Single-key TripleDES",
)
_METHODS = {"md5": "md5", "sha": "sha1"}


def _value(raw: Any) -> Value | None:
    """A value in plain Python; None for "no such object" and for the end of the MIB."""
    from puresnmp.pdu import EndOfMibView, NoSuchInstance, NoSuchObject

    if isinstance(raw, (NoSuchObject, NoSuchInstance, EndOfMibView)):
        return None
    plain = raw.pythonize()
    if isinstance(plain, timedelta):
        return plain.total_seconds()
    return plain if isinstance(plain, (int, str, bytes)) else str(plain)


def check_installed() -> None:
    """Say how to add puresnmp where it is absent, without loading it. Raises BadSettings."""
    if find_spec("puresnmp") is None:
        raise BadSettings("the gateway needs puresnmp; add it with: pip install 'parcimetre-agent[gateway]'")
