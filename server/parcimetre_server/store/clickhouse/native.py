"""ClickHouse's Native format for the few column types of our tables: exact numbers, no escaping, no rows.

A block is a number of columns, a number of rows, then each column whole: name, type, values. Strings are
bytes with their length before them; arrays are the running total of their lengths, then all their items.
Read from the format's description and checked against 18.16 and 26.9, which write the same bytes over HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any] | list[str] | tuple[NDArray[np.uint64], NDArray[Any]]
Columns = dict[str, Values]
NUMBERS = {
    "UInt8": "<u1", "UInt16": "<u2", "UInt32": "<u4", "UInt64": "<u8", "Int64": "<i8",
    "Float32": "<f4", "Float64": "<f8", "FixedString(32)": "S32",
}  # fmt: skip
ARRAY = "Array("


class NotNative(ValueError):
    """Bytes that are no blocks, or end within one."""


def encode(types: Mapping[str, str], columns: Mapping[str, Values], rows: int) -> bytes:
    """One block of `rows` rows with the columns that `types` names."""
    parts = [_varint(len(types)), _varint(rows)]
    for name, kind in types.items():
        parts += [_text(name), _text(kind), _encoded(kind, columns[name])]
    return b"".join(parts)


def decode(raw: bytes) -> Columns:
    """All blocks, joined; no columns where there is no block. Raises NotNative."""
    reader, blocks = _Reader(raw), []
    while not reader.at_end:
        columns, rows = reader.varint(), reader.varint()
        blocks.append([(reader.text(), *reader.values(rows)) for _ in range(columns)])
    if not blocks:
        return {}
    return {same[0][0]: _joined([values for _, _, values in same]) for same in zip(*blocks, strict=True)}


def array(values: Values) -> NDArray[Any]:
    """A column of numbers or of texts of one length."""
    assert isinstance(values, np.ndarray)
    return values


def items(values: Values) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """A column of arrays: where each ends, and all their items."""
    assert isinstance(values, tuple)
    return values


def lists(values: Values) -> list[list[float]]:
    """A column of arrays, one by one."""
    ends, every = items(values)
    return [part.tolist() for part in np.split(every, ends[:-1].astype(np.int64))]


def binaries(values: Values) -> list[bytes]:
    """A column of arrays of bytes."""
    ends, every = items(values)
    raw, stops = every.tobytes(), ends.tolist()
    return [raw[start:stop] for start, stop in zip([0, *stops[:-1]], stops, strict=True)]


def whole(values: Values) -> list[int]:
    """A column of whole numbers."""
    found: list[int] = array(values).tolist()
    return found


def texts(values: Values) -> list[str]:
    """A column of texts."""
    return values if isinstance(values, list) else [raw.decode() for raw in array(values).tolist()]


def _encoded(kind: str, values: Values) -> bytes:
    if isinstance(values, list):
        return b"".join(map(_text, values))
    if isinstance(values, tuple):
        ends, items = values
        return ends.astype("<u8").tobytes() + _encoded(kind[len(ARRAY) : -1], items)
    return np.ascontiguousarray(values, NUMBERS[kind]).tobytes()


def _joined(blocks: Sequence[Values]) -> Values:
    first = blocks[0]
    if len(blocks) == 1:
        return first
    if isinstance(first, list):
        return [str(text) for block in blocks for text in block]
    if isinstance(first, tuple):
        lengths = np.concatenate([np.diff(ends, prepend=np.uint64(0)) for ends, _ in blocks])
        return np.cumsum(lengths, dtype=np.uint64), np.concatenate([items for _, items in blocks])
    return np.concatenate(blocks)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _text(text: str) -> bytes:
    raw = text.encode()
    return _varint(len(raw)) + raw


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    @property
    def at_end(self) -> bool:
        """Whether nothing follows."""
        return self._at >= len(self._raw)

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self._at + size
        if end > len(self._raw):
            raise NotNative(f"the answer ends at byte {len(self._raw)}, within a column")
        taken, self._at = self._raw[self._at : end], end
        return taken

    def varint(self) -> int:
        """A number of seven bits a byte."""
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7

    def text(self) -> str:
        """A length and that many bytes."""
        return self.take(self.varint()).decode()

    def values(self, rows: int) -> tuple[str, Values]:
        """A column's type and values."""
        kind = self.text()
        if kind == "String":
            return kind, [self.text() for _ in range(rows)]
        if kind.startswith(ARRAY):
            ends = self._numbers("UInt64", rows)
            return kind, (ends, self._numbers(kind[len(ARRAY) : -1], int(ends[-1]) if rows else 0))
        return kind, self._numbers(kind, rows)

    def _numbers(self, kind: str, rows: int) -> NDArray[Any]:
        if kind not in NUMBERS:
            raise NotNative(f"a column has the type {kind}, which is not read here")
        dtype = np.dtype(NUMBERS[kind])
        return np.frombuffer(self.take(rows * dtype.itemsize), dtype)
