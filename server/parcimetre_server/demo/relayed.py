"""A simulated device without an agent: a gateway polls it and reports it as a separate device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import (
    SLOT_S,
    Category,
    Energy,
    Feed,
    Gap,
    Inventory,
    OperatingSystem,
    Printer,
    Reading,
    SensorOutcome,
    Slot,
    System,
)

from .behaviour import PARIS
from .fleet import Organisation, hashed

Record = Slot | Gap | Reading | Feed
OUTLETS_METERED = SensorOutcome("feeder.outlets", "ok")
WORK_HOURS, LUNCH_HOURS = range(8, 18), range(12, 14)


@dataclass(frozen=True)
class Relayed(ABC):
    """Number `index` of what is called `kind` in the fleet of a seed, whatever the fleet's size."""

    seed: int
    kind: str
    index: int
    category: Category
    maker: str
    model: str
    organisation: Organisation
    place: str

    outcomes: ClassVar[tuple[SensorOutcome, ...]] = ()

    @property
    def printer(self) -> Printer | None:
        """What it can print, where it is a printer."""
        return None

    def inventory(self, taken_at: int) -> Inventory:
        """Return its inventory as a gateway reports it, dated `taken_at` (seconds UTC)."""
        return Inventory(
            taken_at=taken_at,
            category=self.category,
            virtual=self.virtual,
            system=System(maker=self.maker, model=self.model, serial_hash=self.fingerprint),
            os=OperatingSystem("none"),
            printer=self.printer,
            outcomes=list(self.outcomes),
        )

    @abstractmethod
    def records(self, first: int, last: int) -> Iterator[Record]:
        """What the gateway would report of first <= time < last (seconds UTC), in order of time."""

    @property
    def install_id(self) -> str:
        """Its id in the gateway's book."""
        return hashed(f"{self.kind} install", self.seed, self.index)

    @property
    def fingerprint(self) -> str:
        """What stands for the keyed hash of its serial number."""
        return hashed(f"{self.kind} serial", self.seed, self.index)

    @property
    def virtual(self) -> str:
        """It is hardware."""
        return "none"

    @property
    def hostname(self) -> str:
        """Its name, which says that it is a demonstration."""
        return f"demo-{self.organisation.code.lower()}-{self.kind}-{self.index + 1:02}"

    @property
    def org_unit(self) -> str:
        """Path of its org unit."""
        return self.organisation.org_unit

    @property
    def site(self) -> str:
        """Name of its site."""
        return self.organisation.site(self.place)

    def drawn(self, count: int, *key: int) -> NDArray[np.float64]:
        """`count` numbers in [0, 1) that depend on nothing but the device and the key."""
        kind = int.from_bytes(self.kind.encode(), "big")
        return np.random.default_rng((self.seed, kind, self.index, *key)).random(count)


def always_awake(start: int, energy: Sequence[Energy] = ()) -> Slot:
    """A slot of what is always on, and of which no load is known."""
    return Slot(start, 0, SLOT_S, 0, 0, 0, energy=list(energy))


def slot_starts(first: int, last: int) -> range:
    """Starts of the slots with first <= start < last."""
    return range(-(-first // SLOT_S) * SLOT_S, last, SLOT_S)


def busy(start: int) -> float:
    """How much goes on in an office at a time (seconds UTC), in [0, 1]."""
    moment = datetime.fromtimestamp(start, PARIS)
    if moment.weekday() >= 5 or moment.hour not in WORK_HOURS:
        return 0.0
    return 0.5 if moment.hour in LUNCH_HOURS else 1.0
