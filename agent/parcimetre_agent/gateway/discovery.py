"""Looks once at every address that was named and says what the gateway would add; nothing is kept or sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from . import printers
from .configuration import SnmpTarget
from .device_identity import KnownDevice
from .poll import identify
from .snmp import NoAnswer, SnmpSession, UnreadableAnswer

LONGEST_S = 20.0


@dataclass(frozen=True)
class DiscoveredDevice:
    """What is at an address: a printer with its total, another device, or why there is none."""

    target: SnmpTarget
    known: KnownDevice | None = None
    impressions: int | None = None
    why: str = ""


async def discover(targets: Sequence[SnmpTarget], concurrency: int, timeout_s: int) -> list[DiscoveredDevice]:
    """What answers at these addresses, in their order; silent ones are in it too."""
    waiting = iter(enumerate(targets))
    found: dict[int, DiscoveredDevice] = {}

    async def one_after_another() -> None:
        """Look while there are addresses left."""
        for at, target in waiting:
            found[at] = await _look(target, timeout_s)

    await asyncio.gather(*(one_after_another() for _ in range(concurrency)))
    return [found[at] for at in range(len(targets))]


async def _look(target: SnmpTarget, timeout_s: int) -> DiscoveredDevice:
    try:
        return await asyncio.wait_for(_identified(target, timeout_s), LONGEST_S)
    except (NoAnswer, asyncio.TimeoutError):
        return DiscoveredDevice(target, why="no answer: nothing there, SNMP off, or other credentials")
    except UnreadableAnswer as error:
        return DiscoveredDevice(target, why=f"its answer is not valid: {error}")


async def _identified(target: SnmpTarget, timeout_s: int) -> DiscoveredDevice:
    session = SnmpSession(target, timeout_s, 0)
    known = await identify(session, target)
    if known is None:
        return DiscoveredDevice(target, why="answers, but is not a printer, network device or power unit")
    if known.category != "printer":
        return DiscoveredDevice(target, known)
    total = (await session.get([printers.LIFE_COUNT])).get(printers.LIFE_COUNT)
    return DiscoveredDevice(
        target, known, total if isinstance(total, int) and printers.is_count(total) else None
    )
