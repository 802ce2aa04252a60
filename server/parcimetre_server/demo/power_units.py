"""A simulated PDU in the data centre: energy of its outlets, from the servers assigned to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from parcimetre_agent.report import SLOT_S, Energy, Feed

from .behaviour import days
from .fleet import CENTRAL, DATACENTRE, DemoDevice
from .records import memory_j, processors_j
from .relayed import OUTLETS_METERED, Record, Relayed, always_awake, slot_starts

FED = 3
NOT_ATTRIBUTED = "outlet 8"
UNKNOWN_LOAD_W = 41.0
REST_W = 48.0  # of a server: fans, disks, board
SUPPLY_EFFICIENCY = 0.91
OWN_W = 4.5
OWN_SOURCE, SOURCE = "input_less_output", "raritan_pdu2"


@dataclass(frozen=True)
class Pdu(Relayed):
    """A PDU that meters its outlets and its inlet; `fed` are the servers on its first outlets."""

    fed: tuple[DemoDevice, ...]

    outcomes = (OUTLETS_METERED,)

    @property
    def hanging(self) -> dict[str, DemoDevice]:
        """What hangs on its outlets, by their names."""
        return {f"outlet {number}": server for number, server in enumerate(self.fed, start=1)}

    def records(self, first: int, last: int) -> Iterator[Record]:
        """What it takes itself, and what each outlet gave."""
        given_j = {outlet: _taken_j(server, first, last) for outlet, server in self.hanging.items()}
        for start in slot_starts(first, last):
            yield always_awake(start, [Energy(OWN_SOURCE, "wall_ac", "measured", OWN_W * SLOT_S, SLOT_S)])
            unknown_j = UNKNOWN_LOAD_W * SLOT_S * (0.95 + 0.1 * float(self.drawn(1, start // SLOT_S)[0]))
            for outlet, by_slot in given_j.items():
                yield _feed(start, outlet, by_slot[start])
            yield _feed(start, NOT_ATTRIBUTED, unknown_j)


def pdus(fleet: Sequence[DemoDevice], seed: int) -> Iterator[Pdu]:
    """The PDU of the data centre, where a fleet has a server there."""
    there = CENTRAL.site(DATACENTRE)
    fed = [one for one in fleet if one.category == "server" and one.site == there][:FED]
    if fed:
        yield Pdu(
            seed, "pdu", 0, "pdu", "Raritan", "PX3-5190R", CENTRAL, DATACENTRE, tuple(fed)
        )  # fmt: skip


def _taken_j(server: DemoDevice, first: int, last: int) -> dict[int, float]:
    """What a server took at the wall in each slot (joules, by start): more than its own counters see."""
    return {
        day.start + i * SLOT_S: (energy_j + REST_W * SLOT_S) / SUPPLY_EFFICIENCY
        for day in days(server, first, last)
        for i, energy_j in enumerate((processors_j(server, day) + memory_j(server, day)).tolist())
    }


def _feed(start: int, outlet: str, energy_j: float) -> Feed:
    return Feed(start, outlet, "wall_ac", SOURCE, "measured", round(energy_j, 1), SLOT_S)
