"""What is left of a printer's toner, ink and parts, as its last reading says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...organisation.merges import MergeHistory
from ...store.interface import Store
from ...store.records import DeviceId

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
    found = [
        fact.body
        for piece in MergeHistory.of(store).pieces(device_id)
        if (fact := store.latest_of("printing", piece.source)) and piece.first <= fact.body["at"] < piece.last
    ]
    last = max(found, key=lambda body: int(body["at"]), default=None)
    if last is None or not last.get("supplies"):
        return None
    left = [Left(one["kind"], one.get("colour"), one.get("level")) for one in last["supplies"]]
    return Supplies(int(last["at"]), left)
