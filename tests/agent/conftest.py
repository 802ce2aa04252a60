"""What the agent's tests share: a small real collector over HTTP, and a clock that tests move."""

import gzip
import json
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.machine.clock import Instant
from parcimetre_agent.windows.devices import NO_ACCESS, READ, Devices
from parcimetre_agent.windows.registry import Registry

DEVICE = "d" * 32
Reply = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Stub:
    """Takes enrolments and reports, and answers what the test put into `replies` first."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """Bodies of the requests to one path."""
        return [body for asked, _, body in self.requests if asked == path]

    def answer(self, path: str, body: dict[str, Any]) -> Reply:
        """The next reply: a prepared one, else that of a collector that takes everything."""
        if self.replies:
            return self.replies.pop(0)
        if path == "/v1/enrol":
            return 200, {"device_id": DEVICE, "credential": "c1", "config": {"upload_period_s": 600}}, {}
        count = len(body.get("slots", [])) + len(body.get("gaps", []))
        return 200, {"accepted": count, "duplicates": 0, "refused": [], "next_upload_s": 600}, {}


def problem(status: int, detail: str, **headers: str) -> Reply:
    """A problem document (RFC 9457)."""
    return status, {"type": "about:blank", "title": "no", "status": status, "detail": detail}, headers


@pytest.fixture
def collector() -> Iterator[Stub]:
    """A collector on a free port."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(gzip.decompress(raw) if self.headers["Content-Encoding"] == "gzip" else raw)
            stub.requests.append((self.path, dict(self.headers), body))
            status, document, headers = stub.answer(self.path, body)
            out = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(out)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()


class FakeClock:
    """A machine's clocks, moved by hand: `run` awake, `sleep` suspended, `reboot` off, `step` set."""

    def __init__(self, wall_s: float = 1_800_000_000.0, boot_id: str = "boot-1") -> None:
        self.wall_s, self.monotonic_s, self.boottime_s, self.boot_id = wall_s, 1000.0, 1000.0, boot_id

    def now(self) -> Instant:
        return Instant(self.wall_s, self.monotonic_s, self.boottime_s, self.boot_id)

    def wait(self, seconds: float) -> None:
        self.run(seconds)

    def run(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds
        self.boottime_s += seconds

    def sleep(self, seconds: float) -> None:
        self.wall_s += seconds
        self.boottime_s += seconds

    def reboot(self, off_s: float, boot_s: float) -> None:
        """Off, then `boot_s` from the kernel's start to now."""
        self.wall_s += off_s + boot_s
        self.monotonic_s = self.boottime_s = boot_s
        self.boot_id += "+"

    def step(self, seconds: float) -> None:
        self.wall_s += seconds


@pytest.fixture
def clock() -> FakeClock:
    """A clock at a slot's start."""
    return FakeClock()


@pytest.fixture
def reply_problem() -> Any:
    """Makes problem documents for `Stub.replies`."""
    return problem


MACHINES = Path(__file__).parents[1] / "data" / "machines"


def unpack(name: str, folder: Path) -> Path:
    """Lay a machine's tree out in a folder; see tests/data/machines/ORIGIN.md."""
    for part in (MACHINES / f"{name}.tree").read_text().split("== ")[1:]:
        head, _, text = part.partition("\n")
        path, _, form = head.partition(" ")
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes.fromhex(text) if form == "hex" else text.encode())
    return folder


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    """A ThinkPad on battery, its panel lit."""
    return unpack("laptop", tmp_path / "laptop")


@pytest.fixture
def rack_server(tmp_path: Path) -> Path:
    """A PowerEdge with two sockets."""
    return unpack("rack-server", tmp_path / "rack-server")


@pytest.fixture
def virtual_machine(tmp_path: Path) -> Path:
    """A guest whose hypervisor shows no firmware tables."""
    return unpack("virtual-machine", tmp_path / "virtual-machine")


