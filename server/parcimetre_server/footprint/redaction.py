"""Redaction of footprints: sums of blocks for viewers, and host names that a reader may not see.

The blocks are those of `access/disclosure.py`, by day. The devices of blocks that are shown under the same
groups are summed over the days of each period, so that all that is computed afterwards (shares, coverage,
extrapolation, changes) is a function of these sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.criteria import Stage
from parcimetre_factors.power.power_sources import POWER_SOURCES

from ..access.disclosure import (
    NO_BLOCK,
    BlockTree,
    Path,
    blocks_of_day,
    common_label,
    common_unit,
    embodied_factor,
    is_protected,
    merged_names,
)
from ..base.cache import Cache
from ..base.periods import LAST_SECOND, Periods
from ..base.scope import Scope
from ..fleet.device import Device
from ..store.records import DeviceId
from .contributions import model_name
from .device_footprints import DeviceFootprints, MergedParts, Part, ShownAs
from .energy_use import Array

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Supply = Callable[[Device], object]
Facet = Literal["whole", "source", "evidence", "tier", "stage", "component"]
AmountsByName = Mapping[tuple[Facet, str], Array]
OWN = ("own",)


def remove_host_names(cohorts: Iterable[DeviceFootprints], scope: Scope) -> Iterator[DeviceFootprints]:
    """Remove host names unless the reader is an admin and the device still belongs to the scope."""
    for cohort in cohorts:
        visible = [scope.sees_host_names and device.until == LAST_SECOND for device in cohort.devices]
        if all(visible):
            yield cohort
        else:
            pairs = zip(cohort.devices, visible, strict=True)
            yield replace(cohort, devices=tuple(
                device if shown or device.hostname is None else replace(device, hostname=None)
                for device, shown in pairs
            ))  # fmt: skip


class ShownKey(NamedTuple):
    """What blocks have in common that are summed: their groups, and what is merged in them.

    `mixed_supply` says that contracts of its devices differ.
    """

    shown_as: ShownAs
    merged: MergedParts = MergedParts()
    mixed_supply: bool = False


class KeysOfDay(NamedTuple):
    """The keys of the blocks of a day, and which one each row has, NO_BLOCK where it is in none."""

    keys: tuple[ShownKey, ...]
    of_row: Indices


MOST_BYTES = 48 * 2**20
STALE = "The blocks of a day are never stale: their key is the digest of all that they rest on."
_DAYS: Cache[bytes, KeysOfDay] = Cache(
    "blocks of days", STALE, MOST_BYTES, lambda day: day.of_row.nbytes + 1000 * len(day.keys)
)

Which = Literal["all", "one_supply", "mixed_supply"]


def sums_of_blocks(
    cohorts: Sequence[DeviceFootprints], asked: Periods, days: Periods, supply: Supply, which: Which = "all"
) -> Iterator[DeviceFootprints]:
    """Yield the sums of blocks by the asked periods, from footprints by day.

    `supply` returns the contracts of a device; `which` are the blocks whose use is summed: where contracts of
    their devices differ, market-based use would tell these apart. Embodied impact comes with all but those.
    """
    period = asked.index(days.edges[:-1])
    cohorts = list(map(_with_factors, cohorts))
    parts: tuple[Part, ...] = ("use",) if which == "mixed_supply" else ("use", "embodied")
    for part in parts:
        keys, key_of = _Blocks(cohorts, part, supply).keys()
        if which != "all" and part == "use" and keys:
            mixed = np.array([key.mixed_supply for key in keys])
            key_of = np.where(mixed[key_of] == (which == "mixed_supply"), key_of, NO_BLOCK)
        at = 0
        for cohort in cohorts:
            n = len(cohort.devices)
            yield from _Summing(key_of[at : at + n], period, len(asked.names), cohort).sums(keys, part)
            at += n


def _with_factors(cohort: DeviceFootprints) -> DeviceFootprints:
    """Footprints of a cohort, of which the embodied impact of each protected device has its factor."""
    factors = np.array([
        embodied_factor(device.id, str(cohort.criterion)) if is_protected(device.category) else 1.0
        for device in cohort.devices
    ])[:, None]  # fmt: skip
    second = cohort.reconditioned
    return replace(
        cohort,
        accrued=cohort.accrued * factors,
        reconditioned=None if second is None else second * factors,
    )


def _use_amounts(cohort: DeviceFootprints) -> AmountsByName:
    """Energy of a cohort's devices by day (n, days): whole, and by what figures tell apart."""
    energy_j, measured_j = cohort.energy_j.sum(axis=0), cohort.measured_j.sum(axis=0)
    sources = {("source", POWER_SOURCES[i].name): of for i, of in enumerate(cohort.energy_j) if of.any()}
    tiers = {("tier", tier): of.sum(axis=0) for tier, of in cohort.tier_j.items()}
    evidence = {("evidence", "measured"): measured_j, ("evidence", "modelled"): energy_j - measured_j}
    return {("whole", ""): energy_j, **sources, **tiers, **evidence}  # type: ignore[dict-item]


