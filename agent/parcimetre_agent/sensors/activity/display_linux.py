"""Whether a display is lit, from the kernel's display connectors. Not who sits there, nor what is shown."""

from __future__ import annotations

from ...base.outcome import NoData, Ok, Outcome
from ...machine import sysfs


def read(drm: str = "/sys/class/drm") -> Outcome[dict[str, float]]:
    """1 when a connected display is enabled and not switched off by DPMS, else 0."""
    connectors = [name for name in sysfs.entries(drm) if name.startswith("card") and "-" in name]
    connected = [name for name in connectors if sysfs.text(drm, name, "status") == "connected"]
    if not connected:
        return NoData("no display is connected, or its driver shows none")
    lit = any(
        sysfs.text(drm, name, "enabled") == "enabled" and sysfs.text(drm, name, "dpms") == "On"
        for name in connected
    )
    return Ok({"display_on": float(lit)})
