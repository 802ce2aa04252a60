"""Energy of a whole server from its BMC over Redfish (DMTF), once a quarter hour; off until configured.

The file bmc.json names the BMC. In this order: the chassis' energy counter (EnvironmentMetrics), the power
supplies' energy counters (PowerSubsystem), the mean power over its interval (Power, deprecated by DMTF).
A counter that only shows whole kWh is too coarse for a quarter hour, and the next is tried.
"""
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from ..averages import Mean, window_fits
from ..counters import Counter
from ..outcome import Denied, Failed, NoData, Ok, Outcome, from_os_error

SOURCE, QUALITY = "bmc_redfish", "measured"
EVERY_S = 900
LIMIT_S = 5.0
MAX_BYTES = 1_000_000
MAX_MEMBERS = 16
CEILING_W = 20_000.0
FILE_NAME = "bmc.json"
FOLDER = (
    os.path.join(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "Parcimetre")
    if sys.platform == "win32"
    else "/etc/parcimetre"
)
GRANT = "give bmc.json to the agent's account, and to the BMC a user who may read: docs/en/agent.md#redfish"
_J_PER_KWH = 3.6e6
_DENIED = (401, 403)
_WHOLE = ("RackMount", "StandAlone", "Blade", "Sled", "Other")
Get = Callable[[str], dict[str, Any]]


class _Answer(Exception):
    """A status other than 200; where the BMC has the document is then looked for elsewhere."""

    def __init__(self, status: int, path: str) -> None:
        super().__init__(f"the BMC answered {status} to {path}")
        self.status = status


def read(root: str = FOLDER) -> Outcome[list[Any]]:
    """Energy counters, or the mean over the BMC's interval."""
    path = os.path.join(root, FILE_NAME)
    try:
        with open(path, encoding="utf-8") as file:
            if sys.platform != "win32" and os.fstat(file.fileno()).st_mode & 0o007:
                return Failed(f"{path} may be read by everybody; run: chmod 0400 {path}")
            settings = json.load(file)
    except FileNotFoundError:
        return NoData(f"no BMC is configured in {path}")
    except OSError as error:
        return from_os_error(error, GRANT)
    except ValueError as error:
        return Failed(f"{path} is not JSON: {error}")
    if not isinstance(settings, dict) or not isinstance(settings.get("url"), str):
        return Failed(
            f'{path} names no "url"; write it as {{"url": "https://bmc", "user": .., "password": ..}}'
        )
    return _read(settings)


def _read(settings: dict[str, Any]) -> Outcome[list[Any]]:
    import http.client

    try:
        connection = _connect(settings)
    except (OSError, ValueError) as error:
        return Failed(f"cannot use the BMC's url or ca_file: {error}")
    try:
        return _ask(lambda path: _get(connection, settings, path))
    except _Answer as answer:
        return Denied(str(answer), GRANT) if answer.status in _DENIED else Failed(str(answer))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Failed(f"{settings['url']}: {error}")
    except (AttributeError, KeyError, TypeError):
        return Failed(f"{settings['url']} answers with documents that are not Redfish's")
    finally:
        connection.close()


def _connect(settings: dict[str, Any]) -> Any:
    """A connection not yet opened; TLS is verified against the system's CAs and `ca_file`."""
    import http.client
    import ssl
    from urllib.parse import urlsplit

    url = urlsplit(settings["url"])
    if url.scheme == "http" and url.hostname:
        return http.client.HTTPConnection(url.hostname, url.port, timeout=LIMIT_S)
    if url.scheme != "https" or not url.hostname:
        raise ValueError(f"{settings['url']!r} is not https://host")
    context = ssl.create_default_context()
    if settings.get("ca_file"):
        context.load_verify_locations(settings["ca_file"])
    return http.client.HTTPSConnection(url.hostname, url.port, timeout=LIMIT_S, context=context)


def _get(connection: Any, settings: dict[str, Any], path: str) -> dict[str, Any]:
    """One document. Raises _Answer when the BMC does not give it, ValueError when it is none."""
    from base64 import b64encode

    headers = {"Accept": "application/json", "OData-Version": "4.0"}
    if settings.get("user"):
        pair = f"{settings['user']}:{settings.get('password', '')}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read(MAX_BYTES)
    if response.status != 200:
        connection.close()
        raise _Answer(response.status, path)
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{path} is no Redfish document")
    return document


def _ask(get: Get) -> Outcome[list[Any]]:
    """The first chassis that measures power; links are followed, ids never built."""
    root = get("/redfish/v1/")
    for member in get(_link(root, "Chassis") or "/redfish/v1/Chassis").get("Members", [])[:MAX_MEMBERS]:
        chassis = get(member["@odata.id"])
        if chassis.get("ChassisType", _WHOLE[0]) not in _WHOLE:
            continue
        for way in (_environment, _supplies, _power):
            found = way(get, chassis)
            if found:
                return Ok(found)
    return NoData("the BMC counts no energy that is fine enough, and no mean over a fitting interval")


def _environment(get: Get, chassis: dict[str, Any]) -> list[Any]:
    document = _linked(get, chassis, "EnvironmentMetrics")
    return _counter("wall_ac", "chassis", _reading(document, "EnergykWh"))


def _supplies(get: Get, chassis: dict[str, Any]) -> list[Any]:
    """What all power supplies took in; none when one of them does not say."""
    supplies = _linked(get, _linked(get, chassis, "PowerSubsystem"), "PowerSupplies")
    found: list[Any] = []
    for member in supplies.get("Members", [])[:MAX_MEMBERS]:
        supply = get(member["@odata.id"])
        counter = _counter(
            "wall_ac", member["@odata.id"], _reading(_linked(get, supply, "Metrics"), "EnergykWh")
        )
        if not counter:
            return []
        found += counter
    return found


def _power(get: Get, chassis: dict[str, Any]) -> list[Any]:
    for control in _linked(get, chassis, "Power").get("PowerControl", []):
        metrics = control.get("PowerMetrics") or {}
        mean_w, minutes = metrics.get("AverageConsumedWatts"), metrics.get("IntervalInMin")
        if (
            isinstance(mean_w, (int, float))
            and isinstance(minutes, (int, float))
            and window_fits(minutes * 60)
        ):
            return [Mean(SOURCE, "wall_ac", QUALITY, float(mean_w), minutes * 60.0, CEILING_W)]
    return []


def _counter(scope: str, zone: str, energy_kwh: Any) -> list[Any]:
    """The counter; none when it shows whole kWh, of which a server takes hours for one."""
    if not isinstance(energy_kwh, (int, float)) or energy_kwh == int(energy_kwh):
        return []
    return [Counter(SOURCE, scope, QUALITY, zone, energy_kwh * _J_PER_KWH, 0.0, CEILING_W)]


def _linked(get: Get, document: dict[str, Any], name: str) -> dict[str, Any]:
    """The document behind a link; empty when there is no link, or nothing behind it."""
    path = _link(document, name)
    if path is None:
        return {}
    try:
        return get(path)
    except _Answer as answer:
        if answer.status in _DENIED:
            raise
        return {}


def _link(document: dict[str, Any], name: str) -> str | None:
    link = (document.get(name) or {}).get("@odata.id")
    return link if isinstance(link, str) else None


def _reading(document: dict[str, Any], name: str) -> Any:
    return (document.get(name) or {}).get("Reading")
