"""A day that was rolled up, as bytes: which quarter hours have a record, then sums by column, compressed.

Beside the sums stand the quarter hours that were not wholly covered, as they were sent, as long as a record
that covers more may replace them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import zstandard
from numpy.typing import NDArray
from parcimetre_agent.report import DECILES

from ..rolling import HOUR_OF, NO_MEAN, SLOTS_PER_DAY, STATES, UNSTATED, WEEK_PARTS, Flags, Sums, Whole

LEVEL = 9
SECONDS = STATES + DECILES
MEANS = 5
PRESENT = SLOTS_PER_DAY // 8
NONE_WAITS = 0xFF  # instead of the number of incomplete quarter hours: none can be replaced any more
HOURS, WEEK = 24, len(WEEK_PARTS)


@dataclass(frozen=True)
class Incomplete:
    """The n quarter hours of a day that a record with more covered time may replace, as they were sent.

    Which they are (n,), seconds (n, 14), codes of means (n, 5), joules and seconds of channels (c, n).
    """

    at: Whole
    seconds: Whole
    means: Whole
    energy_j: NDArray[np.float64]
    counted_s: Whole

    def flags(self) -> Flags:
        """Return which quarter hours they are (96,)."""
        flags = np.zeros(SLOTS_PER_DAY, np.bool_)
        flags[self.at] = True
        return flags


def packed(sums: Sums, waiting: Incomplete | None) -> tuple[bytes, bytes, bytes]:
    """Return what `unpacked` takes: records, means, counters."""
    compress = zstandard.ZstdCompressor(LEVEL, write_checksum=False).compress
    parts = b"" if len(sums.seconds) == HOURS else sums.piece_of.astype(np.uint8).tobytes()
    records = np.packbits(sums.present).tobytes() + parts + _planes(sums.seconds, "<u4")
    counted = sums.energy_j.astype("<f8").tobytes() + _planes(sums.counted_s, "<u4")
    if waiting is None:
        return (
            compress(records + bytes([NONE_WAITS])),
            compress(_planes(sums.means, "<u2")),
            compress(counted),
        )
    columns = (waiting.at.astype(np.uint8), waiting.seconds.astype("<u2"), waiting.means.astype("<u2"))
    records += bytes([len(waiting.at)]) + b"".join(column.tobytes() for column in columns)
    counted += waiting.energy_j.astype("<f8").tobytes() + waiting.counted_s.astype("<u2").tobytes()
    return compress(records), compress(_planes(sums.means, "<u2")), compress(counted)


def unpacked(
    records: bytes,
    means: bytes,
    counted: bytes | None,
    channels: int,
    pieces: int,
    unzip: zstandard.ZstdDecompressor,
) -> tuple[Sums, Incomplete | None]:
    """Return a day that was packed in so many pieces, with so many energy channels."""
    raw = unzip.decompress(records)
    energy = unzip.decompress(counted) if counted else b""
    begin = PRESENT + (0 if pieces == HOURS else SLOTS_PER_DAY)
    end, joules = begin + 4 * pieces * SECONDS, channels * pieces * 8
    whole = joules + 4 * channels * pieces
    sums = Sums(
        np.unpackbits(np.frombuffer(raw[:PRESENT], np.uint8)).astype(np.bool_),
        HOUR_OF if pieces == HOURS else np.frombuffer(raw[PRESENT:begin], np.uint8).astype(np.int64),
        _whole(raw[begin:end], "<u4", (pieces, SECONDS)),
        _whole(unzip.decompress(means), "<u2", (pieces, MEANS)),
        np.frombuffer(energy[:joules], "<f8").reshape(channels, pieces),
        _whole(energy[joules:whole], "<u4", (channels, pieces)),
    )
    return sums, None if raw[end] == NONE_WAITS else _incomplete(raw[end:], energy[whole:], channels)


def _incomplete(records: bytes, energy: bytes, channels: int) -> Incomplete:
    n = records[0]
    ends = np.cumsum([1, n, 2 * n * SECONDS, 2 * n * MEANS]).tolist()
    at, seconds, means = (records[first:last] for first, last in pairwise(ends))
    joules = 8 * channels * n
    return Incomplete(
        np.frombuffer(at, np.uint8).astype(np.int64),
        np.frombuffer(seconds, "<u2").reshape(n, SECONDS).astype(np.int64),
        np.frombuffer(means, "<u2").reshape(n, MEANS).astype(np.int64),
        np.frombuffer(energy[:joules], "<f8").reshape(channels, n),
        np.frombuffer(energy[joules:], "<u2").reshape(channels, n).astype(np.int64),
    )


def upgrade_1(
    records: bytes, means: bytes, counted: bytes | None, channels: int, days: bool
) -> tuple[bytes, ...]:
    """Return the bytes of a row of version 2 from those of version 1, which had one sum for a whole day."""
    unzip, compress = zstandard.ZstdDecompressor().decompress, zstandard.ZstdCompressor(LEVEL).compress
    raw = unzip(records)
    if not days:
        return compress(raw + bytes([NONE_WAITS])), means, counted or b""
    energy = unzip(counted) if counted else b""
    seconds, codes = np.zeros((WEEK, SECONDS), np.int64), np.full((WEEK, MEANS), NO_MEAN)
    seconds[UNSTATED] = _whole(raw[PRESENT:], "<u4", (1, SECONDS))
    codes[UNSTATED] = _whole(unzip(means), "<u2", (1, MEANS))
    energy_j, counted_s = np.zeros((channels, WEEK)), np.zeros((channels, WEEK), np.int64)
    energy_j[:, UNSTATED] = np.frombuffer(energy[: 8 * channels], "<f8")
    counted_s[:, UNSTATED] = _whole(energy[8 * channels :], "<u4", (channels, 1))[:, 0]
    present = np.unpackbits(np.frombuffer(raw[:PRESENT], np.uint8)).astype(np.bool_)
    piece_of = np.full(SLOTS_PER_DAY, UNSTATED)
    return packed(Sums(present, piece_of, seconds, codes, energy_j, counted_s), None)


def _planes(table: Whole, dtype: str) -> bytes:
    """By column, all low bytes before all higher ones: it compresses better so."""
    by_column = np.ascontiguousarray(table.T, dtype)
    return by_column.view(np.uint8).reshape(-1, by_column.itemsize).T.tobytes()


def _whole(planes: bytes, dtype: str, shape: tuple[int, int]) -> Whole:
    """What `_planes` was given."""
    by_plane = np.frombuffer(planes, np.uint8).reshape(np.dtype(dtype).itemsize, shape[0] * shape[1])
    by_column: NDArray[np.uint8] = np.ascontiguousarray(by_plane.T)
    return by_column.view(dtype).reshape(shape[::-1]).T.astype(np.int64)
