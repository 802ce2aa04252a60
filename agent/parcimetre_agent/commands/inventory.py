"""`inventory`: what this machine is made of, as it would be reported."""

from __future__ import annotations

import argparse
import json

from ..base.console import print_line
from ..configuration.settings import Settings
from ..machine.clock import Clock
from ..recording.sampling import Sampler
from ..report import Inventory
from ..sending import inventory, wire_json
from ..sensors.machine import Machine


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Show it."""
    now = Clock().now()
    sampler = Sampler()
    sampler.sample(now)
    taken = inventory.take_inventory(Machine(), int(now.wall_s), sampler.outcomes, settings.displays)
    if options.json:
        print_line(json.dumps(wire_json.as_json(taken), indent=2, ensure_ascii=False))
    else:
        for line in lines(taken):
            print_line(line)
    return 0


def lines(taken: Inventory) -> list[str]:
    """For people: one line per part."""
    system = taken.system
    named = " ".join(part for part in (system.maker, system.version, system.model) if part) or "not stated"
    found = [
        f"category: {taken.category}, virtual: {taken.virtual}",
        f"system: {named}",
        f"os: {taken.os.name} {taken.os.version or ''}".rstrip(),
    ]
    found += [f"processor: {one.units} x {one.model}, {one.cores} cores each" for one in taken.cpus]
    found += [
        f"memory: {one.size_mib} MiB {one.kind or ''} {one.maker or ''}".rstrip() for one in taken.memory
    ]
    found += [
        f"disk: {one.size_bytes / 1e9:.0f} GB {one.kind} {one.model or ''}".rstrip() for one in taken.disks
    ]
    found += [f"graphics: {one.name or f'{one.vendor_id}:{one.device_id}'}" for one in taken.gpus]
    found += [f"display: {one.maker} {one.name or one.product}" for one in taken.displays]
    found += [
        f"battery: {one.design_mwh or '?'} mWh {one.technology or ''}".rstrip() for one in taken.batteries
    ]
    return found
