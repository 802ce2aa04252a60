"""The battery's parsers against structures built to batclass.h, and against noise."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.windows import battery

SYSTEM, RELATIVE, SHORT_TERM = 0x80000000, 0x40000000, 0x20000000


def information(
    capabilities: int = SYSTEM, design: int = 52_500, full: int = 47_000, cycles: int = 143
) -> bytes:
    """A BATTERY_INFORMATION of a lithium-ion battery."""
    return struct.pack("<I4s4s6I", capabilities, b"\x01", b"LION", design, full, 700, 3000, 0, cycles)


def test_battery_of_a_laptop_is_described() -> None:
    assert battery.description(information()) == battery.BatteryDescription(
        True, False, "LION", 52_500, 47_000, 143
    )


def test_ups_is_none_of_the_machines_batteries() -> None:
    seen = battery.description(information(SYSTEM | SHORT_TERM))
    assert seen is not None
    assert not seen.in_system


def test_percent_is_no_energy_and_unknown_is_nothing() -> None:
    relative = battery.description(information(SYSTEM | RELATIVE, 100, 93))
    unknown = battery.description(information(design=0xFFFFFFFF, full=0, cycles=0))
    assert relative is not None
    assert (relative.relative, relative.design_mwh, relative.full_mwh) == (True, None, None)
    assert unknown is not None
    assert (unknown.design_mwh, unknown.full_mwh, unknown.cycles) == (None, None, None)


def test_status_states_energy_and_rate_or_that_they_are_unknown() -> None:
    assert battery.status(struct.pack("<IIIi", 2, 31_000, 11_800, -8_400)) == battery.BatteryStatus(
        2, 31_000, -8_400
    )
    unknown = struct.pack("<IIIi", 2, 0xFFFFFFFF, 0xFFFFFFFF, -0x80000000)
    assert battery.status(unknown) == battery.BatteryStatus(2, None, None)


@given(st.binary(max_size=60))
def test_noise_never_raises_and_no_capacity_is_negative_or_absurd(data: bytes) -> None:
    state, seen = battery.status(data), battery.description(data)
    for mwh in (state and state.left_mwh, seen and seen.design_mwh, seen and seen.full_mwh):
        assert mwh is None or 0 < mwh < 10_000_000