def _embodied_amounts(cohort: DeviceFootprints) -> AmountsByName:
    """Embodied impact of a cohort's devices by day (n, days), its size: whole, by stage and by component."""
    by_name: dict[tuple[Facet, str], Array] = {}

    def add(facet: Facet, name: str, value: float, units: Array) -> None:
        """Add the size of a stage or component."""
        by_name[facet, name] = by_name.get((facet, name), 0.0) + abs(value) * units

    facets: tuple[Literal["stage", "component"], ...] = ("stage", "component")
    for facet in facets:
        for name, per_unit in cohort.model.per_unit(cohort.criterion, cohort.policy, facet).items():
            add(facet, name, per_unit.value, cohort.accrued)
    second = cohort.model.reconditioned(cohort.criterion, cohort.policy)
    if cohort.reconditioned is not None and second is not None:
        add("stage", str(second.stage), second.per_unit.value, cohort.reconditioned)
        add("component", second.component, second.per_unit.value, cohort.reconditioned)
    whole = sum(
        (amount for (facet, _), amount in by_name.items() if facet == "stage"), np.zeros_like(cohort.accrued)
    )
    return {("whole", ""): whole, **by_name}


AMOUNTS: Mapping[Part, Callable[[DeviceFootprints], AmountsByName]] = {
    "use": _use_amounts,
    "embodied": _embodied_amounts,
}


