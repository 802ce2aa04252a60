"""`parcimetre devices`: the fleet's devices."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..base.i18n import N_
from ..presentation.labels import JOINED, NOT_COUNTED, label
from . import options, terminal

if TYPE_CHECKING:
    from ..analysis.device_summary import DeviceSummary
    from ..fleet.joins import Step

SHORT_ID, ID_LENGTH = 12, 32
TIMES = ("at", "first", "last", "until")
EPILOG = """\b
Examples:
  parcimetre devices --org-unit "Métropole/Clairval" --category laptop
  parcimetre devices --category monitor
  parcimetre devices show 0f3a9c...
  parcimetre devices retire 0f3a9c...
  parcimetre devices purchases bought.csv
  parcimetre devices transfer 0f3a9c... --to "Métropole/Clairval" --from 2026-11-01
  parcimetre devices merge 0f3a9c... 77b2e0...
  parcimetre devices split 0f3a9c... --at 2026-11-03T08:00
  parcimetre devices records 0f3a9c... --reason "request of 3 November"
  parcimetre devices delete 0f3a9c... --reason "request of 3 November"
  parcimetre devices joins
  parcimetre devices joins approve 77b2e0...
  parcimetre devices audit
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
    """List devices, show one, change its state or org unit, and show the audit log."""
    if ctx.invoked_subcommand is not None:
        return
    from ..analysis.device_summary import device_summary
    from ..fleet.counting import why_not_counted
    from ..fleet.devices import devices
    from ..fleet.lookup import chosen
    from ..fleet.monitors import spans

    context = options.asking(data_dir)
    options.record_look(context, "devices", org_unit=org_unit)
    with terminal.naming_left_out(context):
        found = list(chosen(devices(context.store), org_unit, site, category, search))
        left_out, reported = why_not_counted(context, found), spans(context.store, found)
    rows = [device_summary(context, one, reported.get(one.id), left_out.get(one.id)) for one in found]
    shown = [asdict(row) if as_json else _row(row) for row in rows]
    terminal.show(shown, as_json, N_("No device has enrolled yet."))


