"""Remaining toner, ink and parts of a printer, from its last reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...organisation.left_out import leaving_out
from ...organisation.merges import MergeHistory
from ...store.interface import Store
from ...store.records import DeviceId

LOW_SHARE = 0.1


@dataclass(frozen=True)
class Left:
    """What is left of one supply: `level` is its share, None if the printer does not state it."""

    kind: str
    colour: str | None
    level: float | None

    @property
    def is_low(self) -> bool:
        """Return whether it should be replaced soon."""
        return self.level is not None and self.level <= LOW_SHARE


@dataclass(frozen=True)
class Supplies:
    """All supplies of a printer; `at` is when they were read, in seconds UTC."""

    at: int
    left: Sequence[Left]


def supplies(store: Store, device_id: DeviceId) -> Supplies | None:
    """Return the supplies of a printer's last reading; None if it states none."""
    with leaving_out(device_id, "supplies of the printer"):
        return _supplies(store, device_id)
    return None


def _supplies(store: Store, device_id: DeviceId) -> Supplies | None:
    latest = [
        fact.body
        for piece in MergeHistory.of(store).pieces(device_id)
        if (fact := store.latest_of("printing", piece.source)) and piece.first <= fact.body["at"] < piece.last
    ]
    last = max(latest, key=lambda body: int(body["at"]), default=None)
    if last is None or not last.get("supplies"):
        return None
    left = [Left(one["kind"], one.get("colour"), one.get("level")) for one in last["supplies"]]
    return Supplies(int(last["at"]), left)
