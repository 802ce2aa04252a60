"""Processor, memory and platform energy from Linux powercap (Intel and AMD RAPL).

Zones are known by their `name`, never by their number: package-N, dram, psys; core and uncore lie within
package and are left out. The same counter under intel-rapl and intel-rapl-mmio is read once, and AMD dies
that mirror their socket's counter are read once.
"""
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import os

from ..base.outcome import Denied, Failed, NoData, Ok, Outcome
from ..machine import sysfs
from ..metering.counters import Counter

SOURCE, QUALITY = "rapl", "measured"
GRANT = "let the agent's group read energy_uj: docs/en/agent.md#rapl"
CEILING_W = {"package": 1500.0, "dram": 500.0, "platform": 3000.0}
_MIRROR = 1e-6


def read(root: str = "/sys/class/powercap") -> Outcome[list[Counter]]:
    """Every zone's counter. Denied when energy_uj is root's alone (Linux 5.10 and later, CVE-2020-8694)."""
    zones = [name for name in sysfs.entries(root) if name.startswith("intel-rapl") and ":" in name]
    if not zones:
        return NoData("no RAPL zones: a virtual machine, or a processor without RAPL")
    counters: dict[tuple[str, str], Counter] = {}
    for zone in sorted(zones, key=lambda name: (name.startswith("intel-rapl-mmio"), name)):
        scope = scope_of(sysfs.text(root, zone, "name") or "")
        key = (_place(root, zone), scope)
        if not scope or key in counters:
            continue
        try:
            counter = _counter(root, zone, scope, key[0])
        except PermissionError as error:
            return Denied(f"{error.filename} may not be read by this account", GRANT)
        except (OSError, ValueError):
            continue
        counters[key] = counter
    if not counters:
        return Failed(f"{root} has RAPL zones, but none with a working counter")
    return Ok(_without_mirrors(list(counters.values())))


def scope_of(name: str) -> str:
    """The report's scope of a zone by its name; empty for zones inside another (core, uncore)."""
    if name.startswith("package"):
        return "package"
    return {"dram": "dram", "psys": "platform"}.get(name, "")


def _place(root: str, zone: str) -> str:
    """The name that a zone keeps when numbers move: its own, within its package's."""
    name = sysfs.text(root, zone, "name") or ""
    parent = zone.rpartition(":")[0]
    if ":" in parent:
        return f"{sysfs.text(root, parent, 'name') or parent}/{name}"
    return name


def _counter(root: str, zone: str, scope: str, place: str) -> Counter:
    """One zone's reading. Raises OSError when unreadable, ValueError when it is no number."""
    with open(os.path.join(root, zone, "energy_uj"), encoding="ascii") as file:
        energy_j = int(file.read()) / 1e6
    wrap_j = (sysfs.integer(root, zone, "max_energy_range_uj") or 0) / 1e6
    return Counter(SOURCE, scope, QUALITY, place, energy_j, wrap_j, CEILING_W[scope])


def _without_mirrors(counters: list[Counter]) -> list[Counter]:
    """Dies of one socket (package-0-die-1) whose counter equals an earlier die's show the same energy."""
    kept: list[Counter] = []
    for counter in counters:
        mirrored = "-die-" in counter.zone and any(
            other.scope == counter.scope
            and other.zone.partition("-die-")[0] == counter.zone.partition("-die-")[0]
            and abs(other.energy_j - counter.energy_j) <= _MIRROR * max(other.energy_j, 1.0)
            for other in kept
        )
        if not mirrored:
            kept.append(counter)
    return kept
