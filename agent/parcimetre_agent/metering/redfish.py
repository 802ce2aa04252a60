"""Ask a BMC over Redfish (DMTF): one connection, documents, and the energy of a whole server.

Loaded only where a BMC is asked: by an agent for its own machine, by a gateway for many. Links are followed,
never built. In this order: the chassis' energy counter (EnvironmentMetrics), the power supplies' energy
counters (PowerSubsystem), the mean power over its interval (Power, deprecated by DMTF). A counter that only
shows whole kWh is too coarse for a quarter hour, and the next is tried.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..base.outcome import NoData, Ok, Outcome
from .counters import Counter
from .rare_readings import MeanPower, window_fits

SOURCE, QUALITY = "bmc_redfish", "measured"
ROOT = "/redfish/v1/"
LIMIT_S = 5.0
MAX_BYTES = 1_000_000
MAX_MEMBERS = 16
CEILING_W = 20_000.0
DENIED = (401, 403)
WHOLE = ("RackMount", "StandAlone", "Blade", "Sled", "Other")
FINGERPRINT = re.compile(r"sha256:(?:[0-9a-f]{2}:?){32}", re.IGNORECASE)
_J_PER_KWH = 3.6e6
Get = Callable[[str], "dict[str, Any]"]


class UnexpectedStatus(Exception):
    """A status other than 200; where the BMC has the document is then looked for elsewhere."""

    def __init__(self, status: int, path: str) -> None:
        super().__init__(f"the BMC answered {status} to {path}")
        self.status = status


class NotRedfish(Exception):
    """A document that is not what the standard says."""


class UntrustedCertificate(Exception):
    """A certificate that is not to be trusted; nothing was said to who showed it."""


@dataclass(frozen=True)
class BmcAccess:
    """Where a BMC is, how to know it, and who asks; `fingerprint` is SHA-256 of its certificate.

    TLS is verified against the system's CAs and `ca_file`, or by the fingerprint alone where one is given.
    """

    host: str
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None
    fingerprint: str | None = None
    encrypted: bool = True


class RedfishConnection:
    """A BMC that is asked a few things in a row, on one connection, without a session that would stay."""

    def __init__(self, access: BmcAccess) -> None:
        """Nothing is sent yet. Raises OSError for a `ca_file` that cannot be used."""
        self._access = access
        self._connection = _connection(access)

    def get(self, path: str) -> dict[str, Any]:
        """One document.

        Raises Answered when the BMC does not give it, NotRedfish when it is none, Untrusted, OSError and
        HTTPException.
        """
        headers = {"Accept": "application/json", "OData-Version": "4.0"}
        if self._access.user:
            pair = f"{self._access.user}:{self._access.password}"
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        try:
            response = self._asked(path, headers)
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message.partition(",")[0]
            raise UntrustedCertificate(
                f"the BMC's certificate is not trusted ({why}): give its CA or the certificate "
                "itself in ca_file, or pin it with fingerprint"
            ) from None
        body = response.read(MAX_BYTES)
        if response.status != 200 or not response.isclosed():
            self.close()
        if response.status != 200:
            raise UnexpectedStatus(response.status, path)
        return _document(body, path)

    def _asked(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        """The answer; asked once more where the BMC had ended the connection since the question before."""
        was_open = self._connection.sock is not None
        try:
            self._connection.request("GET", path, headers=headers)
            return self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if not was_open:
                raise
            self.close()
            self._connection.request("GET", path, headers=headers)
            return self._connection.getresponse()

    def close(self) -> None:
        """End the connection; the next question opens another."""
        self._connection.close()


class _Pinned(http.client.HTTPSConnection):
    """Speaks only to who shows one certificate; who signed it does not matter."""

    def __init__(self, access: BmcAccess) -> None:
        super().__init__(access.host, access.port, timeout=LIMIT_S, context=_trusting_all())
        self._fingerprint = fingerprint_digits(access.fingerprint or "")

    def connect(self) -> None:
        """Open the connection. Raises Untrusted before anything is said to another."""
        super().connect()
        shown = _hash(self.sock)
        if not hmac.compare_digest(shown, self._fingerprint):
            self.close()
            raise UntrustedCertificate(
                f"the BMC presents another certificate, sha256:{shown}: if it was renewed, set that "
                "as its fingerprint"
            )


def shown_fingerprint(access: BmcAccess) -> str:
    """The fingerprint of the certificate that is shown, whoever signed it. Raises OSError."""
    with (
        socket.create_connection((access.host, access.port or 443), LIMIT_S) as plain,
        _trusting_all().wrap_socket(plain, server_hostname=access.host) as encrypted,
    ):
        return f"sha256:{_hash(encrypted)}"


def _hash(encrypted: ssl.SSLSocket) -> str:
    return hashlib.sha256(encrypted.getpeercert(binary_form=True) or b"").hexdigest()


def _trusting_all() -> ssl.SSLContext:
    """For a certificate that is looked at itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint_digits(fingerprint: str) -> str:
    """A fingerprint as hexadecimal digits alone."""
    return fingerprint.lower().replace("sha256:", "").replace(":", "")


