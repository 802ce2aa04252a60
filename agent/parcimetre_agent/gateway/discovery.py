"""Looks once at every address that was named and says what the gateway would add; nothing is kept or sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from . import printers
from .configuration import Target
from .device_identity import KnownDevice
from .poll import identify
from .snmp import Garbled, Session, Silent

LONGEST_S = 20.0


@dataclass(frozen=True)
class Found:
    """What is at an address: a printer with its total, another device, or why there is none."""

    target: Target
    known: KnownDevice | None = None
    impressions: int | None = None
    why: str = ""


async def discover(targets: Sequence[Target], concurrency: int, timeout_s: int) -> list[Found]:
    """What answers at these addresses, in their order; silent ones are in it too."""
    waiting = iter(enumerate(targets))
    found: dict[int, Found] = {}

    async def one_after_another() -> None:
        """Look while there are addresses left."""
        for at, target in waiting:
            found[at] = await _look(target, timeout_s)

    await asyncio.gather(*(one_after_another() for _ in range(concurrency)))
    return [found[at] for at in range(len(targets))]


async def _look(target: Target, timeout_s: int) -> Found:
    try:
        return await asyncio.wait_for(_identified(target, timeout_s), LONGEST_S)
    except (Silent, asyncio.TimeoutError):
        return Found(target, why="no answer: nothing there, SNMP off, or other credentials")
    except Garbled as error:
        return Found(target, why=f"its answer is not valid: {error}")


async def _identified(target: Target, timeout_s: int) -> Found:
    session = Session(target, timeout_s, 0)
    known = await identify(session, target)
    if known is None:
        return Found(target, why="answers, but is not a printer, network device or power unit")
    if known.category != "printer":
        return Found(target, known)
    total = (await session.get([printers.LIFE_COUNT])).get(printers.LIFE_COUNT)
    return Found(target, known, total if isinstance(total, int) and printers.is_count(total) else None)
