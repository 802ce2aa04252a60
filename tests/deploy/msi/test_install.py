"""The MSI on Windows as far as Wine is it: installed, upgraded, repaired, refused, removed, without a dialog.

What Wine does not do (access lists, delayed start, recovery, service SID, roll-back) is looked at in the
tables of the MSI alone.
"""

import asyncio
import json
import shutil
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import product
import pytest
import signing
from set_up_wine import PREFIX
from wine import WINE, Program, environment, session, windows_path

from tests.end_to_end.conftest import Collector as Served

LONGEST_S = 240
UNINSTALL = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall"
KEY = "HKLM\\" + product.SETTINGS_KEY


@dataclass(frozen=True)
class Windows:
    """A Windows of our own, and what was in it before."""

    prefix: Path
    before: frozenset[str]

    @property
    def drive(self) -> Path:
        """Its disk C:."""
        return self.prefix / "drive_c"

    @property
    def data(self) -> Path:
        """The agent's data folder."""
        return self.drive / "ProgramData" / "Parcimetre"

    @property
    def agent(self) -> Path:
        """Where the agent is installed."""
        return self.drive / "Program Files" / "Parcimetre" / "Agent"

    def run(self, *command: object) -> tuple[int, str]:
        """Exit code and output of a program."""
        code, out, _ = Program([*command], environment(self.prefix), self.prefix).ended()
        return code, out

    def install(self, msi: Path, *properties: str) -> int:
        """Install silently; the exit code."""
        self._stop()
        return self.run("msiexec", "/i", windows_path(msi), "/qn", *properties)[0]

    def remove(self, msi: Path, *properties: str) -> int:
        """Uninstall silently; the exit code."""
        self._stop()
        return self.run("msiexec", "/x", windows_path(msi), "/qn", *properties)[0]

    def _stop(self) -> None:
        """Wine's installer asks the service to stop; Windows' also waits until it has."""
        if self.service() == "RUNNING":
            self.run("net", "stop", product.SERVICE)

    def settings(self) -> dict[str, str]:
        """What stands in the installer's key."""
        code, listed = self.run("reg", "query", KEY)
        lines = [line.split(None, 2) for line in listed.splitlines() if code == 0]
        return {line[0]: line[2] for line in lines if len(line) == 3}

    def products(self) -> list[str]:
        """Versions of the agent in the list of programs."""
        listed = self.run("reg", "query", UNINSTALL, "/s")[1]
        parts = listed.split("HKEY_LOCAL_MACHINE")
        return [
            line.split()[-1]
            for part in parts if product.NAME in part
            for line in part.splitlines() if "DisplayVersion" in line
        ]  # fmt: skip

    def service(self) -> str:
        """The state of the service."""
        said = self.run("sc", "query", product.SERVICE)[1]
        return next((line.split()[-1] for line in said.splitlines() if "STATE" in line), "absent")


def tree(folder: Path) -> frozenset[str]:
    """Every file and folder, files with their size."""
    return frozenset(
        f"{path.relative_to(folder)} {path.lstat().st_size if path.is_file() else ''}"
        for path in folder.rglob("*")
    )


