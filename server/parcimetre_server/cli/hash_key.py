"""`parcimetre hash-key`: the key under which hashes of serial numbers are stored."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from ..base.i18n import N_
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre hash-key restore secret.txt
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Restore the organisation's key, which never changes: hash.key in the data folder."""


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File(encoding="utf-8"))
@options.as_json
def restore(data_dir: Path, file: TextIO, as_json: bool) -> None:
    """Write a lost hash.key again, from a FILE with an enrolment secret (also a revoked one) or the key.

    The text of each enrolment secret ends with the key; identity.json of each agent has it as hash_key. It is
    compared with what the store knows of the key.
    """
    from ..access.organisation_key import restore

    restore(options.reading(data_dir), file.read())
    terminal.done(N_("The key is in {folder} again."), {"folder": str(data_dir)}, as_json)
