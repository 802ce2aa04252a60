"""Asks a BMC for its servers: whether each is on, what energy it took, and of what it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from ..base.outcome import Denied, Failed, Outcome
from ..machine.clock import Clock
from ..metering import redfish
from ..metering.redfish import NotRedfish, UnexpectedStatus, UntrustedCertificate
from . import bmc
from .servers import BmcTarget

LONGEST_S = 30.0
MOST_PARTS = 64
GRANT = "give its user read access: docs/en/gateway.md#servers"


class BmcRefused(Exception):
    """These credentials are not known to the BMC, or may not read."""


class BmcUnreachable(Exception):
    """No connection to the BMC, or no answer in time."""


@dataclass(frozen=True)
class ServerAnswer:
    """What a BMC answered on one of its servers; `parts` is None where it was not asked.

    `asked_s` is how long after the first question the energy was read.
    """

    path: str
    system: dict[str, Any]
    energy: Outcome[list[Any]]
    asked_s: float
    parts: dict[str, Any] | None
    wrong: str = ""


class _Session:
    """A BMC with a limit to all that it is asked."""

    def __init__(self, there: BmcTarget) -> None:
        self._clock = Clock()
        self._began_s = self._clock.now().monotonic_s
        try:
            self._bmc = redfish.RedfishConnection(there.access)
        except OSError as error:
            raise UntrustedCertificate(f"ca_file of {there.place} cannot be used: {error}") from None
        self.close = self._bmc.close

    @property
    def asked_s(self) -> float:
        """For how long it has been asked."""
        return self._clock.now().monotonic_s - self._began_s

    def get(self, path: str) -> dict[str, Any]:
        """One document. Raises what the connection does, and TimeoutError once the time is over."""
        if self.asked_s > LONGEST_S:
            raise TimeoutError(f"it did not answer everything within {LONGEST_S:.0f} s")
        return self._bmc.get(path)


def ask_servers(there: BmcTarget, with_parts: bool) -> list[ServerAnswer]:
    """The servers of a BMC. Raises Refused, Away, Untrusted and NotRedfish."""
    session = _Session(there)
    try:
        return list(_servers(session, with_parts))
    except UnexpectedStatus as answer:
        if answer.status in redfish.DENIED:
            raise BmcRefused(f"{answer}: the credentials are unknown or have no read access") from None
        raise NotRedfish(str(answer)) from None
    except (OSError, HTTPException) as error:
        raise BmcUnreachable(f"no answer: {error or type(error).__name__}") from None
    finally:
        session.close()


def _servers(session: _Session, with_parts: bool) -> Iterator[ServerAnswer]:
    found = redfish.members(session.get, session.get(redfish.ROOT), "Systems")
    systems = {path: session.get(path) for path in found}
    machines = {path: system for path, system in systems.items() if bmc.is_machine(system)}
    shared = Counter(path for system in machines.values() for path in _chassis(system))
    for path, system in machines.items():
        own = [one for one in _chassis(system) if shared[one] == 1]
        energy = _energy(session, own if len(machines) > 1 else None)
        asked_s = session.asked_s
        parts, wrong = _parts(session, system) if with_parts else (None, "")
        yield ServerAnswer(path, system, energy, asked_s, parts, wrong)


def _chassis(system: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(redfish.paths(redfish.object_at(system, "Links").get("Chassis"))))


def _energy(session: _Session, chassis: list[str] | None) -> Outcome[list[Any]]:
    """What the BMC counted; of several servers, that of the chassis which are no other's."""
    try:
        return redfish.energy(session.get, chassis)
    except UnexpectedStatus as answer:
        denied = answer.status in redfish.DENIED
        return Denied(str(answer), GRANT) if denied else Failed(str(answer))
    except (OSError, HTTPException, NotRedfish) as error:
        return Failed(f"its energy could not be read: {error or type(error).__name__}")


def _parts(session: _Session, system: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a server's parts and an empty text, else its own summary and why the parts could not be read."""
    try:
        processors, memory = _each(session, system, "Processors"), _each(session, system, "Memory")
        drives = _drives(session, system)
    except (UnexpectedStatus, OSError, HTTPException, NotRedfish) as error:
        return bmc.parts(system, (), (), ()), f"its parts could not be read: {error or type(error).__name__}"
    return bmc.parts(system, processors, memory, drives), ""


def _each(session: _Session, document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [session.get(path) for path in redfish.members(session.get, document, name, MOST_PARTS)]


def _drives(session: _Session, system: dict[str, Any]) -> list[dict[str, Any]]:
    """The drives behind each controller."""
    controllers = _each(session, system, "Storage")
    paths = dict.fromkeys(path for one in controllers for path in redfish.paths(one.get("Drives")))
    return [session.get(path) for path in list(paths)[:MOST_PARTS]]
