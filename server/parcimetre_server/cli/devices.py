"""`parcimetre devices`: the fleet's devices."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ..i18n import mark
from ..titles import title
from . import options, terminal

if TYPE_CHECKING:
    from ..api.devices import DeviceSummary

SHORT_ID = 12
EPILOG = """\b
Examples:
  parcimetre devices --org-unit "Métropole/Clairval" --category laptop
  parcimetre devices show 0f3a9c...
  parcimetre devices retire 0f3a9c...
  parcimetre devices purchases bought.csv
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
    terminal.show(shown, as_json, mark("No device has enrolled yet."))


def _row(device: DeviceSummary) -> dict[str, object]:
    last, say = device.last_slot, terminal.tongue()
    return {
        "id": device.id[:SHORT_ID],
        "name": f"{device.name} [{say('simulated')}]" if device.simulated else device.name,
        "category": say(title("category", device.category)),
        "org_unit": device.org_unit,
        "last_slot": last and datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@options.as_json
def show(data_dir: Path, device_id: str, as_json: bool) -> None:
    """Show all that is known of a device: its name, or enough of the beginning of its id."""
    from ..api.devices import detail
    from ..devices import find

    collector = options.reading(data_dir)
    found = asdict(detail(collector, find(collector.store, device_id).id))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@click.option(
    "--scrapped", is_flag=True, help="It becomes waste: what its service life has left counts today."
)
@options.as_json
def retire(data_dir: Path, device_id: str, scrapped: bool, as_json: bool) -> None:
    """Take a device out of service: its credential no longer holds, its past figures stay.

    What its service life has left goes with it to its next owner, unless it is scrapped.
    """
    from ..devices import find, retire

    collector = options.reading(data_dir)
    found = find(collector.store, device_id)
    retire(collector.store, found.id, collector.now(), scrapped)
    facts = {"id": found.id, "name": found.name, "state": "retired"}
    terminal.done(mark("Device {name} is retired."), facts, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@options.as_json
def purchases(data_dir: Path, file: TextIO, as_json: bool) -> None:
    """Take in when devices were bought: a CSV with the columns device (id or name) and date (2024-02-01).

    A column condition may say new or reconditioned.

    A file may be imported again: what it states anew replaces what was kept, and figures follow.
    """
    from ..purchases import keep

    collector = options.reading(data_dir)
    kept = keep(collector.store, file, collector.zone, collector.now())
    terminal.done(mark("Purchases: {changed} taken in, {known} known."), vars(kept), as_json)
