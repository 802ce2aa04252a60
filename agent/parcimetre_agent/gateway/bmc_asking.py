"""Asks many BMCs, several at once, within a time; none can keep the others waiting.

Each is asked by a thread that ends with the process: a BMC that never finishes its answer is left behind.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Union

from ..machine.clock import Clock
from .bmc_session import BmcUnreachable, ServerAnswer, ask_servers
from .servers import BmcTarget

BmcAnswer = Union["list[ServerAnswer]", Exception]


class BmcPoll:
    """BMCs that are being asked, each with or without its parts. `late` are those that nobody got to."""

    def __init__(self, named: Sequence[tuple[BmcTarget, bool]], at_once: int, limit_s: float) -> None:
        """Begin."""
        self._clock = Clock()
        self._began_s, self._limit_s = self._clock.now().monotonic_s, limit_s
        self._open = {there.place: there for there, _ in named}
        self._begun: set[str] = set()
        self._waiting: queue.SimpleQueue[tuple[BmcTarget, bool]] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[tuple[BmcTarget, float, BmcAnswer]] = queue.SimpleQueue()
        self.late: list[BmcTarget] = []
        for one in named:
            self._waiting.put(one)
        for _ in range(min(len(named), at_once)):
            threading.Thread(target=self._one_after_another, daemon=True).start()

    def answers(self) -> Iterator[tuple[BmcTarget, float, BmcAnswer]]:
        """What each said, or what went wrong, as it comes; and how long after the beginning it was asked."""
        while self._open:
            try:
                there, asked_s, said = self._said.get(timeout=max(0.01, self._left_s))
            except queue.Empty:
                break
            del self._open[there.place]
            yield there, asked_s, said
        for place, there in self._open.items():
            if place in self._begun:
                yield there, 0.0, BmcUnreachable("no answer within the time of a round")
            else:
                self.late.append(there)

    @property
    def _since_s(self) -> float:
        return self._clock.now().monotonic_s - self._began_s

    @property
    def _left_s(self) -> float:
        return self._limit_s - self._since_s

    def _one_after_another(self) -> None:
        """Ask while there are BMCs and time left; a thread."""
        while self._left_s > 0:
            try:
                there, with_parts = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._begun.add(there.place)
            asked_s = self._since_s
            try:
                said: BmcAnswer = ask_servers(there, with_parts)
            except Exception as error:  # noqa: BLE001 - what no BMC was seen to answer must not end the thread
                said = error
            self._said.put((there, asked_s, said))
