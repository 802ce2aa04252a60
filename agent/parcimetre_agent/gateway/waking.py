"""Find out once whether being polled wakes a printer.

A printer that was asleep is asked once more within the round. Three times running awake by then: it is woken
by polls, and is from then on asked only when its counters are due. Three times running asleep: it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

ENOUGH = 3


@dataclass(frozen=True)
class WakingHistory:
    """How often running it woke, or stayed asleep."""

    woke: int = 0
    slept: int = 0

    @property
    def is_known(self) -> bool:
        """Whether nobody need look again."""
        return ENOUGH in (self.woke, self.slept)

    @property
    def by_polls(self) -> bool:
        """Whether polls wake it."""
        return self.woke == ENOUGH

    def seen(self, awake: bool) -> WakingHistory:
        """After one more look at a printer that was asleep."""
        if self.is_known:
            return self
        return WakingHistory(self.woke + 1) if awake else WakingHistory(0, self.slept + 1)
