"""BMCs to ask: real servers over TLS that answer with the documents of a recording, or as a test wants."""

import hashlib
import json
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from parcimetre_agent.gateway.servers import BmcTarget
from parcimetre_agent.metering.redfish import BmcAccess

RECORDINGS = Path(__file__).parents[2] / "data" / "redfish"
DELL, HPE = "dell-poweredge-r750", "hpe-proliant-dl360-gen9"
LOGIN = "Basic " + b64encode(b"reader:pass word").decode()
Answer = tuple[int, bytes]


@dataclass
class Played:
    """A BMC that is played; `answer` says what it answers to a path instead of its document."""

    documents: dict[str, Any]
    port: int = 0
    ca_file: str = ""
    fingerprint: str = ""
    asked: list[str] = field(default_factory=list)
    answer: Callable[[str], Answer | None] = lambda _path: None
    hangs_up: bool = False

    def bmc(self, **access: Any) -> BmcTarget:
        """How the gateway names it."""
        given = {"user": "reader", "password": "pass word", "ca_file": self.ca_file, **access}
        return BmcTarget(BmcAccess("127.0.0.1", self.port, **given), None)

    def system(self) -> dict[str, Any]:
        """The document of its server."""
        (member,) = self.documents["/redfish/v1/Systems"]["Members"]
        found: dict[str, Any] = self.documents[member["@odata.id"]]
        return found

    def counter_shows(self, energy_kwh: float) -> None:
        """Let its energy counter go on."""
        (path,) = [one for one in self.documents if one.endswith("EnvironmentMetrics")]
        self.documents[path]["EnergykWh"]["Reading"] = energy_kwh


def recorded(name: str) -> dict[str, Any]:
    """The documents of a recording."""
    documents: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return documents


@contextmanager
def played(documents: dict[str, Any], made: Path, key: Path) -> Iterator[Played]:
    """A BMC with these documents, until the end of the block."""
    one = Played(documents, ca_file=str(made))
    one.fingerprint = "sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(made.read_text())).hexdigest()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(one))
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    one.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


def _handler(one: Played) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            one.asked.append(self.path)
            status, body = one.answer(self.path) or self._document()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = one.hangs_up

        def _document(self) -> Answer:
            if self.headers["Authorization"] != LOGIN:
                return 401, b"{}"
            found = one.documents.get(self.path)
            return (404, b"{}") if found is None else (200, json.dumps(found).encode())

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def mute() -> Iterator[int]:
    """The port of one who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@contextmanager
def dripping(made: Path, key: Path) -> Iterator[int]:
    """The port of one who answers a letter at a time, without end."""
    context, over = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), threading.Event()
    context.load_cert_chain(made, key)

    def drip() -> None:
        """To the one who connects, until it is over."""
        with suppress(OSError), context.wrap_socket(listening.accept()[0], server_side=True) as asking:
            asking.sendall(b"HTTP/1.1 200 OK\r\nX-Without-End: ")
            while not over.wait(0.05):
                asking.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        over.set()
        thread.join()
