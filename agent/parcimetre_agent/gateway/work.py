"""What `gateway run` starts as a child: a round or a delivery, so that the memory of either ends with it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

from ..clock import Clock
from ..data_dir import prepare
from ..errors import AgentError
from ..settings import Settings, from_json
from . import snmp
from .book import Book
from .configuration import load
from .poll import Count, Round


def poll(settings: Settings, file: Path) -> Count:
    """One round over the printers of a gateway.toml. Raises AgentError."""
    snmp.check()
    configuration = load(file)
    book = Book(prepare(settings.data_dir))
    try:
        return asyncio.run(Round(configuration, book, Clock().now().wall_s).run())
    finally:
        book.close()


def deliver(settings: Settings) -> list[str]:
    """Send what waits; the collector's refusals. Raises AgentError."""
    from .deliver import Delivery

    book = Book(prepare(settings.data_dir))
    try:
        return list(Delivery(settings, book, Clock().now().wall_s).run().refusals)
    finally:
        book.close()


def told(count: Count) -> str:
    """A round in a sentence."""
    late = f", {count.late} left for the next round" if count.late else ""
    return (
        f"{count.answered} devices answered, {count.silent} addresses were silent, "
        f"{count.garbled} not understood{late}"
    )


def main(which: str, settings_json: str, file: str) -> int:
    """A child's work; its exit code."""
    settings = from_json(settings_json)
    try:
        if which == "poll":
            sys.stderr.write(f"parcimetre-agent gateway: {told(poll(settings, Path(file)))}\n")
        else:
            for refusal in deliver(settings):
                sys.stderr.write(f"parcimetre-agent gateway: {refusal}\n")
    except (AgentError, sqlite3.Error) as error:
        sys.stderr.write(f"parcimetre-agent gateway: {error}\n")
        return error.exit_code if isinstance(error, AgentError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
