"""What `gateway run` starts as a child: a round or a delivery, so that the memory of either ends with it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import AgentError
from ..configuration.data_dir import prepare
from ..configuration.settings import Settings, from_json
from ..machine.clock import Clock
from . import snmp
from .book import Book
from .configuration import GatewayConfiguration, load_configuration
from .poll import PollingRound, RoundResult

if TYPE_CHECKING:
    from .bmc_round import ServerRound


def run_round(settings: Settings, file: Path) -> RoundResult:
    """One round over all that a gateway.toml names. Raises AgentError."""
    snmp.check_installed()
    configuration = load_configuration(file)
    book = Book(prepare(settings.data_dir))
    try:
        now_s = Clock().now().wall_s
        servers = _servers(configuration, book, now_s)
        count = asyncio.run(PollingRound(configuration, book, now_s).run())
        return count if servers is None else count.and_of(servers.finish())
    finally:
        book.close()


def _servers(configuration: GatewayConfiguration, book: Book, now_s: float) -> ServerRound | None:
    """A round over the BMCs, that goes on beside the other; what it needs is loaded when there are some."""
    if not configuration.servers:
        return None
    from .bmc_round import ServerRound

    begun = ServerRound(configuration, book, now_s)
    begun.start()
    return begun


def deliver_waiting(settings: Settings) -> list[str]:
    """Send what waits; the collector's refusals. Raises AgentError."""
    from .deliver import GatewayDelivery

    book = Book(prepare(settings.data_dir))
    try:
        return list(GatewayDelivery(settings, book, Clock().now().wall_s).run().refusals)
    finally:
        book.close()


def round_sentence(count: RoundResult) -> str:
    """Return the result of a round as a sentence."""
    late = f", {count.late} left for the next round" if count.late else ""
    complaints = "".join(f"; {one}" for one in count.complaints)
    return (
        f"{count.answered} devices answered, {count.silent} addresses were silent, {count.garbled} "
        f"sent invalid answers{late}{complaints}"
    )


def main(which: str, settings_json: str, file: str) -> int:
    """A child's work; its exit code."""
    settings = from_json(settings_json)
    try:
        if which == "poll":
            sys.stderr.write(f"parcimetre-agent gateway: {round_sentence(run_round(settings, Path(file)))}\n")
        else:
            for refusal in deliver_waiting(settings):
                sys.stderr.write(f"parcimetre-agent gateway: {refusal}\n")
    except (AgentError, sqlite3.Error) as error:
        sys.stderr.write(f"parcimetre-agent gateway: {error}\n")
        return error.exit_code if isinstance(error, AgentError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
