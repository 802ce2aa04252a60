"""`parcimetre dead-letters`: records that the collector refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base.i18n import N_
from . import options, terminal

if TYPE_CHECKING:
    from ..ingest.dead_letters import DeadLetter
    from ..store.interface import Store

SHORT_ID = 12
EPILOG = """\b
Examples:
  parcimetre dead-letters list
  parcimetre dead-letters show 5f0c...
  parcimetre dead-letters replay --device 0f3a9c...
  parcimetre dead-letters drop --all
"""
IDS = click.argument("ids", metavar="[ID]...", nargs=-1)
DEVICE = click.option("--device", "device_id", metavar="ID", help="All dead letters of this device.")
ALL = click.option("--all", "every", is_flag=True, help="All dead letters.")


@click.group(epilog=EPILOG)
def command() -> None:
    """List refused records with the reason, replay them after a fix, or drop them."""


@command.command("list", epilog=EPILOG)
@options.data_dir
@DEVICE
@options.as_json
def list_letters(data_dir: Path, device_id: str | None, as_json: bool) -> None:
    """List the records that were refused, oldest first."""
    from ..ingest.dead_letters import shown_letters

    context = options.asking(data_dir)
    found = shown_letters(context, _chosen(context.store, (), device_id, every=device_id is None))
    rows = [asdict(one) if as_json else _row(one) for one in found]
    terminal.show(rows, as_json, N_("No record was refused."))


def _row(one: DeadLetter) -> dict[str, object]:
    at = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"id": one.id, "at": at, "device": one.device[:SHORT_ID], "part": one.part, "reason": one.reason}


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("letter_id", metavar="ID")
@options.as_json
def show(data_dir: Path, letter_id: str, as_json: bool) -> None:
    """Show one refused record as it was sent."""
    from ..ingest.dead_letters import letter, shown_letters

    context = options.asking(data_dir)
    (shown,) = shown_letters(context, [letter(context.store, letter_id)])
    options.record_look(context, "dead-letters show", shown.device)
    found = asdict(shown)
    terminal.echo(json.dumps(found, ensure_ascii=False, indent=None if as_json else 2))


@command.command(epilog=EPILOG)
@options.data_dir
@IDS
@DEVICE
@ALL
@options.as_json
def replay(data_dir: Path, ids: tuple[str, ...], device_id: str | None, every: bool, as_json: bool) -> None:
    """Check refused records again, after an upgrade or a fix; those accepted now are removed from the dead
    letters."""
    from ..ingest.dead_letters import replay

    context = options.reading(data_dir)
    found = _chosen(context.store, ids, device_id, every)
    became = replay(context.store, found, context.now())
    sentence = N_("{accepted} stored, {duplicates} known already, {refused} still refused.")
    terminal.done(sentence, asdict(became), as_json)
    if became.reason and not as_json:
        terminal.echo(became.reason, err=True)


@command.command(epilog=EPILOG)
@options.data_dir
@IDS
@DEVICE
@ALL
@options.as_json
def drop(data_dir: Path, ids: tuple[str, ...], device_id: str | None, every: bool, as_json: bool) -> None:
    """Drop refused records."""
    from ..ingest.dead_letters import drop

    context = options.reading(data_dir)
    found = _chosen(context.store, ids, device_id, every)
    drop(context.store, found, context.now())
    terminal.done(N_("{count} dropped."), {"count": len(found)}, as_json)


def _chosen(store: Store, ids: Sequence[str], device_id: str | None, every: bool) -> list[DeadLetter]:
    from ..fleet.lookup import find
    from ..ingest.dead_letters import letter, letters

    if not ids and device_id is None and not every:
        raise click.UsageError("give the ids of dead letters, or --device or --all")
    if ids:
        return [letter(store, one) for one in ids]
    known = {one.device for one in letters(store)} if device_id else set()
    wanted = device_id if device_id in known else find(store, device_id).id if device_id else None
    return letters(store, wanted)
