"""The smaller parsers of Windows' answers: topology, firmware, displays, access lists, identifiers."""

import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.windows.devices import Devices, guid_bytes
from parcimetre_agent.windows.display_state import CONSOLE_DISPLAY, DisplayState, lit
from parcimetre_agent.windows.displays import attached
from parcimetre_agent.windows.firmware import table, without_header
from parcimetre_agent.windows.power_status import power_status, without_battery
from parcimetre_agent.windows.processors import Topology, relations, topology
from parcimetre_agent.windows.security import PRIVATE, groups_with_access

CORE, PACKAGE, CACHE = 0, 3, 2
GUID = "{00112233-4455-6677-8899-aabbccddeeff}"


def record(kind: int, mask: int) -> bytes:
    """A SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX about one group of processors."""
    return struct.pack("<II22xHQQ", kind, 48, 1, mask, 0)


def target(technology: int, path: str) -> bytes:
    """A DISPLAYCONFIG_TARGET_DEVICE_NAME."""
    return struct.pack("<24xI136x256s", technology, path.encode("utf-16-le"))


def test_two_sockets_of_two_cores_with_two_threads_are_counted() -> None:
    cores = [record(CORE, 0b11 << shift) for shift in (0, 2, 4, 6)]
    answer = b"".join([*cores, record(CACHE, 0xFF), record(PACKAGE, 0xF), record(PACKAGE, 0xF0)])
    assert topology(answer) == Topology(2, 4, 8)


@pytest.mark.parametrize("answer", [b"", bytes(48), record(CORE, 1), record(PACKAGE, 1)[:40]])
def test_topology_without_sockets_or_cores_is_refused(answer: bytes) -> None:
    assert topology(answer) is None


@given(st.binary(max_size=200))
def test_noise_is_never_a_nonsensical_topology(data: bytes) -> None:
    seen = topology(data)
    assert seen is None or 0 < seen.sockets <= seen.cores <= seen.threads


def test_firmware_table_ends_where_its_header_says() -> None:
    assert without_header(struct.pack("<4BI", 0, 3, 4, 0, 3) + b"abcdef") == b"abc"
    assert without_header(b"short") == b""


@pytest.mark.parametrize(("technology", "within"), [(0x80000000, True), (11, True), (10, False), (5, False)])
def test_panel_is_told_from_display_by_its_connection(technology: int, within: bool) -> None:
    answer = target(technology, r"\\?\DISPLAY#BOE0A1C#5&1a2b&0&UID256#{e6f07b5f-ee97-4a90-b076-33f57bf4eaa7}")
    assert attached(answer) == (r"DISPLAY\BOE0A1C\5&1A2B&0&UID256", within)


@given(st.binary(max_size=500))
def test_noise_is_no_display(data: bytes) -> None:
    attached(data)


@pytest.mark.parametrize(("state", "seen"), [(0, False), (1, True), (2, True), (7, None)])
def test_dimmed_display_is_lit(state: int, seen: bool | None) -> None:
    assert lit(CONSOLE_DISPLAY + struct.pack("<II", 4, state)) is seen


def test_other_announcements_leave_the_display_as_it_was() -> None:
    state = DisplayState()
    state.announced(CONSOLE_DISPLAY + struct.pack("<II", 4, 0))
    state.announced(bytes(24))
    state.announced(b"")
    assert state._lit is False


def test_announcement_is_read_where_windows_put_it() -> None:
    state, setting = DisplayState(), ctypes.create_string_buffer(CONSOLE_DISPLAY + struct.pack("<II", 4, 1))
    assert state._called(None, 0x8013, ctypes.addressof(setting)) == 0
    assert state._lit is True
    assert state._called(None, 4, None) == 0, "a suspension carries no setting"


def test_every_question_is_an_error_of_the_system_elsewhere() -> None:
    for ask in (DisplayState().lit, table, relations, power_status, lambda: Devices().interfaces(GUID)):
        with pytest.raises(OSError, match="not Windows"):
            ask()


@pytest.mark.parametrize(
    ("line", "flags", "reason"), [(1, 9, "on mains"), (0, 128, "no battery"), (0, 2, None), (255, 255, None)]
)
def test_power_status_spares_the_drivers_when_no_battery_feeds(line: int, flags: int, reason: str) -> None:
    assert without_battery(bytes([line, flags])) == reason
    assert without_battery(b"") is None


def test_identifier_is_laid_out_as_windows_keeps_it() -> None:
    assert guid_bytes(GUID).hex() == "33221100554477668899aabbccddeeff"


@pytest.mark.parametrize(
    ("sddl", "names"),
    [
        (PRIVATE, []),
        ("D:AI(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)", ["Users"]),
        ("D:(D;;FA;;;WD)(A;;FA;;;S-1-5-21-1-2-3-1000)", []),
        ("D:(A;;FR;;;S-1-1-0)(A;;FR;;;AU)", ["Authenticated Users", "Everyone"]),
        ("D:NO_ACCESS_CONTROL", ["Everyone"]),
        ("", ["Everyone"]),
    ],
    ids=["private", "inherited", "one account", "crowds", "none", "absent"],
)
def test_access_list_names_the_crowds_it_lets_in(sddl: str, names: list[str]) -> None:
    assert groups_with_access(sddl) == names
