"""Shares of stages and lengths of bars of footprint rows, in the order they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..fleet.device import Device
from ..footprint.query import STAGES, FootprintRow


@dataclass(frozen=True)
class StageShare:
    """A stage with its share of the total and the offset of its bar, both of 1."""

    key: str
    row: FootprintRow
    share: float
    offset: float


@dataclass(frozen=True)
class Bar:
    """A row with its length relative to the greatest one, of 1; `key` is the row's group."""

    row: FootprintRow
    length: float
    key: str
    device: Device | None = None


def stage_shares(rows: Iterable[FootprintRow]) -> list[StageShare]:
    """Return the shares of stages in the order of STAGES, including those without a factor."""
    by_stage = {row.group: row for row in rows}
    total = sum(row.value or 0.0 for row in by_stage.values())
    shares: list[StageShare] = []
    offset = 0.0
    for stage in STAGES:
        if stage in by_stage:
            share = (by_stage[stage].value or 0.0) / total if total else 0.0
            shares.append(StageShare(stage, by_stage[stage], share, offset))
            offset += share
    return shares


def bars(
    rows: Iterable[FootprintRow], devices: Mapping[str, Device] | None = None, by_value: bool = True
) -> list[Bar]:
    """Return rows as bars, from the greatest to the smallest or in the given order."""
    ordered = list(rows)
    if by_value:
        ordered.sort(key=_value, reverse=True)
    greatest = max(map(_value, ordered), default=0.0)
    return [
        Bar(row, _value(row) / greatest if greatest else 0.0, row.group, (devices or {}).get(row.group))
        for row in ordered
    ]


def _value(row: FootprintRow) -> float:
    return row.value or 0.0


def lowest_common_unit(devices: Iterable[Device], org_unit: str) -> str:
    """Return the lowest org unit at or below `org_unit` that has all devices in its subtree."""
    paths = [device.org_unit.split("/") for device in devices]
    depth = len(org_unit.split("/")) if org_unit else 0
    while (
        paths and all(len(path) > depth + 1 for path in paths) and len({path[depth] for path in paths}) == 1
    ):
        depth += 1
    return "/".join(paths[0][:depth]) if paths else org_unit
