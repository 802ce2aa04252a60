"""Devices that snmpsim plays from recordings, and rounds over them at any time of the clock."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from parcimetre_agent.gateway.answers import OBJECT_ID
from parcimetre_agent.gateway.book import Book
from parcimetre_agent.gateway.configuration import Expected, GatewayConfiguration, SnmpTarget
from parcimetre_agent.gateway.credentials import Credential
from parcimetre_agent.gateway.poll import PollingRound, RoundResult
from parcimetre_agent.gateway.snmp import NoAnswer, SnmpSession

RECORDINGS = Path(__file__).parents[2] / "data" / "snmp"
NOON = 1_795_521_600  # 2026-11-24, 12:00 UTC
HP, RICOH = "hp-laserjet-m404dn", "ricoh-im-c3000"
PDU, INLET_PDU, UPS = "raritan-px3-5190r", "apc-ap8853", "riello-sentinel-pro"
CISCO, JUNIPER, ACCESS_POINT = "cisco-c9200l-24p", "juniper-ex2300-24t", "ubiquiti-u6-pro"
APC_PDU = "1.3.6.1.4.1.318.1.1."
STANDBY = ("25.3.5.1.1.1|2|3", "25.3.5.1.1.1|2|1")
OWN = "1.3.6.1.4.1.11.2.3.9.4.2.1.1.3.2.0|4"
STATED = "1.3.6.1.4.1.11.2.3.9.4.2.1.1.1.65.0|2|{}\n"
METERED = """1.3.6.1.2.1.47.1.1.1.1.5.1|2|3
1.3.6.1.2.1.229.1.2.1.1.1|2|385
1.3.6.1.2.1.229.1.2.1.3.1|2|-1
1.3.6.1.2.1.229.1.2.1.5.1|2|3
1.3.6.1.2.1.229.1.2.1.6.1|2|1
"""
VARIANTS = {
    "hp-later": (HP, [("|65|48211", "|65|48311"), ("22.0|2|30100", "22.0|2|30160")]),
    "hp-fallen": (HP, [("|65|48211", "|65|12"), ("22.0|2|30100", "22.0|2|4")]),
    "hp-leapt": (HP, [("|65|48211", "|65|9048211")]),
    "hp-absurd": (HP, [("|65|48211", "|65|4294967295")]),
    "hp-negative": (HP, [("|65|48211", "|2|-1")]),
    "hp-contradicts-itself": (HP, [("22.0|2|30100", "22.0|2|99999")]),
    "hp-asleep": (HP, [STANDBY]),
    "hp-renamed": (HP, [("NPI0A1B2C", "accueil-2")]),
    "hp-other": (HP, [("PHBXX00001", "PHBXX00002")]),
    "hp-restarted": (HP, [("|67|86400000", "|67|60000")]),
    "cisco-later": (CISCO, [(".1.1000|2|1204", ".1.1000|2|1404")]),
    "cisco-negative": (CISCO, [(".1.2000|2|496", ".1.2000|2|-496")]),
    "cisco-absurd": (CISCO, [(".3.1000|2|-1", ".3.1000|2|6")]),
    "cisco-by-nameplate": (CISCO, [("229.1.2.1.5.2000|2|3", "229.1.2.1.5.2000|2|5")]),
    "cisco-by-estimate": (CISCO, [("229.1.2.1.5.2000|2|3", "229.1.2.1.5.2000|2|4")]),
    "cisco-other": (CISCO, [("JAE00000001", "JAE00000003")]),
    "cisco-of-one": (CISCO, [("47.1.1.1.1.5.2000|2|3", "47.1.1.1.1.5.2000|2|9")]),
    "firewall": (ACCESS_POINT, [("4.1.41112", "4.1.12356.101.1.1"), ("1.7.0|2|2", "1.7.0|2|72")]),
    "server": (ACCESS_POINT, [("4.1.41112", "4.1.8072.3.2.10"), ("1.7.0|2|2", "1.7.0|2|72")]),
    "cisco-half-metered": (CISCO, [("229.1.2.1.1.2000|2|496\n", "229.1.2.1.1.2001|2|496\n")]),
    "juniper-half-metered": (JUNIPER, [("PSU 1 Input Power", "PSU 1 Power")]),
    "juniper-one-supply": (JUNIPER, [(".5.13|2|1", ".5.13|2|2")]),
    "cisco-poe-later": (CISCO, [("402.1.2.1.9.1.1|66|6300", "402.1.2.1.9.1.1|66|8300")]),
    "cisco-poe-absurd": (CISCO, [("402.1.2.1.9.1.1|66|6300", "402.1.2.1.9.1.1|66|4294967295")]),
    "pdu-later": (PDU, [("4.1.1.8|66|1178507", "4.1.1.8|66|1178552"),
                        ("4.1.2.8|66|493201", "4.1.2.8|66|493220"),
                        ("4.1.4.8|66|88120", "4.1.4.8|66|88123")]),
    "pdu-reset": (PDU, [("4.1.1.8|66|1178507", "4.1.1.8|66|2")]),
    "pdu-leapt": (PDU, [("4.1.1.8|66|1178507", "4.1.1.8|66|9178507")]),
    "pdu-negative": (PDU, [("4.1.1.5|66|1823", "4.1.1.5|2|-1823"), ("4.1.1.8|66|1178507", "4.1.1.8|2|-1")]),
    "pdu-absurd": (PDU, [("4.1.1.5|66|1823", "4.1.1.5|66|600000")]),
    "pdu-of-three": (PDU, [("6.5.4.3.1.4.1.4.5|66|124\n", "6.5.4.3.1.4.1.9.5|66|124\n"),
                           ("6.5.4.3.1.4.1.4.8|66|88120\n", "6.5.4.3.1.4.1.9.8|66|88120\n")]),
    "pdu-other": (PDU, [("QPX0000001", "QPX0000002")]),
    "pdu-without-meters": (INLET_PDU, [("26.4.3.1.5.1|2|185", "26.4.3.1.5.1|2|-1")]),
    "pdu-older": (INLET_PDU, [("26.4.3.1.5.1|2|185", "26.4.3.1.5.1|2|-1"),
                              (f"{APC_PDU}26.2.1.8.1", f"{APC_PDU}12.1.16.0|2|640\n{APC_PDU}26.2.1.8.1")]),
    "unit-by-standard": (JUNIPER, [("4.1.2636.1.1.1.2.151", "4.1.99999.1"), ("1.7.0|2|6", "1.7.0|2|72")]),
    "ups-on-battery": (UPS, [("3.3.1.5.1|2|701", "3.3.1.5.1|2|0")]),
    "ups-without-input": (UPS, [("3.3.1.5.1|2|701", "3.3.1.5.1|2|-1")]),
    "ups-without-meters": (UPS, [("3.3.1.5.1|2|701\n", "3.3.1.3.2|2|0\n"),
                                 ("4.4.1.4.1|2|640\n", "4.4.1.3.1|2|9\n")]),
    "hp-metered": (HP, [(OWN, METERED + OWN)]),
    "hp-metered-later": (HP, [(OWN, METERED.replace("|385", "|125") + OWN), STANDBY]),
    "hp-metered-absurd": (HP, [(OWN, METERED.replace("|385", "|-385") + OWN)]),
    "hp-metered-by-nameplate": (HP, [(OWN, METERED.replace("229.1.2.1.5.1|2|3", "229.1.2.1.5.1|2|5") + OWN)]),
    "hp-that-says-awake": (HP, [(OWN, STATED.format(1) + OWN), STANDBY]),
    "hp-that-says-asleep": (HP, [(OWN, STATED.format(3) + OWN)]),
    "hp-that-says-nothing-known": (HP, [(OWN, STATED.format(77) + OWN)]),
    "no-printer": (HP, [("25.3.1.5", "25.3.1.3"), ("43.10.2.1.4.1.1|65|", "43.10.2.1.4.9.1|65|")]),
}  # fmt: skip


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The UDP port at which every recording and variant answers to a community of its name."""
    folder = tmp_path_factory.mktemp("snmp")
    for recording in RECORDINGS.glob("*/*.snmprec"):
        shutil.copy(recording, folder / f"{recording.parent.name}.snmprec")
    for name, (of, changes) in VARIANTS.items():
        text = (folder / f"{of}.snmprec").read_text()
        for old, new in changes:
            assert old in text, (name, old)
            text = text.replace(old, new)
        (folder / f"{name}.snmprec").write_text(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = _start(folder, port, tmp_path_factory.mktemp("cache"))
    yield port
    process.terminate()
    process.wait(10)


def _start(folder: Path, port: int, cache: Path) -> subprocess.Popen[bytes]:
    line = [Path(sys.executable).with_name("snmpsim-command-responder"), f"--data-dir={folder}",
            f"--cache-dir={cache}",
            *(f"--agent-udpv4-endpoint=127.0.0.{i}:{port}" for i in (1, 2, 3))]  # fmt: skip
    if os.geteuid() == 0:
        line += ["--process-user=root", "--process-group=root"]
    log = cache / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(line, stdout=out, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while not asyncio.run(_answers(port)):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
    return process


async def _answers(port: int) -> bool:
    try:
        return bool(
            await SnmpSession(SnmpTarget("127.0.0.1", port, Credential("2c", HP), None), 1, 0).get(
                [OBJECT_ID]
            )
        )
    except NoAnswer:
        return False


@pytest.fixture
def target(simulator: int) -> Callable[..., SnmpTarget]:
    """The simulated printer of a name; all of them stand at one port unless a host of 127/8 is given."""

    def at(
        name: str, host: str = "127.0.0.1", version: str = "2c", expected: Expected = "printer"
    ) -> SnmpTarget:
        return SnmpTarget(host, simulator, Credential(version, name), None, expected)

    return at


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """An empty book."""
    made = Book(tmp_path)
    yield made
    made.close()


@pytest.fixture
def round_at(book: Book, target: Callable[..., SnmpTarget]) -> Callable[..., RoundResult]:
    """Asks the one device of a name, at so many seconds after noon."""

    def ask(name: str, after_s: float = 0.0, expected: Expected = "printer") -> RoundResult:
        there = target(name, expected=expected)
        configuration = GatewayConfiguration((there,), timeout_s=1 if name == "nobody" else 5, retries=0)
        return asyncio.run(PollingRound(configuration, book, NOON + after_s, look_again_s=0.0).run())

    return ask


def only(book):
    """The one device of a book."""
    (watched,) = book.devices().values()
    return watched
