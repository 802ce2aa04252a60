"""Mean power of a whole server from the ACPI power meter, which often shows the BMC's figure to everybody.

The meter averages over an interval that it states; one that is too short is a sample of watts, and refused.
"""

from __future__ import annotations

from ..base.outcome import NoData, Ok, Outcome
from ..machine import sysfs
from ..metering.rare_readings import MeanPower, window_fits

SOURCE, QUALITY = "acpi_meter", "measured"
EVERY_S = 300
CEILING_W = 20_000.0


def read(root: str = "/sys/class/hwmon") -> Outcome[list[MeanPower]]:
    """The first meter's mean over its own interval."""
    meters = [name for name in sysfs.entries(root) if sysfs.text(root, name, "name") == "power_meter"]
    if not meters:
        return NoData("no ACPI power meter")
    power_uw = sysfs.integer(root, meters[0], "power1_average")
    window_ms = sysfs.integer(root, meters[0], "power1_average_interval")
    if power_uw is None or window_ms is None:
        return NoData("the ACPI power meter does not report a mean power with its interval")
    window_s = window_ms / 1e3
    if not window_fits(window_s):
        return NoData(
            f"the ACPI power meter averages over {window_s:g} s, which is too short or too long for "
            "a quarter hour"
        )
    return Ok([MeanPower(SOURCE, "wall_ac", QUALITY, power_uw / 1e6, window_s, CEILING_W)])
