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
    from ..devices import Device

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
    from ..devices import chosen, devices

    if ctx.invoked_subcommand is not None:
        return
    store = options.reading(data_dir).store
    spans = store.spans()
    found = chosen(devices(store), org_unit, site, category, search)
    rows = [_row(device, spans.get(device.id)) for device in found]
    options.show(rows, as_json, "No device has enrolled yet.")


def _row(device: Device, span: tuple[int, int] | None) -> dict[str, object]:
    return {
        "id": device.id,
        "name": device.name,
        "category": device.category,
        "org_unit": device.org_unit,
        "last slot (UTC)": span and datetime.fromtimestamp(span[1], UTC).strftime("%Y-%m-%d %H:%M"),
        "simulated": device.simulated,
    }


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
def show(data_dir: Path, device_id: str) -> None:
    """Show all that is known of a device, as JSON."""
    from ..devices import device

    found = device(options.reading(data_dir).store, device_id)
    click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2))


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
def retire(data_dir: Path, device_id: str) -> None:
    """Take a device out of service: its credential no longer holds, its past figures stay."""
    from ..devices import retire

    collector = options.reading(data_dir)
    retire(collector.store, device_id, collector.now())
    click.echo(f"Device {device_id} is retired.")
