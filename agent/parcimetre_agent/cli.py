"""`parcimetre-agent run | once | inventory | ...` (see --help); a command is imported when called."""

from __future__ import annotations

import argparse
import importlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .base.console import print_error
from .base.errors import AgentError
from .configuration.settings import DEFAULT_FILE, Settings, resolve

_COLLECTOR = "--server https://collector.example.org --secret-file secret"
_COMMANDS = {
    "run": ("measure until stopped, and report every hour", f"parcimetre-agent run {_COLLECTOR}"),
    "once": ("measure for two seconds and report, or print the report", "parcimetre-agent once --print"),
    "inventory": ("show the hardware of this machine", "parcimetre-agent inventory --json"),
    "enrol": ("exchange the enrolment secret for a credential", f"parcimetre-agent enrol {_COLLECTOR}"),
    "status": ("show the backlog, what was sent and the cost of measuring", "parcimetre-agent status --json"),
    "show": ("show the last report exactly as sent", "parcimetre-agent show --last-report"),
    "gateway": (
        "poll printers, switches and power units, and report each as a separate device",
        "parcimetre-agent gateway discover --range 10.1.2.0/26",
    ),
    "doctor": (
        "show settings with their origin, and missing rights of each sensor",
        "parcimetre-agent doctor",
    ),
}
_JSON = ("inventory", "status", "doctor", "gateway")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0 done, 1 try later, 2 a person must fix something."""
    options = _parser().parse_args(arguments)
    given = vars(options)
    try:
        settings = resolve(given, os.environ, given.pop("config"))
        command = importlib.import_module(f"{__package__}.commands.{options.command}")
        return int(command.run(settings, options))
    except (AgentError, OSError, sqlite3.Error) as error:
        return print_error(error)
    except KeyboardInterrupt:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="parcimetre-agent",
        description="Measures this machine's use and power for a Parcimètre collector.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (summary, example) in _COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=summary.capitalize() + ".", epilog=f"example: {example}"
        )
        _add_settings(command)
        if name == "once":
            command.add_argument(
                "--print", action="store_true", help="print the report instead; change nothing"
            )
        if name == "show":
            which = command.add_mutually_exclusive_group()
            which.add_argument("--last-report", action="store_true", help="the last report (default)")
            which.add_argument("--last-inventory", action="store_true", help="the last inventory")
        if name == "gateway":
            _add_gateway(command)
        if name in _JSON:
            command.add_argument("--json", action="store_true", help="answer for machines")
    return parser


def _add_gateway(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "action",
        choices=("discover", "once", "run"),
        help=(
            "discover: show devices that would be added; once: poll and report once; run: poll "
            "every quarter hour until stopped"
        ),
    )
    add(
        "--gateway-file",
        type=Path,
        metavar="FILE",
        help="which devices (default: gateway.toml in the folder of agent.toml)",
    )
    add("--range", action="append", metavar="HOSTS", help="discover: address, network or range; repeatable")
    add("--port", type=int, metavar="PORT", help="discover: UDP port of --range (default 161)")
    add("--credentials-file", type=Path, metavar="FILE", help="discover: file with SNMP credentials")
    add(
        "--credentials",
        metavar="NAME",
        help="discover: name of the credentials (default: community public, v2c)",
    )
    add(
        "--all",
        action="store_true",
        help="discover: also show silent addresses and devices that would not be added",
    )


def _add_settings(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--config", type=Path, metavar="FILE", help=f"settings file (default {DEFAULT_FILE})")
    add("--server", metavar="URL", help="address of the collector")
    add("--secret-file", metavar="FILE", help="file with the enrolment secret, needed until enrolled")
    add("--data-dir", metavar="DIR", help=f"folder of spool and identity (default {Settings.data_dir})")
    add(
        "--upload-period",
        dest="upload_period_s",
        metavar="SECONDS",
        help="seconds between reports (default: set by the collector, else 3600)",
    )
    add(
        "--sample-period",
        dest="sample_period_s",
        metavar="SECONDS",
        help="seconds between samples, at most 60 (default 30)",
    )
    add(
        "--sample-period-on-battery",
        dest="sample_period_on_battery_s",
        metavar="SECONDS",
        help="seconds between samples on battery, at most 120 (default 60)",
    )
    add("--ca-file", metavar="FILE", help="PEM file of a private certificate authority")
    add("--client-cert", metavar="FILE", help="PEM certificate to show to the collector")
    add("--client-key", metavar="FILE", help="PEM key of that certificate")
    add("--proxy", metavar="URL", help="proxy to the collector (default: the system's)")
    add(
        "--allow-http",
        action="store_true",
        default=None,
        help="allow an http:// address of another machine: secret and reports pass the network unencrypted",
    )
    add("--send-hostname", action="store_true", default=None, help="send this machine's name")
    add("--displays", choices=("all", "none"), default=None, help="none: do not report external displays")
