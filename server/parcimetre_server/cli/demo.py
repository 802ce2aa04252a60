"""`parcimetre demo`: a simulated fleet that reports to a collector."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import click
from parcimetre_agent.report import SLOT_S
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..base.i18n import N_
from ..demo.beside import beside, send_beside, state_outlets
from ..demo.fleet import fleet
from ..demo.secrets import secrets
from ..demo.send import Sent, connect, send
from . import options, terminal

DAY_S = 86_400
EPILOG = """\b
Example:
  parcimetre demo --data-dir .parcimetre-demo --server http://127.0.0.1:8787 --devices 300 --days 14
"""


REPORTED = N_(
    "{devices} simulated devices reported to {server}: {accepted} slots new, {duplicates} known already."
)
REFUSED = N_("{refused} records were refused. The first: {reason}")


@click.command(epilog=EPILOG)
@options.data_dir
@click.option("--server", metavar="URL", default="http://127.0.0.1:8787", show_default=True,
              help="Address of the collector that runs on the data folder.")  # fmt: skip
@click.option("--devices", type=click.IntRange(min=1, max=1_000_000), default=300, show_default=True,
              help="How many computers to simulate; printers, switches and a PDU beside them.")  # fmt: skip
@click.option("--days", type=click.IntRange(min=1, max=3650), default=14, show_default=True,
              help="How far back their reports go from now.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True,
              help="Which fleet: the same seed gives the same devices and days.")  # fmt: skip
@options.as_json
def command(data_dir: Path, server: str, devices: int, days: int, seed: int, as_json: bool) -> None:
    """Send a simulated fleet's reports to a collector.

    The fleet is a metropolis and its fourteen communes, all invented. Its devices enrol and report through
    the public API, marked as simulated. Running it again with the same seed counts nothing twice.
    """
    last = int(time.time()) // SLOT_S * SLOT_S
    first = last - days * DAY_S
    began = time.monotonic()
    with connect(server) as context, secrets(data_dir) as secret_of:
        those = beside(devices, seed)
        answers = chain(
            send(context, fleet(devices, seed), secret_of, first, last),
            send_beside(context, those, secret_of, first, last),
        )
        sent = sum(_shown(answers, devices + len(those.devices)), start=Sent())
        state_outlets(context, those, secret_of, data_dir)
    answer = asdict(sent) | {"first": first, "last": last, "seconds": round(time.monotonic() - began, 1)}
    terminal.echo(json.dumps(answer) if as_json else _sentence(sent, server))


def _shown(answers: Iterator[Sent], devices: int) -> Iterator[Sent]:
    """Yield the same answers, with a progress bar on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("Simulated devices"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=devices)
        for answer in answers:
            progress.advance(task)
            yield answer


def _sentence(sent: Sent, server: str) -> str:
    say, counts = terminal.translator(), asdict(sent) | {"server": server}
    lines = [say(REPORTED, **counts)]
    if sent.refused:
        lines.append(say(REFUSED, **counts))
    return "\n".join(lines)
