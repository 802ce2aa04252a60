"""`parcimetre access-record`: who looked at single devices."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base.i18n import N_
from . import options, terminal

if TYPE_CHECKING:
    from ..access.access_record import Look

SHORT_ID = 12
EPILOG = """\b
Examples:
  parcimetre access-record
  parcimetre access-record --device 0f3a9c... --json
"""


@click.command(epilog=EPILOG)
@options.data_dir
@click.option("--device", "device_id", metavar="ID", help="Only looks at this device, by name or id.")
@options.as_json
def command(data_dir: Path, device_id: str | None, as_json: bool) -> None:
    """Show who looked at single devices, when, and in how much detail, the latest first."""
    from ..access.access_record import looks
    from ..fleet.lookup import find

    store = options.reading(data_dir).store
    wanted = None if device_id is None else find(store, device_id).id
    rows = [asdict(look) if as_json else _row(look) for look in looks(store, wanted)]
    terminal.show(rows, as_json, N_("No look is recorded."))


def _row(look: Look) -> dict[str, object]:
    from ..access.access_record import DETAILS

    say = terminal.translator()
    return {
        "at": datetime.fromtimestamp(look.at, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "who": f"{look.who} ({look.way})",
        "detail": say(DETAILS[look.detail]),
        "device": look.device[:SHORT_ID] or "–",
        "org_unit": look.org_unit or say(N_("Everything")),
        "what": look.what,
    }
