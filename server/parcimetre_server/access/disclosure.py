"""Disclosure control: which sums of devices a viewer may be shown. Pure: values in, values out.

The rule. On each day, the protected devices of a scope are divided into **blocks**; a device is in one block.
A block is safe if at least FEWEST devices contribute to it and none of them has more than DOMINANT of its
amount. Everything that viewers are shown is a sum of whole safe blocks, over whole days. So nothing that is
computed from it by addition and subtraction, over units, groupings and periods, separates a device from the
others of its block (microaggregation: Hundepool et al., Statistical Disclosure Control, 2012, chapters 3.6
and 4).

Blocks follow the tree of grid zone, org units, category, site and supply contracts, from below: what is too
small at one node is completed by devices of larger blocks at that node, else goes to the node above. Use and
embodied impact have blocks of their own, since a device may be in service on a day without being used.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from ..base.org_path import SMALL
from ..base.periods import Interval
from ..base.scope import NotAllowed

RULE = 2  # raised when the same records give viewers other figures; 1: threshold of groups only
FEWEST = 5
DOMINANT = 0.9
NOT_PROTECTED = frozenset({"server", "network", "printer", "pdu", "ups"})
"""Categories of devices that are nobody's own."""

NO_BLOCK = -1
TOO_SHORT: tuple[Interval, ...] = ("slot", "hour")
Amounts = NDArray[np.float64]
Members = NDArray[np.intp]
Path = tuple[Hashable, ...]


def is_protected(category: str) -> bool:
    """Return whether a device of this category may be somebody's own."""
    return category not in NOT_PROTECTED


def is_safe(amounts: Amounts) -> bool:
    """Return whether the sum of these amounts, one per device, discloses none of them."""
    if len(amounts) < FEWEST:
        return False
    sizes = np.abs(amounts)
    return bool(np.count_nonzero(sizes) >= FEWEST and sizes.max() <= DOMINANT * sizes.sum())


def parts_to_merge(amounts: Amounts) -> frozenset[int]:
    """Return the parts of a block that are shown as one only, by their row in `amounts` (parts, devices).

    Parts without any amount are not among them. All are where no choice of them makes the one safe.
    """
    parts = [i for i in range(len(amounts)) if amounts[i].any()]
    merged = [i for i in parts if not is_safe(amounts[i])]
    if not merged:
        return frozenset()
    rest = sorted(set(parts) - set(merged), key=lambda i: (int(np.count_nonzero(amounts[i])), i))
    while rest and not _is_safe_together(amounts, merged):
        merged.append(rest.pop(0))
    return frozenset(merged)


def _is_safe_together(amounts: Amounts, parts: Sequence[int]) -> bool:
    return is_safe(np.abs(amounts[list(parts)]).sum(axis=0))


class BlockTree:
    """The tree of nodes of some leaves; a leaf is named by its path from the top."""

    def __init__(self, leaves: Sequence[Path]) -> None:
        """Number the nodes so that each comes after all below it."""
        nodes: dict[Path, None] = {}
        for leaf in leaves:
            nodes.update(dict.fromkeys(leaf[:depth] for depth in range(1, len(leaf) + 1)))
        ordered = sorted(nodes, key=len, reverse=True)
        number = {node: i for i, node in enumerate(ordered)}
        self.leaves: Members = np.array([number[leaf] for leaf in leaves], np.intp)
        self.above = [number[node[:-1]] if len(node) > 1 else NO_BLOCK for node in ordered]


@dataclass
class _Node:
    """Members of a node that are in no block yet, and the safe blocks at and below it."""

    waiting: list[Members] = field(default_factory=list)
    blocks: list[Members] = field(default_factory=list)


def blocks_of_day(tree: BlockTree, leaf: Members, kind: Members, amounts: Amounts) -> Members:
    """Return the number of each member's block (n,), NO_BLOCK where it is in no safe one.

    `leaf` (n,) indexes the leaves of the tree, NO_BLOCK for members that are absent on the day; `kind` (n,)
    are groups that members without a block at their own node are kept together by; the order of members
    decides who completes a block, and should be the same on all days.
    """
    nodes: dict[int, _Node] = {}
    for i, members in _by_leaf(leaf):
        node = nodes.setdefault(int(tree.leaves[i]), _Node())
        (node.blocks if is_safe(amounts[members]) else node.waiting).append(members)
    result = np.full(len(leaf), NO_BLOCK, np.intp)
    count = 0
    for at, above in enumerate(tree.above):
        if at not in nodes:
            continue
        node = nodes.pop(at)
        _settle(node, kind, amounts)
        if above != NO_BLOCK:
            upper = nodes.setdefault(above, _Node())
            upper.waiting += node.waiting
            upper.blocks += node.blocks
            continue
        for members in (*node.blocks, *_without_amount(node.waiting, amounts)):
            result[members] = count
            count += 1
    return result


def _by_leaf(leaf: Members) -> Iterable[tuple[int, Members]]:
    """Yield each leaf that has members, with these in order."""
    order = np.argsort(leaf, kind="stable")
    present = order[np.searchsorted(leaf[order], 0) :]
    edges = np.flatnonzero(np.diff(leaf[present])) + 1
    for members in np.split(present, edges) if len(present) else ():
        yield int(leaf[members[0]]), members


