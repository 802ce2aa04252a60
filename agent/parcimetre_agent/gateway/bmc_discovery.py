"""Looks once at the BMCs of gateway.toml and says which servers it would add; nothing is kept or sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..base.outcome import Ok
from ..metering import redfish
from . import bmc
from .bmc_asking import BmcAnswer, BmcPoll
from .bmc_session import LONGEST_S, BmcUnreachable
from .device_identity import KnownDevice
from .servers import BmcTarget

LATE = BmcUnreachable("not polled: the time of the round was used up by other devices")


@dataclass(frozen=True)
class FoundServer:
    """A server behind a BMC, whether it states its energy, or why there is none."""

    bmc: BmcTarget
    known: KnownDevice | None = None
    states_energy: bool = False
    why: str = ""


def discover(named: Sequence[BmcTarget], concurrency: int) -> list[FoundServer]:
    """What is behind these BMCs, in their order; those that cannot be read are in it too."""
    said = {there.place: said for there, _, said in _asked(named, concurrency)}
    return [one for there in named for one in _found(there, said.get(there.place, LATE))]


def _asked(named: Sequence[BmcTarget], concurrency: int) -> Iterator[tuple[BmcTarget, float, BmcAnswer]]:
    """Asked, as many at once, with as much time as all of them may take."""
    limit_s = LONGEST_S * (1 + len(named) // concurrency)
    return BmcPoll([(there, False) for there in named], concurrency, limit_s).answers()


def _found(there: BmcTarget, said: BmcAnswer) -> Iterator[FoundServer]:
    if isinstance(said, Exception):
        yield FoundServer(
            there, why=f"{said}{_shown(there) if isinstance(said, redfish.UntrustedCertificate) else ''}"
        )
        return
    for server in said:
        known = bmc.identify_server(server.system, there.place, server.path)
        yield FoundServer(there, known, isinstance(server.energy, Ok))


def _shown(there: BmcTarget) -> str:
    """The certificate that the BMC shows, to be compared with what its own pages say."""
    try:
        return f"; it shows {redfish.shown_fingerprint(there.access)}"
    except OSError:
        return ""


def as_line(one: FoundServer) -> str:
    """A server in a line."""
    if one.known is None:
        return f"{one.bmc.place}: {one.why}"
    model = " ".join(filter(None, (one.known.maker, one.known.model)))
    energy = "states its energy" if one.states_energy else "states no energy"
    traits = [model, energy, *([] if one.known.serial_hash else ["no serial number"])]
    return f"{one.bmc.place}: {', '.join(traits)}"


def as_json(found: Iterable[FoundServer]) -> list[dict[str, object]]:
    """The servers for machines."""
    return [
        {
            "host": one.bmc.access.host, "port": one.bmc.access.port, "category": "server",
            "maker": one.known.maker, "model": one.known.model,
            "has_serial": one.known.serial_hash is not None, "states_energy": one.states_energy,
        }
        for one in found if one.known
    ]  # fmt: skip
