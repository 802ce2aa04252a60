"""What a round over 500 printers takes: seconds, memory of the round, and of what stays in between.

The printers are one process on this machine that answers SNMP v2c from a table, a few milliseconds late as a
network is; some of them never answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import Process, Queue
from pathlib import Path

import psutil
from parcimetre_agent.configuration.settings import Settings

PRINTERS, SILENT_SHARE, ROUNDS = 500, 0.05, 3
AIM_ROUND_S, AIM_RSS_MIB = 60.0, 45.0
LATE_S = 0.005
PORT = 16_161
SERIAL_END = b"@" * 12


def request_id(message: bytes) -> slice:
    """Where the id of a request stands in a message of SNMP: after version, community and kind."""
    at = _within(message, 0)
    for _ in range(2):
        at += 2 + message[at + 1]
    at = _within(message, at) + 2
    return slice(at, at + message[at - 1])


def _within(message: bytes, at: int) -> int:
    """Where the content of an element begins."""
    return at + 2 + (message[at + 1] & 0x7F if message[at + 1] & 0x80 else 0)


class Printers(asyncio.DatagramProtocol):
    """Answers GET and GETBULK from one recording; each address is a printer with its own serial number."""

    def __init__(
        self, table: dict[tuple[int, ...], tuple[str, str]], seen: dict[str, int], made: dict[bytes, bytes]
    ) -> None:
        """Know the recording in the order of its OIDs."""
        self._table, self._ordered, self._seen = table, sorted(table), seen
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back, and who this is."""
        self._transport = transport
        self._host = transport.get_extra_info("sockname")[0]

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Answer a little later."""
        self._seen["datagrams"] = self._seen.get("datagrams", 0) + 1
        asyncio.get_running_loop().call_later(LATE_S, self._answer, data, address)

    def _answer(self, data: bytes, address: tuple[str, int]) -> None:
        """All printers answer alike but for id and serial number: an answer is made once."""
        at = request_id(data)
        asked = data[: at.start] + data[at.stop :]
        if asked not in self._made:
            self._made[asked] = self._response(data)
        made = self._made[asked].replace(SERIAL_END, self._host.rjust(len(SERIAL_END), "0").encode())
        there = request_id(made)
        self._transport.sendto(made[: there.start] + data[at] + made[there.stop :], address)  # type: ignore[attr-defined]  # of UDP

    def _response(self, data: bytes) -> bytes:
        from pyasn1.codec.ber import decoder, encoder
        from pysnmp.proto import api

        version = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
        message, _ = decoder.decode(data, asn1Spec=version.Message())
        reply = version.apiMessage.get_response(message)
        pdu, asked = version.apiMessage.get_pdu(reply), version.apiMessage.get_pdu(message)
        oids = [tuple(oid) for oid, _ in version.apiPDU.get_varbinds(asked)]
        if asked.isSameTypeWith(version.GetBulkRequestPDU()):
            most = version.apiBulkPDU.get_max_repetitions(asked)
            later = [oid for oid in self._ordered if oid > oids[0]][: int(most)]
            found = [(oid, self._value(version, oid)) for oid in later] or [
                (oids[0], version.EndOfMibView(""))
            ]
        else:
            found = [(oid, self._value(version, oid)) for oid in oids]
        version.apiPDU.set_varbinds(pdu, found)
        return encoder.encode(reply)

    def _value(self, version: object, oid: tuple[int, ...]) -> object:
        kind, text = self._table.get(oid, ("", ""))
        made = {
            "2": "Integer32",
            "4": "OctetString",
            "6": "ObjectIdentifier",
            "65": "Counter32",
            "67": "TimeTicks",
        }
        if kind not in made:
            return version.NoSuchInstance("")
        text = f"{text}{SERIAL_END.decode()}" if text == "PHBXX00001" else text
        return getattr(version, made[kind])(int(text) if kind in ("2", "65", "67") else text)


def recording() -> dict[tuple[int, ...], tuple[str, str]]:
    """The printer that all of them are."""
    file = Path(__file__).parents[1] / "tests/data/snmp/hp-laserjet-m404dn/printer.snmprec"
    lines = (line.split("|", 2) for line in file.read_text().splitlines())
    return {tuple(map(int, oid.split("."))): (kind, value) for oid, kind, value in lines}


def serve(hosts: list[str], told: Queue[int]) -> None:
    """Be the printers until killed."""

    async def forever() -> None:
        loop, seen, table = asyncio.get_running_loop(), dict[str, int](), recording()
        made = dict[bytes, bytes]()
        for host in hosts:
            await loop.create_datagram_endpoint(lambda: Printers(table, seen, made), local_addr=(host, PORT))
        told.put(len(hosts))
        await asyncio.Event().wait()

    asyncio.run(forever())


def host(i: int) -> str:
    """The address of the i-th printer."""
    return f"127.1.{i // 250}.{i % 250 + 1}"


def poll(folder: Path, file: Path) -> tuple[float, float, float]:
    """One round, as `gateway run` starts it: its seconds, those of CPU, and peak memory in MiB."""
    settings = Settings(server="http://127.0.0.1:9", data_dir=str(folder)).to_json()
    began = time.perf_counter()
    line = [sys.executable, "-m", "parcimetre_agent.gateway.work", "poll", settings, str(file)]
    child = subprocess.Popen(line)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, status
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def age(folder: Path) -> None:
    """Let a quarter hour pass: what was asked is due again."""
    import sqlite3

    with sqlite3.connect(folder / "gateway.sqlite3") as db:
        db.execute("update place set asked_s = asked_s - 900")
        for key, body in db.execute("select key, body from device").fetchall():
            seen = json.loads(body)
            seen["seen"]["at_s"] -= 900
            db.execute("update device set body = ? where key = ?", (json.dumps(seen), key))
    db.close()


def staying(folder: Path, file: Path) -> float:
    """Memory in MiB of `gateway run` between two rounds."""
    line = [sys.executable, "-m", "parcimetre_agent", "gateway", "run", "--server", "http://127.0.0.1:9",
            "--data-dir", str(folder), "--gateway-file", str(file)]  # fmt: skip
    child = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    try:
        process = psutil.Process(child.pid)
        time.sleep(3)
        while process.children():
            time.sleep(0.5)
        return process.memory_info().rss / 2**20
    finally:
        child.terminate()
        child.wait()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--printers", type=int, default=PRINTERS)
    options.add_argument("--concurrency", type=int, default=8)
    asked = options.parse_args()
    hosts = [host(i) for i in range(asked.printers)]
    silent = int(asked.printers * SILENT_SHARE)
    told: Queue[int] = Queue()
    printers = Process(target=serve, args=(hosts[silent:], told), daemon=True)
    printers.start()
    told.get()
    with tempfile.TemporaryDirectory() as name:
        folder, file = Path(name), Path(name, "gateway.toml")
        listed = ", ".join(f'"{one}"' for one in hosts)
        file.write_text(
            f"concurrency = {asked.concurrency}\n[[printers]]\nhosts = [{listed}]\nport = {PORT}\n"
        )
        for i in range(ROUNDS):
            seconds, cpu_s, rss_mib = poll(folder, file)
            met = "first round, all are met" if i == 0 else f"round {i + 1}"
            aims = f"aims {AIM_ROUND_S:.0f} s, {AIM_RSS_MIB:.0f} MiB"
            each_ms = 1000 * seconds / asked.printers
            spent = f"{seconds:.1f} s, {each_ms:.0f} ms a printer, {cpu_s:.1f} s of CPU, {rss_mib:.1f} MiB"
            print(f"{met}: {spent} ({aims})")
            age(folder)
        print(f"between rounds: {staying(folder, file):.1f} MiB stay")
    printers.terminate()


if __name__ == "__main__":
    main()
