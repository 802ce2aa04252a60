"""Energy of Intel's separate graphics adapters, from the counters of their hwmon.

Drivers that only show watts (amdgpu's power1_average) are left out: a watt seen now and then is no energy.
An adapter that the kernel has put to sleep is not asked, which would wake it.
"""

from __future__ import annotations

from ..base.outcome import Failed, NoData, Ok, Outcome
from ..machine import sysfs
from ..metering.counters import Counter

SOURCE, QUALITY = "hwmon", "measured"
EVERY_S = 60
CEILING_W = 1000.0
_DRIVERS = ("i915", "xe")
_WHOLE_CARD = "card"


def read(root: str = "/sys/class/hwmon") -> Outcome[list[Counter]]:
    """A counter per adapter: the whole card's where it is distinct from the chip's, else the first."""
    adapters = [name for name in sysfs.entries(root) if sysfs.text(root, name, "name") in _DRIVERS]
    with_energy = [(name, file) for name in adapters if (file := _energy_file(root, name))]
    if not with_energy:
        return NoData("no graphics adapter that counts energy")
    awake = [one for one in with_energy if not _sleeps(root, one[0])]
    if len(awake) < len(with_energy):
        return NoData("a graphics adapter is asleep, and asking would wake it")
    counters = []
    for name, file in awake:
        energy_uj = sysfs.integer(root, name, file)
        if energy_uj is None:
            return Failed(f"{root}/{name}/{file} is not a number")
        counters.append(Counter(SOURCE, "gpu", QUALITY, name, energy_uj / 1e6, 0.0, CEILING_W))
    return Ok(counters)


def _energy_file(root: str, name: str) -> str | None:
    files = [
        file for file in sysfs.entries(root, name) if file.startswith("energy") and file.endswith("_input")
    ]
    labelled = [
        file for file in files if sysfs.text(root, name, file.replace("_input", "_label")) == _WHOLE_CARD
    ]
    return next(iter(labelled + files), None)


def _sleeps(root: str, name: str) -> bool:
    return sysfs.text(root, name, "device", "power", "runtime_status") == "suspended"
