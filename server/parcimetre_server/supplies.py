"""What is left of a printer's toner, ink and parts, as its last reading says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .consumption import readings
from .store import DeviceId, Store

LOW_SHARE = 0.1


@dataclass(frozen=True)
class Left:
    """What is left of one supply: `level` is its share, None where the printer does not tell."""

    kind: str
    colour: str | None
    level: float | None

    @property
    def is_low(self) -> bool:
        """Whether somebody should have another at hand."""
        return self.level is not None and self.level <= LOW_SHARE


@dataclass(frozen=True)
class Supplies:
    """All supplies of a printer; `at` is when they were read, in seconds UTC."""

    at: int
    left: Sequence[Left]


def supplies(store: Store, device_id: DeviceId) -> Supplies | None:
    """By the printer's last reading; None where it told of no supply."""
    for _, found in readings(store, [device_id]):
        told = found[-1].get("supplies") if found else None
        if told:
            left = [Left(one["kind"], one.get("colour"), one.get("level")) for one in told]
            return Supplies(int(found[-1]["at"]), left)
    return None