def _without_amount(waiting: Sequence[Members], amounts: Amounts) -> Iterable[Members]:
    """Yield the members that wait as one, where there are enough of them and none has any amount."""
    members = _joined(waiting)
    if len(members) >= FEWEST and not amounts[members].any():
        yield members


def _joined(parts: Sequence[Members]) -> Members:
    return np.sort(np.concatenate([np.zeros(0, np.intp), *parts])) if len(parts) != 1 else parts[0]


def _settle(node: _Node, kind: Members, amounts: Amounts) -> None:
    """Make blocks of the members that wait at a node, as far as they are or can be completed to be safe."""
    if not node.waiting:
        return
    pool = _joined(node.waiting)
    rest: list[Members] = []
    for same in (pool[kind[pool] == group] for group in np.unique(kind[pool])):
        (node.blocks if is_safe(amounts[same]) else rest).append(same)
    pool = _joined(rest)
    if amounts[pool].any():
        blocks = list(node.blocks)
        completed = _completed(pool, blocks, amounts)
        if is_safe(amounts[completed]):
            node.blocks, pool = [*blocks, completed], pool[:0]
    node.waiting = [pool] if len(pool) else []


def _completed(pool: Members, blocks: list[Members], amounts: Amounts) -> Members:
    """Return the pool with members of blocks, which it removes from them: a few of the largest if these can
    be spared, else the smallest block.
    """
    while blocks and not is_safe(amounts[pool]):
        largest = max(range(len(blocks)), key=lambda i: len(blocks[i]))
        spared = _spared(pool, blocks[largest], amounts)
        if spared:
            kept = np.isin(blocks[largest], spared, invert=True)
            blocks[largest] = blocks[largest][kept]
            return np.sort(np.concatenate([pool, np.array(spared, np.intp)]))
        smallest = min(range(len(blocks)), key=lambda i: (len(blocks[i]), int(blocks[i][0])))
        pool = np.sort(np.concatenate([pool, blocks.pop(smallest)]))
    return pool


def _spared(pool: Members, block: Members, amounts: Amounts) -> list[int]:
    """Return the members of a block that make a pool safe and leave the block so; none if there are none."""
    with_amount = block[amounts[block] != 0]
    spared: list[int] = []
    for member in with_amount[: max(0, len(with_amount) - FEWEST)].tolist():
        spared.append(member)
        if is_safe(amounts[np.concatenate([pool, spared]).astype(np.intp)]):
            kept = np.isin(block, spared, invert=True)
            return spared if is_safe(amounts[block[kept]]) else []
    return []


def common_unit(units: Sequence[str]) -> str:
    """Return the org unit under which devices of several units are shown: SMALL of the lowest above all."""
    if len(set(units)) == 1:
        return units[0]
    columns = zip(*(unit.split("/") for unit in units), strict=False)
    names = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]
    return "/".join([*names, SMALL])


def common_label(labels: Sequence[str]) -> str:
    """Return the group under which devices of several groups are shown."""
    return labels[0] if len(set(labels)) == 1 else SMALL


def shown_units(labels: Iterable[str]) -> frozenset[str]:
    """Return the org units of which something is shown, from the units that blocks are shown under."""
    names = (label.split("/") for label in labels)
    paths = {"/".join(path[:depth]) for path in names for depth in range(1, len(path) + 1)}
    return frozenset(path for path in paths if path.split("/")[-1] != SMALL)


@dataclass(frozen=True)
class DisclosureControl:
    """What disclosure control shows of a query: the org units, and the number of devices in service.

    `asked_unit` is the org unit that was asked for, if it is below that of the scope; `withheld` says that
    there are devices, but nothing is shown of them.
    """

    units: frozenset[str] = frozenset()
    asked_unit: str | None = None
    devices: int = 0
    withheld: bool = False

    def check_unit(self) -> None:
        """Raise NotAllowed where nothing may be shown of the org unit that was asked for."""
        if self.asked_unit is not None and self.asked_unit not in self.units:
            raise NotAllowed(
                f"{self.asked_unit!r} has fewer than {FEWEST} devices in this period, or its figure would "
                "disclose that of another small group: choose the org unit above it, or use the role analyst"
            )

    def check_grouping(self, group_by: str | None) -> None:
        """Raise NotAllowed for figures of single devices."""
        if group_by == "device":
            raise NotAllowed("figures of single devices need the role analyst; yours is viewer")


def check_interval(interval: Interval) -> None:
    """Raise NotAllowed for intervals that are shorter than a day."""
    if interval in TOO_SHORT:
        raise NotAllowed(
            f"figures by {interval} need the role analyst; yours is viewer, whose shortest interval is a day"
        )


def merged_names(amounts: Mapping[str, Amounts]) -> frozenset[str]:
    """Return the names of the parts of a block that are shown as one only; amounts (devices,) by name."""
    names = list(amounts)
    if not names:
        return frozenset()
    return frozenset(names[i] for i in parts_to_merge(np.array([amounts[name] for name in names])))
