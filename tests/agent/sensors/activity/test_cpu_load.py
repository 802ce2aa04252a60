"""Processor time is counted once, whatever a system files it under."""

from typing import NamedTuple

import psutil
import pytest
from parcimetre_agent.base.outcome import Ok
from parcimetre_agent.sensors.activity import cpu_load


class Windows(NamedTuple):
    """psutil's fields there: interrupt and dpc are parts of system."""

    user: float = 100.0
    system: float = 60.0
    idle: float = 240.0
    interrupt: float = 10.0
    dpc: float = 20.0


class Linux(NamedTuple):
    """psutil's fields there: guest is a part of user."""

    user: float = 100.0
    nice: float = 10.0
    system: float = 50.0
    idle: float = 200.0
    iowait: float = 40.0
    irq: float = 0.0
    guest: float = 70.0


@pytest.mark.parametrize("times", [Windows(), Linux()], ids=["windows", "linux"])
def test_busy_and_total_leave_nothing_out_and_count_nothing_twice(
    times: Windows | Linux, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)
    outcome = cpu_load.read()
    assert isinstance(outcome, Ok)
    assert outcome.value == {"busy_s": 160.0, "total_s": 400.0}
