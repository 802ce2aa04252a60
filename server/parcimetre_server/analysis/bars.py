"""Rows as pages and reports draw them: shares, lengths of bars, order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..fleet.device import Device
from ..footprint.query import FootprintRow
from ..presentation.labels import STAGES


@dataclass(frozen=True)
class StageShare:
    """A stage with its share of the total and where its bar begins, both of 1."""

    key: str
    title: str
    row: FootprintRow
    share: float
    offset: float


@dataclass(frozen=True)
class Bar:
    """A row with its length, of 1, beside the greatest one; `key` stands for the row's group."""

    row: FootprintRow
    length: float
    key: str
    device: Device | None = None


def stage_shares(rows: Iterable[FootprintRow]) -> list[StageShare]:
    """The stages in the order of STAGES, those without any factor included."""
    known = {row.group: row for row in rows}
    total = sum(row.value or 0.0 for row in known.values())
    views: list[StageShare] = []
    offset = 0.0
    for stage, title in STAGES.items():
        if stage in known:
            share = (known[stage].value or 0.0) / total if total else 0.0
            views.append(StageShare(stage, title, known[stage], share, offset))
            offset += share
    return views


def bars(
    rows: Iterable[FootprintRow], devices: Mapping[str, Device] | None = None, by_value: bool = True
) -> list[Bar]:
    """Rows from the greatest to the smallest, or as they come."""
    found = list(rows)
    if by_value:
        found.sort(key=_value, reverse=True)
    greatest = max(map(_value, found), default=0.0)
    return [
        Bar(row, _value(row) / greatest if greatest else 0.0, row.group, (devices or {}).get(row.group))
        for row in found
    ]


def _value(row: FootprintRow) -> float:
    return row.value or 0.0


def lowest_common_unit(devices: Iterable[Device], org_unit: str) -> str:
    """The org unit whose children tell devices apart: this one, or the only one that all are below of."""
    paths = [device.org_unit.split("/") for device in devices]
    depth = len(org_unit.split("/")) if org_unit else 0
    while (
        paths and all(len(path) > depth + 1 for path in paths) and len({path[depth] for path in paths}) == 1
    ):
        depth += 1
    return "/".join(paths[0][:depth]) if paths else org_unit
