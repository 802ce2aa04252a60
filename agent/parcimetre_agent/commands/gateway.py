"""`gateway`: discover devices, ask them once, or ask them every quarter hour and report each as its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..base.console import print_line
from ..base.errors import BadSettings
from ..configuration.data_dir import prepare
from ..configuration.settings import Settings
from ..gateway import loop, power_units, snmp, targets, work
from ..gateway.configuration import (
    DEFAULT_GATEWAY_FILE,
    SNMP_PORT,
    GatewayConfiguration,
    SnmpTarget,
    load_configuration,
)
from ..gateway.credentials import PUBLIC, Credential, read
from ..gateway.device_identity import KnownDevice
from ..gateway.discovery import DiscoveredDevice, discover


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do what was asked for. Raises AgentError."""
    file = options.gateway_file or DEFAULT_GATEWAY_FILE
    if options.action == "discover":
        return _discover(options, file)
    if settings.server is None:
        raise BadSettings("no collector is set; give --server URL or set PARCIMETRE_AGENT_SERVER")
    if options.action == "once":
        print_line(work.round_sentence(work.run_round(settings, file)))
        for refusal in work.deliver_waiting(settings):
            print_line(refusal)
        return 0
    return _forever(settings, file)


def _discover(options: argparse.Namespace, file: Path) -> int:
    """Print what is at the named addresses, or at those of gateway.toml."""
    snmp.check_installed()
    configuration = _asked(options, file)
    found = asyncio.run(discover(configuration.targets, configuration.concurrency, configuration.timeout_s))
    servers, lines = _servers(configuration)
    if options.json:
        listed = [*(_fields(one) for one in found if one.known), *servers]
        print_line(json.dumps(listed, indent=2, ensure_ascii=False))
    else:
        for one in found:
            if one.known or options.all:
                print_line(_line(one))
        for line in lines:
            print_line(line)
        devices = sum(one.known is not None for one in found) + len(servers)
        print_line(
            f"{devices} devices at {len(found) + len(configuration.servers)} addresses; nothing was stored"
        )
    return 0


def _servers(configuration: GatewayConfiguration) -> tuple[list[dict[str, object]], list[str]]:
    """What is behind the BMCs, for machines and for people; loaded where some are named."""
    if not configuration.servers:
        return [], []
    from ..gateway import bmc_discovery

    found = bmc_discovery.discover(configuration.servers, configuration.concurrency)
    return bmc_discovery.as_json(found), [bmc_discovery.as_line(one) for one in found]


def _asked(options: argparse.Namespace, file: Path) -> GatewayConfiguration:
    if not options.range:
        return load_configuration(file)
    credential = _credential(options)
    port = options.port or SNMP_PORT
    listed = [host for entry in options.range for host in targets.hosts(entry)]
    hosts = dict.fromkeys(listed)
    return GatewayConfiguration(tuple(SnmpTarget(host, port, credential, None, "any") for host in hosts))


def _credential(options: argparse.Namespace) -> Credential:
    """The named credentials; a community on the command line would be seen by every account."""
    if options.credentials is None:
        return PUBLIC
    if options.credentials_file is None:
        raise BadSettings("--credentials needs --credentials-file: give that file too")
    known = read(options.credentials_file)
    if options.credentials not in known:
        raise BadSettings(f"{options.credentials_file} has no table [{options.credentials}]; add it")
    return known[options.credentials]


def _fields(one: DiscoveredDevice) -> dict[str, Any]:
    assert one.known is not None
    fields = {
        "host": one.target.host, "port": one.target.port, "category": one.known.category,
        "maker": one.known.maker, "model": one.known.model, "has_serial": one.known.serial_hash is not None,
    }  # fmt: skip
    can = one.known.printer
    if one.known.category in power_units.KINDS:
        return {**fields, **power_units.discovery_fields(one.known)}
    if can is None:
        return {**fields, "states_power": one.known.meters is not None, "poe": one.known.poe,
                "poe_ports_metered": len(one.known.taps)}  # fmt: skip
    return {
        **fields, "impressions": one.impressions,
        "marking": can.marking, "colour": can.colour, "duplex": can.duplex, "a3": can.a3,
    }  # fmt: skip


def _line(one: DiscoveredDevice) -> str:
    if one.known is None:
        return f"{one.target.place}: {one.why}"
    model = " ".join(filter(None, (one.known.maker, one.known.model)))
    traits = [*_traits(one.known, one.impressions), None if one.known.serial_hash else "no serial number"]
    return f"{one.target.place}: {', '.join([model, *filter(None, traits)])}"


def _traits(known: KnownDevice, impressions: int | None) -> list[str | None]:
    """What a printer counted and can do, or what another device states of its power."""
    can = known.printer
    if known.category in power_units.KINDS:
        return [*power_units.traits(known)]
    if can is None:
        ports = f"{len(known.taps)} PoE ports metered" if known.taps else "PoE" if known.poe else None
        return ["states its power" if known.meters else "states no power", ports]
    count = "not counted" if impressions is None else f"{impressions} impressions"
    return [count, can.marking, "colour" if can.colour else None, "duplex" if can.duplex else None,
            "A3" if can.a3 else None]  # fmt: skip


def _forever(settings: Settings, file: Path) -> int:
    """Become the loop, so that what was loaded here is not kept in memory; on Windows it is this process."""
    snmp.check_installed()
    load_configuration(file)
    folder = prepare(str(prepare(settings.data_dir) / "gateway"))
    arguments = (settings.to_json(), str(file.resolve()), str(folder))
    if sys.platform == "win32":
        return loop.run(*arguments)
    os.execv(sys.executable, [sys.executable, "-m", loop.__name__, *arguments])  # noqa: S606
    return 0
