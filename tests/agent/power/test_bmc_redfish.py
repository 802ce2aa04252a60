"""Redfish against a small real server that plays DMTF-shaped documents, over HTTP and over HTTPS."""

import hashlib
import json
import ssl
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.base.outcome import Denied, Failed, NoData, Ok
from parcimetre_agent.metering import redfish
from parcimetre_agent.metering.rare_readings import MeanPower
from parcimetre_agent.power import bmc_redfish

from tests.agent.certificates import certificate

CHASSIS = "/redfish/v1/Chassis/A.1"
ENERGY = f"{CHASSIS}/EnvironmentMetrics"
SUPPLIES = f"{CHASSIS}/PowerSubsystem/PowerSupplies"
LOGIN = "Basic " + b64encode(b"reader:pass word").decode()


def _ref(path: str) -> dict[str, str]:
    return {"@odata.id": path}


@dataclass
class Bmc:
    """Its documents by path; who does not show the login gets 401."""

    url: str = ""
    documents: dict[str, Any] = field(default_factory=dict)
    login: str | None = LOGIN
    asked: int = 0

    def has(self, name: str, path: str, document: dict[str, Any]) -> None:
        """Give the chassis a link and the document behind it."""
        self.documents[CHASSIS][name] = _ref(path)
        self.documents[path] = document


@pytest.fixture
def bmc() -> Iterator[Bmc]:
    bmc = Bmc(documents={
        "/redfish/v1/": {"Chassis": _ref("/redfish/v1/Chassis")},
        "/redfish/v1/Chassis": {"Members": [_ref(CHASSIS)]},
        CHASSIS: {"Id": "A.1"},
    })  # fmt: skip
    server = _server(bmc)
    bmc.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield from _serving(server, bmc)


