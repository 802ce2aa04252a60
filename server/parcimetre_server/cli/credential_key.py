"""`parcimetre credential-key`: the key that signs the devices' credentials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ..base.i18n import N_
from . import options, terminal

DAYS = 90
EPILOG = """\b
Examples:
  parcimetre credential-key rotate
  parcimetre credential-key rotate --accept-until 2027-03-01
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Replace the key that signs the devices' credentials."""


@command.command(epilog=EPILOG)
@options.data_dir
@click.option("--accept-until", "day", type=click.DateTime(["%Y-%m-%d"]),
              help=("First day (UTC) on which the old key is not accepted any more; default: in "
                   f"{DAYS} days."))  # fmt: skip
@click.option(
    "--force",
    is_flag=True,
    help="Rotate even if an earlier key is still accepted; that key is then no longer accepted.",
)
@options.as_json
def rotate(data_dir: Path, day: datetime | None, force: bool, as_json: bool) -> None:
    """Sign with a new key; agents that report until the given day get a new credential with the answer.

    A running collector uses the new key by itself. If the old key was stolen, accept it until today only: all
    agents then enrol again.
    """
    from ..access.credentials import rotate

    context = options.reading(data_dir)
    now = context.now()
    until = day.replace(tzinfo=UTC) if day else datetime.fromtimestamp(now, UTC) + timedelta(days=DAYS)
    rotate(context.store, data_dir, int(until.timestamp()), now, force)
    facts = {"until": until.date().isoformat()}
    terminal.done(N_("A new key signs from now on; the old one is accepted until {until}."), facts, as_json)
