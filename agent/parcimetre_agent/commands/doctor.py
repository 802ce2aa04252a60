"""`doctor`: the settings in force with their origin, what each sensor says, whether the collector answers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..base.console import print_line
from ..base.errors import AgentError
from ..configuration.data_dir import others_with_access
from ..configuration.settings import NAMES, Settings
from ..identity import installation
from ..machine.clock import Clock
from ..recording.sampling import Sampler
from ..sending import inventory
from ..sending.encryption import encryption_warning
from ..sensors.machine import Machine

POWER = "power."
WORDS = {"ok": "ok", "no_data": "no data here", "denied": "denied", "failed": "failed"}


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Show it; exit code 1 when the collector does not answer."""
    found = examine(settings)
    if options.json:
        print_line(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _show(found)
    return 0 if found["collector"]["reachable"] else 1


def examine(settings: Settings) -> dict[str, Any]:
    """Settings, sensors and collector."""
    now = Clock().now()
    sampler = Sampler()
    sampler.sample(now)
    taken = inventory.take_inventory(Machine(), int(now.wall_s), sampler.outcomes)
    return {
        "settings": {
            name: {"value": getattr(settings, name), "origin": settings.origins[name]} for name in NAMES
        },
        "sensors": {
            one.sensor: {"state": one.state, "detail": one.detail, "grant": one.grant}
            for one in taken.outcomes
        },
        "data_dir": {"open_to": others_with_access(settings.data_dir)},
        "collector": {**_collector(settings), "warning": _warning(settings)},
    }


def _collector(settings: Settings) -> dict[str, Any]:
    """Whether anything answers at the collector's address, with the reason when not."""
    from ..sending.transport import check_reachable, open_client

    try:
        with open_client(settings) as client:
            check_reachable(client)
    except AgentError as error:
        return {"reachable": False, "reason": str(error)}
    return {"reachable": True, "reason": None}


def _warning(settings: Settings) -> str | None:
    """What is unsafe about the collector's address; None where nothing is."""
    try:
        who = installation.load_identity(Path(settings.data_dir))
    except OSError:
        who = None
    return encryption_warning(settings, who.http_server if who else None)


def _answer(one: dict[str, Any]) -> str:
    """The state in words, with what is behind it and the grant that would fix a denial."""
    detail = f": {one['detail']}" if one["detail"] else ""
    fix = f"\n    to fix it: {one['grant']}" if one["grant"] else ""
    return f"{WORDS[one['state']]}{detail}{fix}"


def _show(found: dict[str, Any]) -> None:
    print_line("settings")
    for name, one in found["settings"].items():
        print_line(f"  {name} = {one['value']}  ({one['origin']})")
    for title, is_power in (("power sources", True), ("sensors", False)):
        print_line(title)
        for name, one in found["sensors"].items():
            if name.startswith(POWER) is is_power:
                print_line(f"  {name.replace(POWER, '')}  {_answer(one)}")
    if found["data_dir"]["open_to"]:
        crowds = ", ".join(found["data_dir"]["open_to"])
        print_line(
            f"data folder\n  open to {crowds}: let in the agent's account and the administrators alone"
        )
    collector = found["collector"]
    print_line("collector")
    print_line("  reachable" if collector["reachable"] else f"  not reachable: {collector['reason']}")
    if collector["warning"]:
        print_line(f"  warning: {collector['warning']}")
