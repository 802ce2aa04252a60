"""Energy meters of Windows: whole processors only, and nothing that makes no sense."""

import struct
from typing import Any

import pytest
from parcimetre_agent.base.outcome import Denied, Failed, NoData, Ok
from parcimetre_agent.metering.counters import grown_j
from parcimetre_agent.power import emi_windows

VERSION, SIZE, METADATA, MEASUREMENT = 0x224000, 0x224004, 0x224008, 0x22400C
NAMES = ("RAPL_Package0_PKG", "RAPL_Package0_PP0", "RAPL_Package0_DRAM")
PWH_PER_J = 1e12 / 3600


def _meter(drivers: Any, path: str, *names: str) -> None:
    texts = [(name + "\0").encode("utf-16-le") for name in names]
    described = bytes(64) + struct.pack("<HH", 1, len(names))
    described += b"".join(struct.pack("<IH", 0, len(text)) + text for text in texts)
    drivers.lists.setdefault(emi_windows.INTERFACE, []).append(path)
    drivers.answers |= {
        (path, VERSION): struct.pack("<H", 2),
        (path, SIZE): struct.pack("<I", len(described)),
        (path, METADATA): described,
    }


def _measure(drivers: Any, path: str, at_s: float, *energies_j: float) -> None:
    pairs = [struct.pack("<QQ", round(energy_j * PWH_PER_J), round(at_s * 1e7)) for energy_j in energies_j]
    drivers.answers[path, MEASUREMENT] = b"".join(pairs)


def test_package_channel_alone_counts_in_joules_by_its_own_clock(drivers: Any) -> None:
    _meter(drivers, "package", *NAMES)
    _meter(drivers, "core 0", "RAPL_Package0_Core0_CORE")
    meters = emi_windows.ProcessorMeters(drivers)
    _measure(drivers, "package", 100.0, 5000.0, 3000.0, 400.0)
    before = meters.read()
    _measure(drivers, "package", 130.0, 5450.0, 3300.0, 410.0)
    after = meters.read()
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    assert [(c.source, c.scope, c.zone) for c in after.value] == [("emi", "package", NAMES[0])]
    assert grown_j(before.value[0], after.value[0], 30.0) == pytest.approx(450.0, abs=1e-3)
    assert grown_j(before.value[0], after.value[0], 300.0) is None, "its clock says 30 s, ours 300 s"


def test_counter_that_fell_is_refused(drivers: Any) -> None:
    _meter(drivers, "package", NAMES[0])
    _measure(drivers, "package", 100.0, 5000.0)
    before = emi_windows.ProcessorMeters(drivers).read()
    _measure(drivers, "package", 130.0, 10.0)
    after = emi_windows.ProcessorMeters(drivers).read()
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    assert grown_j(before.value[0], after.value[0], 30.0) is None


def test_machine_without_meters_or_with_those_of_cores_only_has_no_data(drivers: Any) -> None:
    assert isinstance(emi_windows.ProcessorMeters(drivers).read(), NoData)
    _meter(drivers, "core", "RAPL_Package0_Core0_CORE")
    assert isinstance(emi_windows.ProcessorMeters(drivers).read(), NoData)


@pytest.mark.parametrize(
    ("code", "answer", "outcome"),
    [
        (MEASUREMENT, b"\xff" * 48, Failed),
        (MEASUREMENT, b"", Failed),
        (METADATA, bytes(70), Failed),
        (SIZE, b"\xff" * 4, Failed),
        (VERSION, PermissionError(13, "denied", "package"), Denied),
    ],
    ids=["all ones", "empty", "no channel", "endless", "closed"],
)
def test_meter_that_makes_no_sense_fails_and_a_closed_one_is_denied(
    drivers: Any, code: int, answer: bytes | OSError, outcome: type
) -> None:
    _meter(drivers, "package", *NAMES)
    _measure(drivers, "package", 100.0, 1.0, 1.0, 1.0)
    drivers.answers["package", code] = answer
    assert isinstance(emi_windows.ProcessorMeters(drivers).read(), outcome)


def test_meter_that_vanished_is_looked_for_again(drivers: Any) -> None:
    _meter(drivers, "old", *NAMES)
    _measure(drivers, "old", 100.0, 1.0, 1.0, 1.0)
    meters = emi_windows.ProcessorMeters(drivers)
    assert isinstance(meters.read(), Ok)
    drivers.lists.clear()
    drivers.answers.clear()
    assert isinstance(meters.read(), NoData)
    _meter(drivers, "new", *NAMES)
    _measure(drivers, "new", 100.0, 1.0, 1.0, 1.0)
    assert isinstance(meters.read(), Ok)
