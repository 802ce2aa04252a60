"""The energy meter's parser against structures built to emi.h, and against noise."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.windows.energy_meter import EnergyMeterReading, channels, is_package, readings

NAMES = ["RAPL_Package0_PKG", "RAPL_Package0_PP0", "RAPL_Package0_DRAM"]


def metadata(*names: str, unit: int = 0) -> bytes:
    """An EMI_METADATA_V2 with these channels."""
    head = "Intel".encode("utf-16-le").ljust(32, b"\0") + b"\0" * 32 + struct.pack("<HH", 1, len(names))
    texts = [(name + "\0").encode("utf-16-le") for name in names]
    return head + b"".join(struct.pack("<IH", unit, len(text)) + text for text in texts)


def test_channels_of_both_versions_are_named() -> None:
    name = "Battery\0".encode("utf-16-le")
    first = struct.pack("<I64sHH", 0, b"", 1, len(name)) + name
    assert channels(1, first) == ["Battery"]
    assert channels(2, metadata(*NAMES)) == NAMES
    assert [is_package(name) for name in NAMES] == [True, False, False]


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (2, metadata(*NAMES)[:-4]),
        (2, metadata(*NAMES, unit=1)),
        (2, metadata()),
        (2, metadata("\ud7ff\x01")),
        (3, metadata(*NAMES)),
        (1, b""),
    ],
    ids=["cut off", "another unit", "no channel", "no text", "unknown version", "empty"],
)
def test_metadata_that_makes_no_sense_is_refused(version: int, data: bytes) -> None:
    assert channels(version, data) is None


def test_picowatt_hours_become_joules_and_ticks_seconds() -> None:
    kilowatt_hour = struct.pack("<QQ", 10**15, 36_000_000_000)
    assert readings(kilowatt_hour, 1) == [EnergyMeterReading(pytest.approx(3.6e6), 3600.0)]


@pytest.mark.parametrize(
    "answer",
    [b"", bytes(15), bytes(16), b"\xff" * 16, struct.pack("<QQ", 2**64 - 1, 5)],
    ids=["empty", "cut off", "no time", "all ones", "no counter"],
)
def test_answer_without_a_counter_is_refused(answer: bytes) -> None:
    assert readings(answer, 1) is None


@given(st.integers(0, 3), st.binary(max_size=300))
def test_noise_never_raises_and_names_are_text(version: int, data: bytes) -> None:
    for name in channels(version, data) or []:
        assert name
        assert name.isprintable()


@given(st.binary(max_size=80), st.integers(0, 4))
def test_noise_gives_no_negative_energy(data: bytes, count: int) -> None:
    for reading in readings(data, count) or []:
        assert reading.energy_j >= 0
        assert reading.at_s > 0
