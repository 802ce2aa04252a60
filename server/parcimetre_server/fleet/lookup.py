"""Lookup of devices by id, host name or org unit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, takewhile

from ..base.org_path import within
from ..store.interface import Store
from ..store.records import DeviceId
from .device import Device, UnknownDevice, no_device
from .devices import devices


def find(store: Store, wanted: str) -> Device:
    """Return the device with this id, with an id that begins so, or with this name. Raises UnknownDevice."""
    return Directory(devices(store)).find(wanted)


class Directory:
    """Index of devices by id, by the beginning of an id, and by name."""

    def __init__(self, found: Mapping[DeviceId, Device]) -> None:
        self._by_id = found
        self._ids = sorted(found)
        self._by_name: dict[str, list[DeviceId]] = {}
        for key, known in found.items():
            self._by_name.setdefault(known.name, []).append(key)

    def find(self, wanted: str) -> Device:
        """Return the only match. Raises UnknownDevice for none and for several."""
        found = self._fitting(wanted)
        if not found:
            raise no_device(wanted)
        if len(found) > 1:
            raise UnknownDevice(f"{wanted!r} matches {len(found)} devices: give more characters of the id")
        return self._by_id[found[0]]

    def _fitting(self, wanted: str) -> Sequence[DeviceId]:
        if wanted in self._by_id:
            return [DeviceId(wanted)]
        first = bisect_left(self._ids, wanted)
        beginning = takewhile(lambda key: key.startswith(wanted), islice(self._ids, first, None))
        return (list(beginning) if wanted else []) or self._by_name.get(wanted, [])


def chosen(
    found: Mapping[DeviceId, Device],
    org_unit: str | None = None,
    site: str | None = None,
    category: str | None = None,
    q: str | None = None,
) -> Iterator[Device]:
    """Yield devices of an org unit's subtree, a site, a category, whose name or id contains `q`; by id."""
    for key in sorted(found):
        device = found[key]
        if (
            (org_unit is None or within(device.org_unit, org_unit))
            and (site is None or device.site == site)
            and (category is None or device.category == category)
            and (q is None or q.casefold() in f"{device.name} {device.id}".casefold())
        ):
            yield device
