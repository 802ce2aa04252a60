"""Mean power of a whole server from its BMC, by `ipmitool dcmi power reading`, once a quarter hour.

Asked for the mean of the last 15 minutes; a BMC that does not keep it gives the mean over its own period,
which is used when it is neither a sample (seconds) nor another time's (days).
"""
# ruff: noqa: PTH118

from __future__ import annotations

import os
import subprocess

from ..base.outcome import Denied, Failed, NoData, Ok, Outcome
from ..machine import sysfs
from ..metering.rare_readings import MeanPower, window_fits

SOURCE, QUALITY = "bmc_ipmi", "measured"
EVERY_S = 900
LIMIT_S = 5.0
CEILING_W = 20_000.0
COMMAND = "ipmitool"
GRANT = "let the agent's group open /dev/ipmi0: docs/en/agent.md#ipmi"
_UNITS_S = {"millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}


def read(root: str = "/dev") -> Outcome[list[MeanPower]]:
    """The mean that fits a quarter hour best. Denied when the BMC's device is root's alone."""
    devices = [name for name in sysfs.entries(root) if name.startswith("ipmi") and name[4:].isdigit()]
    if not devices:
        return NoData("no BMC on this machine, or its driver (ipmi_devintf) is not loaded")
    if not os.access(os.path.join(root, devices[0]), os.R_OK | os.W_OK):
        return Denied(f"{root}/{devices[0]} may not be opened by this account", GRANT)
    try:
        answers = [_ask(*wanted) for wanted in (("15_min",), ())]
    except FileNotFoundError:
        return Denied("ipmitool is not installed", "install ipmitool: docs/en/agent.md#ipmi")
    except subprocess.TimeoutExpired:
        return Failed(f"the BMC did not answer within {LIMIT_S:g} s")
    return _fitting([mean for mean in map(parse, answers) if mean is not None])


def _fitting(found: list[MeanPower]) -> Outcome[list[MeanPower]]:
    if not found:
        return NoData("the BMC does not measure power (DCMI), or the measurement is off")
    fitting = [mean for mean in found if window_fits(mean.window_s)]
    if not fitting:
        return NoData(
            f"the BMC averages over {found[0].window_s:g} s, which is too short or too long for a "
            "quarter hour"
        )
    return Ok(fitting[:1])


def _ask(*window: str) -> str:
    done = subprocess.run(
        [COMMAND, "dcmi", "power", "reading", *window],
        capture_output=True, text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else ""


def parse(text: str) -> MeanPower | None:
    """What `ipmitool dcmi power reading` says; None when it is no reading, or the measurement is off."""
    _, _, average = text.partition("Average power reading over sample period:")
    _, _, period = text.partition("Sampling period:")
    if not average.split() or len(period.split()) < 2 or "not activated" in text or "deactivated" in text:
        return None
    unit = period.split()[1].lower().strip(".").rstrip("s")
    try:
        watts, window_s = float(average.split()[0]), float(period.split()[0]) * _UNITS_S[unit]
    except (ValueError, KeyError):
        return None
    return MeanPower(SOURCE, "wall_ac", QUALITY, watts, window_s, CEILING_W)