Answer = bytes | OSError | Callable[[bytes], bytes]


class Drivers(Devices):
    """Devices of a Windows that tests put together: lists by GUID, and answers by path and control code."""

    def __init__(self) -> None:
        self.lists: dict[str, list[str]] = {}
        self.answers: dict[tuple[str, int], Answer] = {}

    def interfaces(self, guid: str) -> list[str]:
        return self.lists.get(guid, [])

    def present(self, guid: str) -> list[str]:
        return self.lists.get(guid, [])

    def ask(self, path: str, code: int, question: bytes = b"", room: int = 1024, access: int = 0) -> bytes:
        answer = self.answers.get((path, code), FileNotFoundError(2, "absent", path))
        if isinstance(answer, OSError):
            raise answer
        assert access in (NO_ACCESS, READ), "a sensor never asks for the right to write"
        return (answer(question) if callable(answer) else answer)[:room]


class Keys(Registry):
    """A registry that tests fill: values by path."""

    def __init__(self, tree: dict[str, dict[str, Any]]) -> None:
        self.tree = tree

    def values(self, path: str) -> dict[str, Any]:
        return self.tree.get(path, {})

    def keys(self, path: str) -> list[str]:
        below = {key[len(path) + 1 :].split("\\")[0] for key in self.tree if key.startswith(path + "\\")}
        return sorted(below)


@pytest.fixture
def drivers() -> Drivers:
    """No device at all, until the test adds some."""
    return Drivers()


@pytest.fixture
def keys() -> type[Keys]:
    """Makes a registry of a tree."""
    return Keys


def smbios_structure(kind: int, body: bytes, *strings: str) -> bytes:
    """One structure of an SMBIOS table; the body is what follows its four-byte header."""
    tail = b"".join(s.encode() + b"\0" for s in strings) + b"\0" if strings else b"\0\0"
    return struct.pack("<BBH", kind, 4 + len(body), 0) + body + tail


CORE_I5 = "12th Gen Intel(R) Core(TM) i5-1245U"


@pytest.fixture
def thinkpad_table() -> bytes:
    """The SMBIOS table of a laptop with one processor and two modules, built to DSP0134."""
    uuid = bytes.fromhex("33221100554477668899aabbccddeeff")
    processor = bytearray(0x30 - 4)
    processor[0x05 - 4], processor[0x07 - 4], processor[0x10 - 4], processor[0x18 - 4] = 3, 1, 2, 0x41
    processor[0x23 - 4], processor[0x24 - 4], processor[0x25 - 4] = 10, 10, 12
    module = bytearray(0x28 - 4)
    struct.pack_into("<H", module, 0x0C - 4, 8192)
    module[0x0E - 4], module[0x12 - 4], module[0x17 - 4], module[0x1A - 4] = 0x0D, 0x1A, 1, 2
    return b"".join(
        [
            smbios_structure(0, bytes([1, 2, 0, 0, 3]) + bytes(11), "LENOVO", "N3MET10W", "11/04/2022"),
            smbios_structure(
                1, bytes([1, 2, 3, 4]) + uuid + bytes([6, 5, 6]),
                "LENOVO", "21AHCTO1WW", "ThinkPad T14 Gen 3", "PF3XK1ZQ", "LENOVO_MT_21AH", "ThinkPad T14",
            ),
            smbios_structure(2, bytes([1, 2, 0, 3]), "LENOVO", "21AHCTO1WW", "L1HF2CK01ZQ"),
            smbios_structure(3, bytes([1, 10]) + bytes(8), "LENOVO"),
            smbios_structure(4, bytes(processor), "Intel(R) Corporation", CORE_I5),
            smbios_structure(17, bytes(module), "Samsung", "M471A1G44AB0"),
            smbios_structure(17, bytes(module), "SK Hynix", "HMAA1GS6CJR6N"),
            smbios_structure(127, b""),
        ]
    )  # fmt: skip
