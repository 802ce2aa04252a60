"""Network traffic since boot, over all interfaces but the machine's own loop. No address is read."""

from __future__ import annotations

import psutil

from ...base.outcome import NoData, Ok, Outcome

_LOOPS = ("lo", "lo0", "Loopback Pseudo-Interface 1")


def read() -> Outcome[dict[str, float]]:
    """KiB received and sent."""
    interfaces = psutil.net_io_counters(pernic=True, nowrap=False)
    seen = [traffic for name, traffic in interfaces.items() if name not in _LOOPS]
    if not seen:
        return NoData("no network interface")
    return Ok(
        {
            "net_received_kib": sum(traffic.bytes_recv for traffic in seen) / 1024,
            "net_sent_kib": sum(traffic.bytes_sent for traffic in seen) / 1024,
        }
    )
