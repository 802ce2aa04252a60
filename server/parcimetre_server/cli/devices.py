"""`parcimetre devices`: the fleet's devices."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options

if TYPE_CHECKING:
    from ..api.devices import DeviceSummary
    from ..store import Store

EPILOG = """\b
Examples:
  parcimetre devices --org-unit "Métropole/Clairval" --category laptop
  parcimetre devices show 0f3a9c...
  parcimetre devices retire 0f3a9c...
"""


@click.group(epilog=EPILOG, invoke_without_command=True)
@options.data_dir
@click.option("--org-unit", help="Only this org unit and those below it.")
@click.option("--site", help="Only this site.")
@click.option("--category", help="Only this category, like laptop.")
@click.option("-q", "search", help="Only devices whose name or id contains this.")
@options.as_json
@click.pass_context
def command(
    ctx: click.Context, data_dir: Path, org_unit: str | None, site: str | None, category: str | None,
    search: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List devices, show one, or retire it."""
    from ..api.devices import summary
    from ..devices import chosen, devices

    if ctx.invoked_subcommand is not None:
        return
    store = options.reading(data_dir).store
    spans = store.spans()
    found = chosen(devices(store), org_unit, site, category, search)
    rows = [summary(device, spans.get(device.id)) for device in found]
    shown = [asdict(row) if as_json else _row(row) for row in rows]
    options.show(shown, as_json, "No device has enrolled yet.")


def _row(device: DeviceSummary) -> dict[str, object]:
    last = device.last_slot
    return {
        "id": device.id,
        "name": device.name + (" (simulated)" if device.simulated else ""),
        "category": device.category,
        "org_unit": device.org_unit,
        "last slot (UTC)": last and datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M"),
    }


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@options.as_json
def show(data_dir: Path, device_id: str, as_json: bool) -> None:
    """Show all that is known of a device; enough of the beginning of its id will do."""
    from ..api.devices import detail

    store = options.reading(data_dir).store
    found = asdict(detail(store, _completed(store, device_id)))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@options.as_json
def retire(data_dir: Path, device_id: str, as_json: bool) -> None:
    """Take a device out of service: its credential no longer holds, its past figures stay."""
    from ..devices import retire

    collector = options.reading(data_dir)
    device_id = _completed(collector.store, device_id)
    retire(collector.store, device_id, collector.now())
    options.done(f"Device {device_id} is retired.", {"id": device_id, "state": "retired"}, as_json)


def _completed(store: Store, beginning: str) -> str:
    """The one device id that begins so, or what was given."""
    fits = [key for key in store.latest("device") if key.startswith(beginning)]
    return fits[0] if len(fits) == 1 else beginning