@pytest.fixture(scope="module")
def windows(asked_for: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """A copy of the Windows that `make wine` made, running."""
    prefix = tmp_path_factory.mktemp("windows") / "prefix"
    shutil.copytree(PREFIX, prefix, symlinks=True)
    (prefix / "drive_c" / "windows" / "Installer").mkdir(exist_ok=True)
    with session(environment(prefix)):
        yield Windows(prefix, tree(prefix / "drive_c"))
    subprocess.run([WINE.with_name("wineserver64"), "-w"], env=environment(prefix), check=True)
    shutil.rmtree(prefix)


@dataclass(frozen=True)
class Collector:
    """A collector behind TLS: its address for agents, its own, its authority, an enrolment secret."""

    url: str
    inner_url: str
    authority: Path
    secret: str

    def devices(self) -> list[dict[str, object]]:
        """The devices that have reported."""
        with urllib.request.urlopen(f"{self.inner_url}/v1/devices", timeout=10) as answer:
            items: list[dict[str, object]] = json.load(answer)["items"]
        return [one for one in items if one["last_slot"]]

    def reported(self) -> dict[str, object]:
        """The first device that reports, awaited."""
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            if devices := self.devices():
                return devices[0]
            time.sleep(0.5)
        pytest.fail("no report arrived")


@pytest.fixture(scope="module")
def collector(asked_for: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A real one on a free port, TLS in front of it by a certificate of a private authority."""
    served = Served(tmp_path_factory.mktemp("collector"))
    served.start()
    authority, certificate = _certificates(served.folder)
    with _Tls(certificate, served.port) as tls_port:
        url = f"https://127.0.0.1:{tls_port}"
        yield Collector(url, served.url, authority, served.secret("Windows")["secret"])
    served.stop()


def _certificates(folder: Path) -> tuple[Path, Path]:
    """A private authority, and a certificate for 127.0.0.1 by it, with its key in the same file."""
    authority, authority_key, certificate, request = (
        folder / name for name in ("ca.pem", "ca.key", "server.pem", "request.pem")
    )
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    orders = [
        [*new, "-x509", "-days", "2", "-subj", "/CN=Private authority",
         "-keyout", authority_key, "-out", authority],
        [*new, "-subj", "/CN=collector", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "server.key", "-out", request],
        ["openssl", "x509", "-req", "-days", "2", "-copy_extensions", "copyall", "-in", request,
         "-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-out", certificate],
    ]  # fmt: skip
    for order in orders:
        subprocess.run(order, check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (folder / "server.key").read_text())
    return authority, certificate


class _Tls:
    """Ends TLS on a free port, and passes on to another one."""

    def __init__(self, certificate: Path, port: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> int:
        self._thread.start()
        opening = asyncio.start_server(self._passed_on, "127.0.0.1", 0, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return int(self._server.sockets[0].getsockname()[1])

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        asyncio.run_coroutine_threadsafe(self._server.wait_closed(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(_carry(reader, back), _carry(there, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@dataclass(frozen=True)
class Seen:
    """What was seen after a step."""

    code: int
    service: str
    products: list[str]
    settings: dict[str, str]
    files: frozenset[str]
    devices: list[dict[str, object]]
    identity: str = ""

    @property
    def data_files(self) -> set[str]:
        """Names in the data folder."""
        folder = "ProgramData/Parcimetre/"
        return {name.removeprefix(folder).split(" ")[0] for name in self.files if name.startswith(folder)}


def _look(windows: Windows, collector: Collector, code: int) -> Seen:
    identity = windows.data / "identity.json"
    return Seen(
        code, windows.service(), windows.products(), windows.settings(),
        tree(windows.drive), collector.devices(),
        json.loads(identity.read_text())["install_id"] if identity.exists() else "",
    )  # fmt: skip


@pytest.fixture(scope="module")
def installed(windows: Windows, collector: Collector, msis: dict[str, Path]) -> Seen:
    """Version 1.0.0, with properties, once its report has arrived."""
    code = windows.install(
        msis["1.0.0"], f"SERVER={collector.url}", f"ENROLMENT_SECRET={collector.secret}", "KEEPDATA=1",
        f"CA_FILE={windows_path(collector.authority)}", "SEND_HOSTNAME=1", "DISPLAYS=all",
        "UPLOAD_PERIOD=60",
    )  # fmt: skip
    collector.reported()
    return _look(windows, collector, code)


@pytest.fixture(scope="module")
def repaired(installed: Seen, windows: Windows, collector: Collector, msis: dict[str, Path]) -> Seen:
    """The same, after a library was lost and the product repaired."""
    (windows.agent / "lib.zip").unlink()
    code = windows.install(msis["1.0.0"], "REINSTALL=ALL", "REINSTALLMODE=amus")
    return _look(windows, collector, code)


@pytest.fixture(scope="module")
def signed(msis: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Version 1.1.0 signed by a certificate that signs itself, and that certificate."""
    folder = tmp_path_factory.mktemp("signed")
    certificate, key, msi = folder / "certificate.pem", folder / "key.pem", folder / "1.1.0.msi"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "2", "-subj", "/CN=Test signer",
         "-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    shutil.copy(msis["1.1.0"], msi)
    signing.sign(msi, both, None, None)
    return msi, certificate


@pytest.fixture(scope="module")
def upgraded(repaired: Seen, signed: tuple[Path, Path], windows: Windows, collector: Collector) -> Seen:
    """Version 1.1.0 over it, signed, with one setting given anew."""
    code = windows.install(signed[0], "DISPLAYS=none")
    return _look(windows, collector, code)


@pytest.fixture(scope="module")
def downgraded(upgraded: Seen, windows: Windows, collector: Collector, msis: dict[str, Path]) -> Seen:
    """After an attempt to go back, which stops nothing."""
    code, _ = windows.run("msiexec", "/i", windows_path(msis["1.0.0"]), "/qn")
    return _look(windows, collector, code)


@pytest.fixture(scope="module")
def removed_but_data(
    downgraded: Seen, signed: tuple[Path, Path], windows: Windows, collector: Collector
) -> Seen:
    """After an uninstallation that keeps the data."""
    code = windows.remove(signed[0], "KEEPDATA=1")
    return _look(windows, collector, code)


@pytest.fixture(scope="module")
def removed(removed_but_data: Seen, windows: Windows, collector: Collector, msis: dict[str, Path]) -> Seen:
    """After one more installation, without any setting, and an uninstallation that keeps nothing."""
    code = windows.install(msis["1.1.0"])
    assert (code, windows.service()) == (0, "RUNNING")
    return _look(windows, collector, windows.remove(msis["1.1.0"]))


def test_silent_installation_starts_the_service_and_its_report_arrives_over_tls(installed: Seen) -> None:
    assert (installed.code, installed.service, installed.products) == (0, "RUNNING", ["1.0.0"])
    assert len(installed.devices) == 1
    device = installed.devices[0]
    assert not str(device["name"]).endswith(str(device["id"])[:6]), "known by its host name"


def test_properties_become_settings_and_the_secret_is_gone_once_used(
    installed: Seen, collector: Collector
) -> None:
    assert installed.settings["SERVER"] == collector.url
    assert installed.settings["SEND_HOSTNAME"] == "1"
    assert collector.secret not in str(installed.settings)
    assert product.SECRET_FILE not in installed.data_files


def test_service_writes_only_what_an_uninstallation_names(installed: Seen) -> None:
    assert {"identity.json", "spool.sqlite", "last-report.json"} <= installed.data_files
    assert installed.data_files <= set(product.DATA_FILES)


def test_repair_brings_a_lost_file_back(repaired: Seen) -> None:
    assert (repaired.code, repaired.service) == (0, "RUNNING")
    assert any(name.startswith("Program Files/Parcimetre/Agent/lib.zip ") for name in repaired.files)


def test_signature_is_good_and_a_changed_byte_breaks_it(signed: tuple[Path, Path], tmp_path: Path) -> None:
    msi, certificate = signed
    verify = ["osslsigncode", "verify", "-CAfile", certificate, "-in"]
    good = subprocess.run([*verify, msi], capture_output=True, text=True, errors="replace", check=False)
    assert good.returncode == 0, good.stdout
    content = bytearray(msi.read_bytes())
    content[len(content) // 2] ^= 1
    changed = tmp_path / "changed.msi"
    changed.write_bytes(content)
    assert subprocess.run([*verify, changed], capture_output=True, check=False).returncode != 0


def test_msi_that_cannot_be_signed_is_not_kept(msis: dict[str, Path], tmp_path: Path) -> None:
    msi = Path(shutil.copy(msis["1.0.0"], tmp_path))
    with pytest.raises(SystemExit, match="could not be signed with"):
        signing.sign(msi, tmp_path / "absent.p12", None, None)
    assert not msi.exists()


def test_upgrade_keeps_settings_and_data_and_takes_the_new_setting(installed: Seen, upgraded: Seen) -> None:
    assert (upgraded.code, upgraded.service, upgraded.products) == (0, "RUNNING", ["1.1.0"])
    assert upgraded.settings == installed.settings | {"DISPLAYS": "none"}
    assert upgraded.identity == installed.identity
    assert len(upgraded.devices) == 1


def test_downgrade_is_refused_and_the_newer_version_runs_on(upgraded: Seen, downgraded: Seen) -> None:
    assert downgraded.code != 0
    assert (downgraded.service, downgraded.products) == ("RUNNING", ["1.1.0"])
    assert downgraded.settings == upgraded.settings


def test_keepdata_keeps_the_spool_and_the_identity_alone(removed_but_data: Seen, installed: Seen) -> None:
    assert (removed_but_data.code, removed_but_data.service, removed_but_data.products) == (0, "absent", [])
    assert {"identity.json", "spool.sqlite"} <= removed_but_data.data_files
    assert removed_but_data.identity == installed.identity
    assert [name for name in removed_but_data.files if name.startswith("Program Files/Parcimetre")] == []


def test_uninstallation_leaves_the_disk_and_the_registry_as_they_were(
    removed: Seen, windows: Windows
) -> None:
    assert (removed.code, removed.service, removed.products, removed.settings) == (0, "absent", [], {})
    assert removed.files == windows.before
    assert windows.run("reg", "query", r"HKLM\SOFTWARE\Parcimetre")[0] != 0
