"""`parcimetre session-key`: the key that signs the sessions of people on pages."""

from __future__ import annotations

from pathlib import Path

import click

from ..base.i18n import N_
from . import options, terminal

EPILOG = """\b
Example:
  parcimetre session-key rotate
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Replace the key that signs the sessions of people who logged in."""


@command.command(epilog=EPILOG)
@options.data_dir
@options.as_json
def rotate(data_dir: Path, as_json: bool) -> None:
    """End all sessions: everybody who logged in on a page must log in again.

    A running collector uses the new key within seconds. Tokens and devices are not affected. If several
    collectors share a store, copy the file session.key to the data folders of the others.
    """
    from ..access.sessions import SESSION_KEY, rotate

    context = options.reading(data_dir)
    rotate(context)
    facts = {"file": str(data_dir / SESSION_KEY.name)}
    terminal.done(N_("A new key signs from now on: all sessions have ended."), facts, as_json)
