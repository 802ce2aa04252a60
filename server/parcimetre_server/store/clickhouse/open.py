"""The store's servers: reached, of a known version, with the tables, each the shard it says it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from ..errors import StoreUnusable
from .address import addresses
from .engine import ClickHouseStore
from .native import Values
from .server import START_ONCE, HttpServer, Server, insert, quoted, select

OLDEST = (18, 16)
CAN_SYNC = (21, 1)
CAN_WAIT_FOR_INSERTS = (21, 12)
LAYOUT = 3  # 3: bodies of facts and rows of days have a version
SYNC = "fsync_after_insert = 1, fsync_part_directory = 1"
SHARD_TYPES = {"number": "UInt16", "shards": "UInt16", "layout": "UInt16"}
ANY = """
    SELECT (SELECT count() FROM slot) + (SELECT count() FROM rolled_day) + (SELECT count() FROM fact) AS n
"""
HAS_VERSION = """
    SELECT count() AS n FROM system.columns
    WHERE database = {name} AND table = 'rolled_day' AND name = 'version'
"""
ADD_VERSION = "ALTER TABLE rolled_day ADD COLUMN version UInt8 DEFAULT 1"
HAS_DATABASE = "SELECT count() AS n FROM system.databases WHERE name = {name}"
IDENTITY = "SELECT number, shards, max(layout) AS newest FROM shard GROUP BY number, shards"


def open_store(url: str, password: str = "", create: bool = False) -> ClickHouseStore:
    """Open the store at an address; `create` makes database and tables where they are missing.

    Raises StoreUnusable with the mend: a server that does not answer, a wrong password, a version before
    18.16, rights that are missing, servers in another number or order than the store was made with.
    """
    found = addresses(url)
    servers = [
        HttpServer(address, password, number, len(found)) for number, address in enumerate(found, start=1)
    ]
    try:
        for server in servers:
            known = version(server)
            server.settings = {"async_insert": "0"} if known >= CAN_WAIT_FOR_INSERTS else {}
            if create:
                make(server, known)
        identify(servers, create)
    except BaseException:
        for server in servers:
            server.close()
        raise
    return ClickHouseStore(servers)


def version(server: Server) -> tuple[int, int]:
    """Major and minor version of a server. Raises StoreUnusable for one that is too old."""
    told = server.ask("SELECT version()", in_database=False).decode().strip()
    numbers = re.match(r"(\d+)\.(\d+)", told)
    found = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    if found < OLDEST:
        raise StoreUnusable(f"{server.name} is ClickHouse {told}: update it to 18.16 or later")
    return found


def make(server: Server, known: tuple[int, int]) -> None:
    """Make the database and the tables where they are missing.

    From 21.1 on, tables have each insert on disk before it is acknowledged. Before, files are written but
    not synced: what a power cut takes is what the system had not written back, half a minute as a rule.
    """
    name = quoted(server.database)
    counted = server.ask(HAS_DATABASE.format(name=name), in_database=False)
    if counted.strip() == b"0":
        server.ask(f"CREATE DATABASE IF NOT EXISTS `{server.database}`", in_database=False)
    durable = SYNC if known >= CAN_SYNC else ""
    text = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
    for statement in text.split(";\n"):
        if statement.strip():
            server.ask(
                statement.format(
                    durable=f" SETTINGS {durable}" if durable else "",
                    durable_too=f", {durable}" if durable else "",
                )
            )
    has_version = HAS_VERSION.format(name=name)
    if server.ask(has_version).strip() == b"0":
        try:
            server.ask(ADD_VERSION)
        except StoreUnusable:
            if server.ask(has_version).strip() == b"0":  # else another collector added it meanwhile
                raise


def identify(servers: Sequence[Server], create: bool) -> None:
    """Check that each server is the shard it was made as; give a new store's servers their numbers.

    Raises StoreUnusable for one that has another number, or none while others hold data: with it, a part
    of the fleet would be missing, or looked for in the wrong place.
    """
    new: list[tuple[int, Server]] = []
    for number, server in enumerate(servers, start=1):
        found = select(server, IDENTITY)
        if not found:
            new.append((number, server))
            continue
        told = tuple(int(values[0]) for values in found.values() if isinstance(values, np.ndarray))
        _check(server, told, (number, len(servers)))
        if told[2] < LAYOUT:
            _move(server, told, create)
    if not new:
        return
    if not create:
        raise StoreUnusable(f"{new[0][1].name} has no store yet: {START_ONCE}")
    if any(server.ask(ANY).strip() != b"0" for server in servers):
        raise StoreUnusable(
            f"{new[0][1].name} is empty although other servers of the store contain data: restore "
            "its backup, or correct the store's address"
        )
    for number, server in new:
        _sign(server, number, len(servers))


def _move(server: Server, told: tuple[int, ...], create: bool) -> None:
    """To the present layout, which has more tables; who opens to create has made them."""
    if not create:
        raise StoreUnusable(f"{server.name} has the old layout {told[2]}: {START_ONCE}")
    _sign(server, *told[:2])


def _sign(server: Server, number: int, shards: int) -> None:
    values: dict[str, Values] = {
        "number": np.array([number]),
        "shards": np.array([shards]),
        "layout": np.array([LAYOUT]),
    }
    insert(server, "shard", SHARD_TYPES, values, 1)


def _check(server: Server, told: tuple[int, ...], expected: tuple[int, int]) -> None:
    if told[2] > LAYOUT:
        raise StoreUnusable(
            f"{server.name} has layout {told[2]}, newer than this version can read ({LAYOUT}): "
            "install a newer Parcimètre"
        )
    if told[:2] != expected:
        raise StoreUnusable(
            f"{server.name} was created as shard {told[0]} of {told[1]}: list all servers in their "
            "original order; to change their number, move the store with `parcimetre store migrate`"
        )
