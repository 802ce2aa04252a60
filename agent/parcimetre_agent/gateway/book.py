"""The gateway's own file: known devices by address, the last answer of each, and records to be sent.

One SQLite file beside the spool, for this account only: it holds the credentials that the collector issued.
Bounded: what waits longer than the collector would take it is dropped, and the oldest beyond MOST_WAITING;
of what outlets gave, a record a quarter hour and feeder, the oldest beyond MOST_FEEDS.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..base.errors import BadDataDir
from ..report import HashForm, Printer, Reading, Supply
from .device_identity import KnownDevice
from .meters import PowerMeters
from .outlet_energy import FeederState, feeder_state
from .taps import Tap
from .time_in_state import LastAnswer, SlotTotals, StatedPower
from .waking import WakingHistory

FILE_NAME = "gateway.sqlite3"
LONGEST_PROBLEM = 500
OLDEST_S = 400 * 86_400
MOST_WAITING = 1_000_000
MOST_FEEDS = 200_000
Kind = Literal["slot", "reading", "feeds"]
_SCHEMA = """
create table if not exists place (name text primary key, device text, next_s real, asked_s real, misses int);
create table if not exists device (key text primary key, body text not null);
create table if not exists waiting (
    id integer primary key, device text not null, kind text not null, start integer not null,
    body text not null, unique (device, kind, start)
);
create table if not exists memory (name text primary key, value text not null);
"""


@dataclass
class Address:
    """An address: the device that answered there last, when to ask again, how often running it was silent."""

    name: str
    device: str | None = None
    next_s: float = 0.0
    asked_s: float = 0.0
    misses: int = 0


@dataclass
class WatchedDevice:
    """A device behind the gateway, as it is known; `problems` are by the name of what failed.

    `counted` are the fields of a server's energy counters when it was seen last. `reported` is the hash of
    the serial number that the collector has, sent in `reported_form`, `hash_key` the organisation's key.
    """

    known: KnownDevice
    install_id: str = field(default_factory=lambda: secrets.token_hex(16))
    secret_file: str | None = None
    device_id: str | None = None
    credential: str | None = None
    seen: LastAnswer | None = None
    silent_since_s: float | None = None
    reading: Reading | None = None
    cells: dict[int, SlotTotals] = field(default_factory=dict)
    counters_due_s: float = 0.0
    waking: WakingHistory = field(default_factory=WakingHistory)
    counted: list[list[Any]] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    feeding: FeederState = field(default_factory=FeederState)
    inventory_sent: str | None = None
    hash_key: str | None = None
    reported: str | None = None
    reported_form: HashForm = "product"

    @property
    def hash_form(self) -> HashForm:
        """The form in which its hashes are sent."""
        return "product" if self.hash_key is None else "organisation"

    def note(self, what: str, sentence: str) -> None:
        """Note what is wrong, or with an empty sentence that nothing is."""
        if sentence:
            self.problems[what] = sentence[:LONGEST_PROBLEM]
        else:
            self.problems.pop(what, None)


class WaitingRecord(NamedTuple):
    """A record that waits for the collector."""

    id: int
    kind: Kind
    start: int
    body: dict[str, Any]


class Book:
    """The file. Everything of a round is written at its end, at once."""

    def __init__(self, folder: Path) -> None:
        """Open it, made when absent. Raises BadDataDir."""
        self.path = folder / FILE_NAME
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(self.path, timeout=30.0)
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise BadDataDir(f"cannot use {self.path}: {error}; give {folder} to this account") from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def places(self) -> dict[str, Address]:
        """Every address that was ever asked, by name."""
        rows = self._db.execute("select name, device, next_s, asked_s, misses from place")
        return {row[0]: Address(*row) for row in rows}

    def devices(self) -> dict[str, WatchedDevice]:
        """Every device that ever answered, by key."""
        return {key: _watched(json.loads(body)) for key, body in self._db.execute("select * from device")}

    def save(self, places: Iterable[Address], devices: Mapping[str, WatchedDevice]) -> None:
        """Write down what a round found."""
        with self._db:
            self._db.executemany(
                "replace into place values (:name, :device, :next_s, :asked_s, :misses)", map(asdict, places)
            )
            self._db.executemany(
                "replace into device values (?, ?)",
                ((key, json.dumps(asdict(one))) for key, one in devices.items()),
            )

    def get(self, key: str) -> Any:
        """Return a remembered value; None for nothing."""
        with closing(self._db.execute("select value from memory where name = ?", (key,))) as rows:
            row = rows.fetchone()
        return None if row is None else json.loads(row[0])

    def remember(self, **facts: Any) -> None:
        """Remember small facts between deliveries."""
        with self._db:
            self._db.executemany(
                "replace into memory values (?, ?)", ((key, json.dumps(one)) for key, one in facts.items())
            )

    def put(self, records: Iterable[tuple[str, Kind, int, Mapping[str, Any]]]) -> None:
        """Let records wait: device, kind, start and body; the later one of a start replaces the other."""
        with self._db:
            self._db.executemany(
                "replace into waiting (device, kind, start, body) values (?, ?, ?, ?)",
                ((device, kind, start, json.dumps(body)) for device, kind, start, body in records),
            )

    def waiting(self, device: str, kind: Kind, most: int) -> list[WaitingRecord]:
        """The oldest records of a device."""
        rows = self._db.execute(
            "select id, kind, start, body from waiting where device = ? and kind = ? order by start limit ?",
            (device, kind, most),
        )
        return [WaitingRecord(id_, kind, start, json.loads(body)) for id_, kind, start, body in rows]

    def count(self) -> int:
        """How many records wait."""
        with closing(self._db.execute("select count(*) from waiting")) as rows:
            return int(rows.fetchone()[0])

    def forget(self, records: Iterable[WaitingRecord]) -> None:
        """Drop what was acknowledged, or refused for good."""
        with self._db:
            self._db.executemany("delete from waiting where id = ?", ((one.id,) for one in records))

    def bound(self, now_s: float) -> int:
        """Drop what is too old to be taken, or too much; how many."""
        with self._db:
            old = self._db.execute("delete from waiting where start < ?", (now_s - OLDEST_S,)).rowcount
            most = self._db.execute(
                "delete from waiting where id not in (select id from waiting order by start desc limit ?)",
                (MOST_WAITING,),
            ).rowcount
            feeds = self._db.execute(
                "delete from waiting where kind = 'feeds' and id not in "
                "(select id from waiting where kind = 'feeds' order by start desc limit ?)",
                (MOST_FEEDS,),
            ).rowcount
        return old + most + feeds


def _watched(body: dict[str, Any]) -> WatchedDevice:
    """What `asdict` made of a device, as it was."""
    known, seen, reading = body["known"], body["seen"], body["reading"]
    rebuilt = {
        "known": _known(known),
        "seen": None if seen is None else _seen(seen),
        "reading": None if reading is None else _reading(reading),
        "cells": dict(_cells(body["cells"])),
        "waking": WakingHistory(**body["waking"]),
        "feeding": feeder_state(body["feeding"]) if "feeding" in body else FeederState(),
    }
    if "reported_form" not in body and body["credential"] is not None:
        rebuilt["reported"] = known["serial_hash"]
    return WatchedDevice(**{**body, **rebuilt})


def _known(body: dict[str, Any]) -> KnownDevice:
    printer, meters = body["printer"], body.get("meters")
    rebuilt = {
        "printer": None if printer is None else Printer(**printer),
        "meters": None if meters is None else PowerMeters(**meters),
        "taps": [Tap(**one) for one in body.get("taps", ())],
        "intake": [Tap(**one) for one in body.get("intake", ())],
    }
    return KnownDevice(**{**body, **rebuilt})


def _seen(body: dict[str, Any]) -> LastAnswer:
    metered = body.get("metered")
    return LastAnswer(**{**body, "metered": None if metered is None else StatedPower(**metered)})


def _reading(body: dict[str, Any]) -> Reading:
    return Reading(**{**body, "supplies": [Supply(**one) for one in body["supplies"]]})


def _cells(body: Mapping[str, Any]) -> Iterator[tuple[int, SlotTotals]]:
    return ((int(start), SlotTotals(**cell)) for start, cell in body.items())
