"""A day that was rolled up, as bytes: which quarter hours have a record, then sums by column, compressed."""

from __future__ import annotations

import numpy as np
import zstandard
from numpy.typing import NDArray
from parcimetre_agent.report import DECILES

from ..rolling import SLOTS_PER_DAY, STATES, Sums, Whole

LEVEL = 9
SECONDS = STATES + DECILES
MEANS = 5
PRESENT = SLOTS_PER_DAY // 8


def packed(sums: Sums) -> tuple[bytes, bytes, bytes]:
    """What `unpacked` takes: records, means, counters."""
    compress = zstandard.ZstdCompressor(LEVEL, write_checksum=False).compress
    return (
        compress(np.packbits(sums.present).tobytes() + _planes(sums.seconds, "<u4")),
        compress(_planes(sums.means, "<u2")),
        compress(sums.energy_j.astype("<f8").tobytes() + _planes(sums.counted_s, "<u4")),
    )


def unpacked(
    records: bytes,
    means: bytes,
    counted: bytes | None,
    channels: int,
    pieces: int,
    unzip: zstandard.ZstdDecompressor,
) -> Sums:
    """The sums of a day that was packed in so many pieces, with so many energy channels."""
    raw = unzip.decompress(records)
    energy = unzip.decompress(counted) if counted else b""
    joules = channels * pieces * 8
    return Sums(
        np.unpackbits(np.frombuffer(raw[:PRESENT], np.uint8)).astype(np.bool_),
        _whole(raw[PRESENT:], "<u4", (pieces, SECONDS)),
        _whole(unzip.decompress(means), "<u2", (pieces, MEANS)),
        np.frombuffer(energy[:joules], "<f8").reshape(channels, pieces),
        _whole(energy[joules:], "<u4", (channels, pieces)),
    )


def _planes(table: Whole, dtype: str) -> bytes:
    """By column, all low bytes before all higher ones: it compresses better so."""
    by_column = np.ascontiguousarray(table.T, dtype)
    return by_column.view(np.uint8).reshape(-1, by_column.itemsize).T.tobytes()


def _whole(planes: bytes, dtype: str, shape: tuple[int, int]) -> Whole:
    """What `_planes` was given."""
    by_plane = np.frombuffer(planes, np.uint8).reshape(np.dtype(dtype).itemsize, shape[0] * shape[1])
    by_column: NDArray[np.uint8] = np.ascontiguousarray(by_plane.T)
    return by_column.view(dtype).reshape(shape[::-1]).T.astype(np.int64)