def _connection(access: BmcAccess) -> http.client.HTTPConnection:
    """A connection not yet opened."""
    if not access.encrypted:
        return http.client.HTTPConnection(access.host, access.port, timeout=LIMIT_S)
    if access.fingerprint:
        return _Pinned(access)
    context = ssl.create_default_context()
    if access.ca_file:
        context.load_verify_locations(access.ca_file)
    return http.client.HTTPSConnection(access.host, access.port, timeout=LIMIT_S, context=context)


def _document(body: bytes, path: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotRedfish(f"{path} is not JSON: {str(error)[:80]}") from None
    if not isinstance(document, dict):
        raise NotRedfish(f"{path} is not a Redfish document")
    return document


def energy(get: Get, chassis: Iterable[str] | None = None) -> Outcome[list[Any]]:
    """Energy counters of the first chassis that measures power, or the mean over the BMC's interval.

    `chassis` are the paths of those of one server; without them all that the BMC has are looked at. Raises
    what `get` does.
    """
    for path in members(get, get(ROOT), "Chassis") if chassis is None else chassis:
        document = get(path)
        if document.get("ChassisType", WHOLE[0]) not in WHOLE:
            continue
        for way in (_environment, _supplies, _power):
            found = way(get, document)
            if found:
                return Ok(found)
    return NoData(
        "the BMC has no energy counter that is precise enough, and no mean over a suitable interval"
    )


def members(get: Get, document: dict[str, Any], name: str, most: int = MAX_MEMBERS) -> list[str]:
    """The paths of a collection's members, in order; none where there is no such collection."""
    return list(paths(linked_document(get, document, name).get("Members")))[:most]


def paths(links: Any) -> Iterator[str]:
    """The paths in a list of links. Raises NotRedfish when it is no such list."""
    if not isinstance(links, (list, type(None))):
        raise NotRedfish("a list of links is not valid")
    for one in links or ():
        path = one.get("@odata.id") if isinstance(one, dict) else None
        if not isinstance(path, str):
            raise NotRedfish("a link is broken")
        yield path


def linked_document(get: Get, document: dict[str, Any], name: str) -> dict[str, Any]:
    """The document behind a link; empty when there is no link, or nothing behind it."""
    path = object_at(document, name).get("@odata.id")
    if not isinstance(path, str):
        return {}
    try:
        return get(path)
    except UnexpectedStatus as answer:
        if answer.status in DENIED:
            raise
        return {}


def object_at(document: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within a document; empty where there is none. Raises NotRedfish for what is no object."""
    found = document.get(name)
    if not isinstance(found, (dict, type(None))):
        raise NotRedfish(f"{name} is not an object")
    return found or {}


def _environment(get: Get, chassis: dict[str, Any]) -> list[Any]:
    document = linked_document(get, chassis, "EnvironmentMetrics")
    return _counter("chassis", object_at(document, "EnergykWh").get("Reading"))


def _supplies(get: Get, chassis: dict[str, Any]) -> list[Any]:
    """What all power supplies took in; none when one of them does not say."""
    found: list[Any] = []
    for path in members(get, linked_document(get, chassis, "PowerSubsystem"), "PowerSupplies"):
        metrics = linked_document(get, get(path), "Metrics")
        counter = _counter(path, object_at(metrics, "EnergykWh").get("Reading"))
        if not counter:
            return []
        found += counter
    return found


def _power(get: Get, chassis: dict[str, Any]) -> list[Any]:
    controls = linked_document(get, chassis, "Power").get("PowerControl")
    for control in controls if isinstance(controls, list) else ():
        metrics = object_at(control, "PowerMetrics") if isinstance(control, dict) else {}
        mean_w, minutes = number(metrics.get("AverageConsumedWatts")), number(metrics.get("IntervalInMin"))
        if mean_w is not None and minutes is not None and window_fits(minutes * 60):
            return [MeanPower(SOURCE, "wall_ac", QUALITY, mean_w, minutes * 60, CEILING_W)]
    return []


def number(value: Any) -> float | None:
    """A value of a document as a number; None for all else, and for what JSON of Python takes for one."""
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    return float(value) if is_one else None


def _counter(zone: str, reading: Any) -> list[Any]:
    """The counter; none when it shows whole kWh, of which a server takes hours for one."""
    energy_kwh = number(reading)
    if energy_kwh is None or energy_kwh == int(energy_kwh):
        return []
    return [Counter(SOURCE, "wall_ac", QUALITY, zone, energy_kwh * _J_PER_KWH, 0.0, CEILING_W)]