def _server(bmc: Bmc) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            bmc.asked += 1
            allowed = bmc.login is None or self.headers["Authorization"] == bmc.login
            found = bmc.documents.get(self.path)
            status = 401 if not allowed else 404 if found is None else 200
            body = found if isinstance(found, bytes) else json.dumps(found or {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def _serving(server: ThreadingHTTPServer, bmc: Bmc) -> Iterator[Bmc]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield bmc
    server.shutdown()
    server.server_close()
    thread.join()


def _read(folder: Path, bmc: Bmc, **more: str) -> Any:
    settings = {"url": bmc.url, "user": "reader", "password": "pass word", **more}
    return _configured(folder, json.dumps(settings))


def _configured(folder: Path, text: str, mode: int = 0o400) -> Any:
    file = folder / "bmc.json"
    file.unlink(missing_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return bmc_redfish.read(str(folder))


def test_chassis_energy_counter_comes_first_and_in_joules(bmc: Bmc, tmp_path: Path) -> None:
    bmc.has("EnvironmentMetrics", ENERGY, {"EnergykWh": {"Reading": 1234.125}})
    bmc.has("Power", f"{CHASSIS}/Power", {"PowerControl": [{"PowerConsumedWatts": 9}]})
    outcome = _read(tmp_path, bmc)
    assert isinstance(outcome, Ok)
    assert [(one.scope, one.energy_j) for one in outcome.value] == [("wall_ac", 1234.125 * 3.6e6)]


def test_counter_in_whole_kwh_is_too_coarse_and_the_supplies_are_asked(bmc: Bmc, tmp_path: Path) -> None:
    bmc.has("EnvironmentMetrics", ENERGY, {"EnergykWh": {"Reading": 1234}})
    bmc.has("PowerSubsystem", f"{CHASSIS}/PowerSubsystem", {"PowerSupplies": _ref(SUPPLIES)})
    bmc.documents[SUPPLIES] = {"Members": [_ref(f"{SUPPLIES}/0"), _ref(f"{SUPPLIES}/1")]}
    for i, reading in enumerate((10.5, 11.25)):
        bmc.documents[f"{SUPPLIES}/{i}"] = {"Metrics": _ref(f"{SUPPLIES}/{i}/Metrics")}
        bmc.documents[f"{SUPPLIES}/{i}/Metrics"] = {"EnergykWh": {"Reading": reading}}
    outcome = _read(tmp_path, bmc)
    assert isinstance(outcome, Ok)
    assert sorted(one.energy_j for one in outcome.value) == [10.5 * 3.6e6, 11.25 * 3.6e6]


def _deprecated(minutes: int) -> dict[str, Any]:
    metrics = {"AverageConsumedWatts": 212, "IntervalInMin": minutes, "MaxConsumedWatts": 400}
    return {"PowerControl": [{"PowerConsumedWatts": 230, "PowerMetrics": metrics}]}


def test_older_bmc_gives_its_mean_over_its_interval_never_the_watts_of_now(bmc: Bmc, tmp_path: Path) -> None:
    bmc.has("Power", f"{CHASSIS}/Power", _deprecated(20))
    outcome = _read(tmp_path, bmc)
    assert isinstance(outcome, Ok)
    assert outcome.value == [MeanPower("bmc_redfish", "wall_ac", "measured", 212.0, 1200.0, 20_000.0)]


@pytest.mark.parametrize("minutes", [0, 1440])
def test_mean_over_no_fitting_interval_is_refused(bmc: Bmc, tmp_path: Path, minutes: int) -> None:
    bmc.has("Power", f"{CHASSIS}/Power", _deprecated(minutes))
    assert isinstance(_read(tmp_path, bmc), NoData)


def test_wrong_login_is_denied_with_the_grant(bmc: Bmc, tmp_path: Path) -> None:
    bmc.login = "Basic other"
    outcome = _read(tmp_path, bmc)
    assert isinstance(outcome, Denied)
    assert "docs/en/agent.md#redfish" in outcome.grant


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"Members": 3}'])
def test_bmc_that_talks_nonsense_fails_in_a_sentence(bmc: Bmc, tmp_path: Path, body: bytes) -> None:
    bmc.documents["/redfish/v1/Chassis"] = body
    assert isinstance(_read(tmp_path, bmc), Failed)


def test_part_of_the_server_that_counts_its_own_energy_is_not_the_server(bmc: Bmc, tmp_path: Path) -> None:
    module = "/redfish/v1/Chassis/GPU_0"
    bmc.documents["/redfish/v1/Chassis"]["Members"].insert(0, _ref(module))
    bmc.documents[module] = {"ChassisType": "Module", "EnvironmentMetrics": _ref(f"{module}/E")}
    bmc.documents[f"{module}/E"] = {"EnergykWh": {"Reading": 63.9}}
    bmc.documents[CHASSIS]["ChassisType"] = "RackMount"
    bmc.has("EnvironmentMetrics", ENERGY, {"EnergykWh": {"Reading": 12.5}})
    outcome = _read(tmp_path, bmc)
    assert isinstance(outcome, Ok)
    assert [one.energy_j for one in outcome.value] == [12.5 * 3.6e6]


def test_password_that_everybody_may_read_is_not_used(bmc: Bmc, tmp_path: Path) -> None:
    outcome = _configured(tmp_path, json.dumps({"url": bmc.url}), mode=0o644)
    assert isinstance(outcome, Failed)
    assert "chmod" in outcome.reason


def test_nobody_at_home_fails(tmp_path: Path) -> None:
    assert isinstance(_read(tmp_path, Bmc(url="http://127.0.0.1:9")), Failed)


@pytest.mark.parametrize("text", ["{", "[]", '{"user": "x"}', '{"url": "ftp://bmc"}'])
def test_settings_that_cannot_be_used_fail_with_the_mend(tmp_path: Path, text: str) -> None:
    outcome = _configured(tmp_path, text)
    assert isinstance(outcome, Failed)
    assert "bmc.json" in outcome.reason or "url" in outcome.reason


def test_until_configured_nothing_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys; from parcimetre_agent.power import bmc_redfish;"
        f"bmc_redfish.read({str(tmp_path)!r}); print({{'ssl', 'http.client'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture
def tls(bmc: Bmc, tmp_path: Path) -> Iterator[Bmc]:
    """The same BMC behind a certificate of its own."""
    made, key = certificate(tmp_path)
    server = _server(bmc)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    bmc.url = f"https://127.0.0.1:{server.server_address[1]}"
    yield from _serving(server, bmc)


def test_https_is_trusted_with_its_ca_and_refused_without(tls: Bmc, tmp_path: Path) -> None:
    tls.has("EnvironmentMetrics", ENERGY, {"EnergykWh": {"Reading": 7.5}})
    assert isinstance(_read(tmp_path, tls, ca_file=str(tmp_path / "bmc.pem")), Ok)
    refused = _read(tmp_path, tls)
    assert isinstance(refused, Failed)
    assert "certificate" in refused.reason.lower()


def test_https_with_a_pinned_certificate_needs_no_ca_and_knows_no_other(tls: Bmc, tmp_path: Path) -> None:
    tls.has("EnvironmentMetrics", ENERGY, {"EnergykWh": {"Reading": 7.5}})
    pem = (tmp_path / "bmc.pem").read_text()
    shown = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    assert isinstance(_read(tmp_path, tls, fingerprint=f"sha256:{shown}"), Ok)
    asked = tls.asked
    refused = _read(tmp_path, tls, fingerprint="sha256:" + "0" * 64)
    assert isinstance(refused, Failed)
    assert shown in refused.reason
    assert tls.asked == asked
    assert "fingerprint" in _read(tmp_path, tls, fingerprint="0f").reason


def test_source_and_quality_are_those_that_redfish_states() -> None:
    assert (bmc_redfish.SOURCE, bmc_redfish.QUALITY) == (redfish.SOURCE, redfish.QUALITY)