def _row(device: DeviceSummary) -> dict[str, object]:
    last, say = device.last_slot, terminal.translator()
    return {
        "id": device.id[:SHORT_ID],
        "name": f"{device.name} [{say('simulated')}]" if device.simulated else device.name,
        "category": say(label("category", device.category)),
        "org_unit": device.org_unit,
        "state": device.not_counted and say(NOT_COUNTED[device.not_counted]),
        "last_slot": last and datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@options.as_json
def show(data_dir: Path, device_id: str, as_json: bool) -> None:
    """Show all data of a device, given by name or by an unambiguous beginning of its id."""
    from ..analysis.device_summary import device_detail
    from ..fleet.lookup import find
    from ..organisation.left_out import alone

    context = options.asking(data_dir)
    known = find(context.store, device_id)
    options.record_look(context, "devices show", known.id, known.org_unit)
    with alone(known.id, "details of the device"):
        found = asdict(device_detail(context, known.id))
    if as_json:
        terminal.echo(json.dumps(found, ensure_ascii=False))
    else:
        terminal.echo(json.dumps(found, ensure_ascii=False, indent=2))


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@click.option(
    "--reason", required=True, help="Reason, stored in the audit log; do not give names of persons."
)
def records(data_dir: Path, device_id: str, reason: str) -> None:
    """Print everything that is stored of a device, in JSON, for the person whose machine it is.

    It answers a request for access (GDPR, article 15). Quarter hours are included; the audit log and the
    access record contain that it was given.
    """
    from ..analysis.device_records import disclose_records
    from ..fleet.lookup import find

    context = options.reading(data_dir)
    found = disclose_records(context, find(context.store, device_id).id, reason)
    terminal.echo(json.dumps(found, ensure_ascii=False, indent=2))


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@click.option(
    "--scrapped",
    is_flag=True,
    help="The device becomes waste: the embodied impact of its remaining service life counts today.",
)
@options.as_json
def retire(data_dir: Path, device_id: str, scrapped: bool, as_json: bool) -> None:
    """Take a device out of service: its credential becomes invalid, its past figures stay.

    The embodied impact of its remaining service life goes to its next owner, unless it is scrapped.
    """
    from ..fleet.lookup import find
    from ..fleet.retirement import retire

    context = options.reading(data_dir)
    found = find(context.store, device_id)
    retire(context.store, found.id, context.now(), scrapped)
    facts = {"id": found.id, "name": found.name, "state": "retired"}
    terminal.done(N_("Device {name} is retired."), facts, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@options.as_json
def purchases(data_dir: Path, file: TextIO, as_json: bool) -> None:
    """Import purchase dates: a CSV with the columns device (id or name) and date (2024-02-01).

    A column condition may say new or reconditioned.

    A file may be imported again: its values replace the stored ones, and figures are recomputed.
    """
    from ..fleet.purchases import store_purchases

    context = options.reading(data_dir)
    kept = store_purchases(context.store, file, context.zone, context.now())
    terminal.done(N_("Purchases: {changed} imported, {known} already known."), vars(kept), as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@options.as_json
def revoke(data_dir: Path, device_id: str, as_json: bool) -> None:
    """Revoke a device's credential, if it was stolen: the machine must enrol again, its figures continue."""
    from ..fleet.lookup import find
    from ..fleet.retirement import revoke

    context = options.reading(data_dir)
    found = find(context.store, device_id)
    revoke(context.store, found.id, context.now())
    facts = {"id": found.id, "name": found.name}
    terminal.done(
        N_("The credential of {name} is no longer valid; its agent will enrol again."), facts, as_json
    )


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@click.option("--to", "org_unit", required=True, metavar="PATH", help="New org unit.")
@click.option("--site", help="New site; default: the present one.")
@click.option(
    "--from", "day", type=click.DateTime(["%Y-%m-%d"]), help="First day at the new org unit; default: today."
)
@options.as_json
def transfer(
    data_dir: Path, device_id: str, org_unit: str, site: str | None, day: datetime | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Assign a device to another org unit from a day on; earlier figures stay with the former one."""
    from ..fleet.lookup import find
    from ..organisation.transfers import Placement, transfer

    context = options.reading(data_dir)
    zone = context.zone
    found = find(context.store, device_id)
    first = day.date() if day else datetime.fromtimestamp(context.now(), zone).date()
    stay = transfer(
        context.store,
        found.id,
        Placement(found.org_unit, found.site),
        org_unit,
        site,
        first,
        zone,
        context.now(),
    )
    facts = {"id": found.id, "name": found.name, "org_unit": stay.org_unit, "site": stay.site,
             "from": first.isoformat()}  # fmt: skip
    terminal.done(N_("{name} is assigned to {org_unit}, site {site}, from {from} on."), facts, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("kept", metavar="ID")
@click.argument("gone", metavar="OTHER", required=False)
@click.option(
    "--undo", is_flag=True, help="Id of the device to separate again from the one it was merged into."
)
@options.as_json
def merge(data_dir: Path, kept: str, gone: str | None, undo: bool, as_json: bool) -> None:
    """Merge OTHER into ID: one machine that was re-imaged and enrolled under a second id.

    Both histories are read as one; if both have a quarter hour, the record that covers more of it counts. No
    record is rewritten, so that a merge can be undone.
    """
    from ..fleet.lookup import find
    from ..fleet.merging import merge, unmerge
    from ..store.records import DeviceId

    context = options.reading(data_dir)
    store, now = context.store, context.now()
    if undo == (gone is not None):
        raise click.UsageError("give two devices, or one and --undo")
    if undo:
        into = unmerge(store, DeviceId(kept), now)
        terminal.done(N_("{id} is a separate device again."), {"id": kept, "was_part_of": into}, as_json)
        return
    both = find(store, kept), find(store, gone or "")
    merge(store, both[0].id, both[1].id, now)
    facts = {"id": both[0].id, "name": both[0].name, "merged": both[1].id}
    terminal.done(N_("{merged} is now part of {name}."), facts, as_json)


@command.group(epilog=EPILOG, invoke_without_command=True)
@options.data_dir
@click.option("--all", "every", is_flag=True, help="Also those that were decided.")
@options.as_json
@click.pass_context
def joins(ctx: click.Context, data_dir: Path, every: bool, as_json: bool) -> None:
    """List devices that wait to be joined with one known before: approve or refuse each.

    A machine that enrols with the hardware of a known device, but without its credential and with a secret of
    another org unit, is a new device; so is a monitor or a server's BMC that another org unit shows. Until
    somebody decides, only one of both counts at a time.
    """
    if ctx.invoked_subcommand is not None:
        return
    from ..fleet.joins import listed

    found = [one for one in listed(options.reading(data_dir).store) if every or one.join.state == "waiting"]
    rows = [asdict(one.join) | {"id": one.join.id, "earlier_unit": one.earlier_unit,
                                "later_unit": one.later_unit} for one in found]  # fmt: skip
    shown = rows if as_json else [_join(row) for row in rows]
    terminal.show(shown, as_json, N_("No device waits to be joined."))


def _join(row: dict[str, Any]) -> dict[str, object]:
    from ..fleet.joins import STATES

    say = terminal.translator()
    return {
        "id": row["id"][:SHORT_ID] if row["what"] != "monitor" else row["id"],
        "kind": say(JOINED[row["what"]]),
        "earlier": row["earlier"][:SHORT_ID],
        "org_unit": row["earlier_unit"],
        "new_org_unit": row["later_unit"],
        "secret": row["secret"],
        "since": _format("at", row["since"]),
        "state": say(STATES[row["state"]]),
    }


def _decided(data_dir: Path, wanted: tuple[str, ...], step: Step, sentence: str, as_json: bool) -> None:
    from ..fleet.joins import decide, find, listed

    context = options.reading(data_dir)
    known = list(listed(context.store))
    for join in [find(known, one) for one in wanted]:
        decided = decide(context.store, join, step, context.now())
        facts = {"id": decided.id, "earlier": decided.earlier, "later": decided.later, "state": decided.state}
        terminal.done(sentence, facts, as_json)


@joins.command(epilog=EPILOG)
@options.data_dir
@click.argument("wanted", metavar="ID...", nargs=-1, required=True)
@options.as_json
def approve(data_dir: Path, wanted: tuple[str, ...], as_json: bool) -> None:
    """Approve: it is the same machine. Its records are those of the earlier device, from the first on.

    From its enrolment on the device is assigned to the org unit of the secret that the machine came by.
    """
    _decided(data_dir, wanted, "approve", N_("{later} is joined with {earlier}."), as_json)


@joins.command(epilog=EPILOG)
@options.data_dir
@click.argument("wanted", metavar="ID...", nargs=-1, required=True)
@options.as_json
def refuse(data_dir: Path, wanted: tuple[str, ...], as_json: bool) -> None:
    """Refuse: these are two machines, and both count; a monitor stays where it is."""
    _decided(data_dir, wanted, "refuse", N_("{later} is not joined with {earlier}."), as_json)


@joins.command(epilog=EPILOG)
@options.data_dir
@click.argument("wanted", metavar="ID...", nargs=-1, required=True)
@options.as_json
def undo(data_dir: Path, wanted: tuple[str, ...], as_json: bool) -> None:
    """Undo an approval or a refusal: it waits again."""
    _decided(data_dir, wanted, "undo", N_("{later} waits again to be joined with {earlier}."), as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@click.option("--at", required=True, help="First quarter hour of the other machine, like 2026-11-03T08:00.")
@options.as_json
def split(data_dir: Path, device_id: str, at: str, as_json: bool) -> None:
    """Give a device's records from a time on to a new device: two machines reported under one id.

    Both machines enrol again. Records of one id do not contain which machine sent them: they are separated by
    time only.
    """
    from ..base.periods import span
    from ..fleet.lookup import find
    from ..fleet.merging import split

    context = options.reading(data_dir)
    zone = context.zone
    found = find(context.store, device_id)
    first = span(at, None, zone, context.now()).first
    new = split(context.store, found.id, first, context.now())
    facts = {"id": found.id, "name": found.name, "new": new, "at": first}
    terminal.done(
        N_("Records of {name} from that time on now belong to device {new}; its machine will enrol again."),
        facts,
        as_json,
    )


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID")
@click.option(
    "--reason", required=True, help="Reason, stored in the audit log; do not give names of persons."
)
@click.option("--together", is_flag=True, help="Also delete the device that it was split from.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@options.as_json
def delete(data_dir: Path, device_id: str, reason: str, together: bool, yes: bool, as_json: bool) -> None:
    """Delete all data of a device permanently: past totals become smaller.

    Uninstall its agent first, or it enrols again as a new device. Earlier backups and weekly reports still
    contain its data.
    """
    from ..fleet.deletion import delete
    from ..fleet.lookup import find

    context = options.reading(data_dir)
    found = find(context.store, device_id)
    if not yes:
        asked = N_("Delete {name} with all its records? It will be missing from past totals.")
        click.confirm(terminal.translator()(asked, name=found.name), abort=True, err=True)
    gone = delete(context.store, found.id, reason, context.now(), together)
    terminal.done(N_("{count} deleted."), {"deleted": gone, "count": len(gone)}, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("device_id", metavar="ID", required=False)
@options.as_json
def audit(data_dir: Path, device_id: str | None, as_json: bool) -> None:
    """Show who did what and when: to one device (or secret, contract, ... of this id), or to anything."""
    from ..organisation.audit import entries

    rows = [
        asdict(entry)
        for entry in entries(options.reading(data_dir).store)
        if device_id is None or entry.subject.startswith(device_id)
    ]
    shown = rows if as_json else [_entry(row) for row in rows]
    terminal.show(shown, as_json, N_("No action is recorded yet."))


def _entry(row: dict[str, Any]) -> dict[str, object]:
    before, after = row["before"], row["after"]
    changed = "; ".join(
        f"{name}: {_format(name, before.get(name))} → {_format(name, after.get(name))}"
        for name in dict.fromkeys([*before, *after])
        if before.get(name) is not None or after.get(name) is not None
    )
    at = _format("at", row["at"])
    subject = str(row["subject"])
    return {
        "at": at,
        "who": row["who"],
        "act": terminal.translator()(row["act"]),
        "subject": subject[:SHORT_ID] if len(subject) == ID_LENGTH else subject,
        "change": row["reason"] or changed,
    }


def _format(name: str, value: object) -> str:
    """Format a value for people: times in UTC, absent values as a dash."""
    is_time = name.endswith(TIMES) and isinstance(value, int)
    if is_time and value:
        return datetime.fromtimestamp(int(str(value)), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value) if value else "–"
