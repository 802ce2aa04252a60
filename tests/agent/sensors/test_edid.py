"""The EDID parser against a recorded display, and against noise."""

import base64

from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.sensors.edid import Edid, parse

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