class _Blocks:
    """The blocks of one part of footprints by day; rows are the n placements of devices of all cohorts."""

    def __init__(self, cohorts: Sequence[DeviceFootprints], part: Part, supply: Supply) -> None:
        """Find the members of blocks: the protected devices, one for each grid zone that one is in.

        Members and leaves are in an order that other devices, days and queries do not change.
        """
        self._devices = [device for cohort in cohorts for device in cohort.devices]
        self._supplies = _by_place(self._devices, supply)
        self._labels = list(map(_shown_as_itself, self._devices))
        self._expected_s = np.concatenate([cohort.expected_s for cohort in cohorts])
        self._amounts = _of_all(cohorts, AMOUNTS[part])
        self._protected = np.array([is_protected(one.category) for one in self._devices], np.bool_)
        self._rows = np.flatnonzero(self._protected)
        protected = [self._devices[i] for i in self._rows.tolist()]
        ids = [(device.id, device.zone) for device in protected]
        number = {key: i for i, key in enumerate(sorted(set(ids)))}
        self._member = np.array([number[key] for key in ids], np.intp)
        kinds = {kind: i for i, kind in enumerate(sorted({device.category for device in protected}))}
        self._kind = np.zeros(len(number), np.intp)
        self._kind[self._member] = [kinds[device.category] for device in protected]
        paths = [self._path(i) for i in self._rows.tolist()]
        leaf_of = {path: i for i, path in enumerate(sorted(set(paths), key=repr))}
        self._paths, self._tree = list(leaf_of), BlockTree(list(leaf_of))
        self._leaf = np.array([leaf_of[path] for path in paths], np.intp)
        self._keys: dict[ShownKey, int] = {}

    def _path(self, row: int) -> Path:
        device = self._devices[row]
        place = device.category, device.site, self._supplies[row]
        return (device.zone, *device.org_unit.split("/"), OWN, *place)

    def keys(self) -> tuple[list[ShownKey], Indices]:
        """Return the keys, and which one each row has on each day (n, days), NO_BLOCK where none."""
        key_of = np.full(self._expected_s.shape, NO_BLOCK, np.intp)
        for i in np.flatnonzero(~self._protected).tolist():
            key_of[i] = self._number(ShownKey(self._labels[i]))
        expected_s = self._expected_s[self._rows]
        amounts = {name: amount[self._rows] for name, amount in self._amounts.items()}
        for day in range(key_of.size // max(len(key_of), 1)):
            of_day = {name: np.ascontiguousarray(amount[:, day]) for name, amount in amounts.items()}
            present = (expected_s[:, day] > 0) | (of_day["whole", ""] > 0)
            found = _DAYS.get_or_compute(
                self._digest(present, of_day), partial(self._keys_of_day, present, of_day)
            )
            numbers = np.array([*map(self._number, found.keys), NO_BLOCK], np.intp)
            key_of[self._rows, day] = numbers[found.of_row]
        return list(self._keys), key_of

    def _number(self, key: ShownKey) -> int:
        return self._keys.setdefault(key, len(self._keys))

    @cached_property
    def _who(self) -> bytes:
        """Who the rows are and where, as text."""
        ids = [(self._devices[i].id, self._labels[i]) for i in self._rows.tolist()]
        return repr((ids, self._leaf.tolist(), self._paths)).encode()

    def _digest(self, present: Flags, amounts: AmountsByName) -> bytes:
        """All that the blocks of a day rest on."""
        digest = blake2b(self._who, digest_size=32)
        digest.update(present.tobytes())
        for name, amount in amounts.items():
            digest.update(repr(name).encode())
            digest.update(amount.tobytes())
        return digest.digest()

    def _keys_of_day(self, present: Flags, amounts: AmountsByName) -> KeysOfDay:
        """The key of each protected row on a day; all rows of a device on a day are at its last place."""
        n = len(self._kind)
        leaf = np.full(n, NO_BLOCK, np.intp)
        leaf[self._member[present]] = self._leaf[present]
        whole = np.bincount(self._member, amounts["whole", ""], n).astype(np.float64)
        block = np.where(present, blocks_of_day(self._tree, leaf, self._kind, whole)[self._member], NO_BLOCK)
        keys: dict[ShownKey, int] = {}
        of_row = np.full(len(block), NO_BLOCK, np.intp)
        order = np.argsort(block, kind="stable")
        placed = order[np.searchsorted(block[order], 0) :]
        edges = np.flatnonzero(np.diff(block[placed])) + 1
        for rows in np.split(placed, edges) if len(placed) else ():
            of_row[rows] = keys.setdefault(self._key(rows, leaf, amounts), len(keys))
        return KeysOfDay(tuple(keys), of_row)

    def _key(self, rows: Indices, leaf: Indices, amounts: AmountsByName) -> ShownKey:
        """The key of the block of some rows."""
        members, index = np.unique(self._member[rows], return_inverse=True)
        labels = {self._labels[i] for i in self._rows[rows].tolist()}
        paths: list[Path] = [self._paths[i] for i in np.unique(leaf[members]).tolist()]
        units = ["/".join(map(str, path[1 : path.index(OWN)])) for path in paths]
        shown_as = ShownAs(
            common_unit(units),
            common_label([each.category for each in labels]),
            common_label([each.site for each in labels]),
            common_label([each.model for each in labels]),
        )
        of_members = {
            name: np.bincount(index, np.abs(amount[rows]), len(members)).astype(np.float64)
            for name, amount in amounts.items()
        }
        return ShownKey(shown_as, _merged(of_members), len({path[-1] for path in paths}) > 1)


def _shown_as_itself(device: Device) -> ShownAs:
    return ShownAs(device.org_unit, device.category, device.site, model_name(device))


def _by_place(devices: Iterable[Device], supply: Supply) -> list[object]:
    """What supplies each device, computed once for each place."""
    known: dict[tuple[str, str, str], object] = {}
    supplies = []
    for device in devices:
        place = device.zone, device.site, device.org_unit
        if place not in known:
            known[place] = supply(device)
        supplies.append(known[place])
    return supplies


def _of_all(
    cohorts: Sequence[DeviceFootprints], amounts_of: Callable[[DeviceFootprints], AmountsByName]
) -> dict[tuple[Facet, str], Array]:
    """Amounts by name of the devices of all cohorts (n, days)."""
    sizes = [len(cohort.devices) for cohort in cohorts]
    n, days = sum(sizes), cohorts[0].expected_s.shape[1]
    whole: dict[tuple[Facet, str], Array] = {}
    for first, size, cohort in zip(np.cumsum([0, *sizes]).tolist(), sizes, cohorts, strict=False):
        for name, amount in amounts_of(cohort).items():
            whole.setdefault(name, np.zeros((n, days)))[first : first + size] = amount
    return whole


def _merged(amounts: AmountsByName) -> MergedParts:
    """What is shown as one only of a block, from the amounts of its devices by name."""

    def names(wanted: Facet) -> frozenset[str]:
        """The names of the parts of a facet that are merged."""
        return merged_names({name: amount for (facet, name), amount in amounts.items() if facet == wanted})

    return MergedParts(
        names("source"), names("stage"), names("component"), bool(names("evidence")), bool(names("tier"))
    )


class _Summing:
    """Sums a cohort's devices by key and period; `key_of` is (n, days), `period` (days,)."""

    def __init__(self, key_of: Indices, period: Indices, p: int, cohort: DeviceFootprints) -> None:
        """Order the cells of the cohort's arrays by key, whether simulated, and period."""
        self._cohort, self._p = cohort, p
        marked = np.where(key_of == NO_BLOCK, NO_BLOCK, 2 * key_of + cohort.simulated[:, None])
        cells = np.flatnonzero(marked.ravel() != NO_BLOCK)
        target = marked.ravel()[cells] * p + np.broadcast_to(period, key_of.shape).ravel()[cells]
        order = np.argsort(target, kind="stable")
        self._cells, target = cells[order], target[order]
        self._starts = np.flatnonzero(np.diff(target, prepend=NO_BLOCK))
        self._marks, self._row = np.unique(target[self._starts] // p, return_inverse=True)
        self._period = target[self._starts] % p

    def _of(self, amounts: Array) -> Array:
        """Return the sums (..., m, p) of amounts (..., n, days)."""
        flat = amounts.reshape(*amounts.shape[:-2], -1)[..., self._cells]
        sums = np.zeros((*amounts.shape[:-2], len(self._marks), self._p))
        sums[..., self._row, self._period] = np.add.reduceat(flat, self._starts, axis=-1)
        return sums

    def sums(self, keys: Sequence[ShownKey], part: Part) -> Iterator[DeviceFootprints]:
        """Yield the sums of one part of the footprint, apart where other parts are merged."""
        if not len(self._cells):
            return
        whole = self._use() if part == "use" else self._embodied()
        of_row = [keys[mark // 2] for mark in self._marks.tolist()]
        shown_as = tuple(key.shown_as for key in of_row)
        devices = tuple(
            _stand_in(self._cohort.device, key.shown_as, bool(mark % 2))
            for key, mark in zip(of_row, self._marks.tolist(), strict=True)
        )
        whole = replace(whole, devices=devices, shown_as=shown_as, part=part)
        for merged in dict.fromkeys(key.merged for key in of_row):
            rows = [i for i, key in enumerate(of_row) if key.merged == merged]
            yield replace(whole.select(rows), merged=merged)

    def _use(self) -> DeviceFootprints:
        cohort = self._cohort
        return replace(
            cohort,
            energy_j=self._of(cohort.energy_j),
            measured_j=self._of(cohort.measured_j),
            covered_s=self._of(cohort.covered_s),
            expected_s=(expected_s := self._of(cohort.expected_s)),
            accrued=np.zeros_like(expected_s),
            reconditioned=None,
            use=None if cohort.use is None else self._of(cohort.use),
            use_by_errors={errors: self._of(amount) for errors, amount in cohort.use_by_errors.items()},
            tier_j={tier: self._of(energy_j) for tier, energy_j in cohort.tier_j.items()},
            absent=cohort.absent & {Stage.USE},
        )

    def _embodied(self) -> DeviceFootprints:
        cohort = self._cohort
        accrued = self._of(cohort.accrued)
        nothing = np.zeros((len(POWER_SOURCES), *accrued.shape))
        return replace(
            cohort,
            energy_j=nothing,
            measured_j=nothing,
            covered_s=np.zeros_like(accrued),
            expected_s=np.zeros_like(accrued),
            accrued=accrued,
            reconditioned=None if cohort.reconditioned is None else self._of(cohort.reconditioned),
            use=None,
            use_by_errors={},
            tier_j={},
            absent=cohort.absent - {Stage.USE},
        )


def _stand_in(device: Device, shown_as: ShownAs, simulated: bool) -> Device:
    """A device that stands in for the devices of blocks; it has nothing of any of them."""
    return replace(
        device, id=DeviceId("|".join(shown_as)), org_unit=shown_as.org_unit, category=shown_as.category,
        site=shown_as.site, simulated=simulated, hostname=None, inventory=None, purchase=None, stays=(),
        drivers=(), driven_by=None, since=0, until=LAST_SECOND,
    )  # fmt: skip


def joined_sums(sums: Iterable[DeviceFootprints]) -> Iterator[DeviceFootprints]:
    """Yield sums of several spans of days, added up where they are shown as the same."""
    alike: dict[tuple[object, ...], list[DeviceFootprints]] = {}
    for cohort in sums:
        key = (
            id(cohort.model), cohort.policy, cohort.begin_error, cohort.absent, cohort.part, cohort.merged,
            cohort.device.zone, cohort.use is None, cohort.reconditioned is None,
        )  # fmt: skip
        alike.setdefault(key, []).append(cohort)
    for cohorts in alike.values():
        yield cohorts[0] if len(cohorts) == 1 else _joined(cohorts)


def _joined(cohorts: Sequence[DeviceFootprints]) -> DeviceFootprints:
    """The sums of several cohorts of one hardware, one row for each group and whether it is simulated."""
    first = cohorts[0]
    keys = [
        (shown_as, device.simulated)
        for cohort in cohorts
        for shown_as, device in zip(cohort.shown_as or (), cohort.devices, strict=True)
    ]
    row_of = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    at = np.array([row_of[key] for key in keys], np.intp)
    p = first.expected_s.shape[1]

    def added(of: Callable[[DeviceFootprints], Array | None], *more: int) -> Array:
        """The sums of amounts (..., rows, p), zero in cohorts that have none."""
        whole = np.zeros((*more, len(row_of), p))
        done = 0
        for cohort in cohorts:
            rows, amount = at[done : done + len(cohort.devices)], of(cohort)
            done += len(cohort.devices)
            if amount is not None:
                for i, row in enumerate(rows.tolist()):
                    whole[..., row, :] += amount[..., i, :]
        return whole

    def by_key(of: Callable[[DeviceFootprints], Mapping[Any, Array]]) -> dict[Any, Array]:
        """The same of amounts by key, by power source."""
        names = dict.fromkeys(name for cohort in cohorts for name in of(cohort))
        return {name: added(lambda cohort, name=name: of(cohort).get(name), r) for name in names}  # type: ignore[misc]

    r = len(POWER_SOURCES)
    return replace(
        first,
        devices=tuple(_stand_in(first.device, *key) for key in row_of),
        shown_as=tuple(shown_as for shown_as, _ in row_of),
        energy_j=added(lambda cohort: cohort.energy_j, r),
        measured_j=added(lambda cohort: cohort.measured_j, r),
        covered_s=added(lambda cohort: cohort.covered_s),
        expected_s=added(lambda cohort: cohort.expected_s),
        accrued=added(lambda cohort: cohort.accrued),
        reconditioned=None if first.reconditioned is None else added(lambda cohort: cohort.reconditioned),
        use=None if first.use is None else added(lambda cohort: cohort.use, r),
        use_by_errors=by_key(lambda cohort: cohort.use_by_errors),
        tier_j=by_key(lambda cohort: cohort.tier_j),
    )
