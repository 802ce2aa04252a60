"""`parcimetre presence`: whether the role presence sees quarter hours and hours of personal machines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ..base.i18n import N_
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre presence show
  parcimetre presence on --reason "agreement with the staff representatives of 3 November 2026"
  parcimetre presence off --reason "the study is over"
"""
reason_option = click.option(
    "--reason", required=True, help="Reason, stored in the audit log; do not give names of persons."
)


@click.group(epilog=EPILOG)
def command() -> None:
    """Switch presence data on or off: quarter hours and hours of machines that one person uses.

    While it is on, readers with the role presence see them. It is off until somebody switches it on.
    """


@command.command(epilog=EPILOG)
@options.data_dir
@options.as_json
def show(data_dir: Path, as_json: bool) -> None:
    """Show whether presence data is on, and since when."""
    from ..access.presence import is_switched_on, switched_at

    store = options.reading(data_dir).store
    on, at = is_switched_on(store), switched_at(store)
    day = "–" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    sentence = N_("Presence data is on since {day}.") if on else N_("Presence data is off.")
    terminal.done(sentence, {"presence": on, "since": at, "day": day}, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@reason_option
@options.as_json
def on(data_dir: Path, reason: str, as_json: bool) -> None:
    """Let readers with the role presence see presence data, after the staff were informed."""
    _switch(data_dir, True, reason, N_("Readers with the role presence see presence data now."), as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@reason_option
@options.as_json
def off(data_dir: Path, reason: str, as_json: bool) -> None:
    """Let nobody see presence data any more."""
    _switch(data_dir, False, reason, N_("Nobody sees presence data any more."), as_json)


def _switch(data_dir: Path, to_on: bool, reason: str, sentence: str, as_json: bool) -> None:
    from ..access.presence import switch

    context = options.reading(data_dir, create=True)
    changed = switch(context.store, to_on, reason, context.now())
    terminal.done(sentence, {"presence": to_on, "changed": changed}, as_json)
