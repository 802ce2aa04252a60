"""The EDID parser against a recorded display, and against noise."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.identification.edid import Edid, parse
from parcimetre_agent.sensors.displays import reported_display

SHARP = base64.b64decode(  # computer_1.json of glpi-project/inventory_format, MIT licence
    "AP///////wBNEEkUAAAAACAZAQSlHRF4Dt5Qo1RMmSYPUFQAAAABAQEBAQEBAQEBAQEBAQEBGjaAoHA4H0AwIDUAJqUQAAAYAAAAEAAA"
    "AAAAAAAAAAAAAAAAAAAA/gBESkNQNoBMUTEzM00xAAAAAAACQQMoABIAAAsBCiAgAGY="
)


def test_recorded_panel_reads_as_it_was_described() -> None:
    assert parse(SHARP) == Edid("SHP", "1449", None, 32, 2015, 294, 165, 1920, 1080)


def _changed(**bytes_at: int) -> bytes:
    """The recorded panel with some bytes changed (b21=79), its check sum mended."""
    block = bytearray(SHARP[:127])
    for name, value in bytes_at.items():
        block[int(name[1:])] = value
    return bytes(block) + bytes([-sum(block) % 256])


def test_aspect_ratio_is_no_size() -> None:
    projector = parse(_changed(b66=0, b67=0, b68=0, b21=79, b22=0))
    assert projector is not None
    assert (projector.width_mm, projector.height_mm) == (None, None)


def _named(tag: int, text: bytes) -> dict[str, int]:
    """Bytes that put a text descriptor in the place of the third."""
    return {f"b{90 + i}": byte for i, byte in enumerate(b"\0\0\0" + bytes([tag, 0]) + text.ljust(13, b" "))}


def test_serial_number_of_a_display_leaves_as_a_keyed_hash_only() -> None:
    seen = parse(_changed(**_named(0xFF, b"CN0X7R12\n")))
    assert seen is not None
    display = reported_display(seen, built_in=False)
    assert display.serial_hash is not None
    assert len(display.serial_hash) == 64
    assert display.asset_hash is not None
    assert "CN0X7R12" not in str(display)


def test_serial_number_of_a_built_in_panel_does_not_leave() -> None:
    seen = parse(_changed(b12=1, b13=2))
    assert seen is not None
    assert reported_display(seen, built_in=True).serial_hash is None


@pytest.mark.parametrize(
    "block",
    [{}, {f"b{i}": 1 for i in range(12, 16)}, _named(0xFF, b"0000000000000"), {"b12": 1}],
    ids=("none", "one byte four times", "text of zeros", "the number one"),
)
def test_filler_serial_of_a_display_is_absent(block: dict[str, int]) -> None:
    seen = parse(_changed(**block))
    assert seen is not None
    assert reported_display(seen, built_in=False).serial_hash is None


def test_numbers_tell_displays_apart_where_no_text_does() -> None:
    two = [parse(_changed(b12=n, b13=7)) for n in (1, 2)]
    hashes = {reported_display(seen, built_in=False).serial_hash for seen in two if seen is not None}
    assert len(hashes - {None}) == 2


@given(st.integers(0, 127), st.integers(1, 255))
def test_one_damaged_byte_is_noticed(at: int, change: int) -> None:
    damaged = bytearray(SHARP)
    damaged[at] = (damaged[at] + change) % 256
    assert parse(bytes(damaged)) is None


@given(st.binary(max_size=300))
def test_noise_never_raises(data: bytes) -> None:
    parse(data)


@given(st.binary(min_size=119, max_size=119))
def test_any_well_formed_block_stays_within_the_wire_formats_bounds(middle: bytes) -> None:
    block = SHARP[:8] + middle
    seen = parse(block + bytes([-sum(block) % 256]))
    if seen is not None:
        assert len(seen.maker) == 3
        assert 1990 <= seen.year <= 2245
        assert seen.week is None or 1 <= seen.week <= 54
        assert seen.name is None or len(seen.name) <= 13
        for length in (seen.width_mm, seen.height_mm, seen.width_px, seen.height_px):
            assert length is None or 0 < length < 4096
        assert (seen.width_mm is None) == (seen.height_mm is None)
