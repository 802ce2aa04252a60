"""net-snmp's own daemon, which answers as the standard says: v1, v2c, and v3 signed and encrypted."""

import asyncio
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from parcimetre_agent.gateway.configuration import SnmpTarget
from parcimetre_agent.gateway.credentials import Credential
from parcimetre_agent.gateway.discovery import discover
from parcimetre_agent.gateway.snmp import NoAnswer, SnmpSession

SNMPD = shutil.which("snmpd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(SNMPD is None, reason="net-snmp's snmpd is not installed")
USER = {"user": "gate", "auth_key": "signed-12345", "privacy_key": "sealed-12345"}
CONFIGURATION = """
createUser gate SHA signed-12345 AES sealed-12345
createUser old MD5 signed-12345 DES sealed-12345
rouser gate priv
rouser old priv
rocommunity public
sysName gate-test
override 1.3.6.1.2.1.1.2.0 object_id 1.3.6.1.4.1.641.6.2.3.11
override 1.3.6.1.2.1.43.5.1.1.17.1 octet_str "70151234X"
override 1.3.6.1.2.1.43.10.2.1.4.1.1 counter 4711
"""


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    """The UDP port of an snmpd that claims to be a printer."""
    folder = tmp_path_factory.mktemp("snmpd")
    (folder / "snmpd.conf").write_text(CONFIGURATION)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = [SNMPD, "-f", "-C", "-c", folder / "snmpd.conf", "-Lf", folder / "log", f"udp:127.0.0.1:{port}"]
    process = subprocess.Popen(line, env={"SNMP_PERSISTENT_DIR": str(folder)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while "NET-SNMP version" not in (folder / "log").read_text() if (folder / "log").exists() else True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield port
    process.terminate()
    process.wait(10)


@pytest.mark.parametrize(
    "credential",
    [
        Credential("1", "public"),
        Credential("2c", "public"),
        Credential("3", auth="sha", privacy="aes", **USER),
        Credential("3", auth="md5", privacy="des", **{**USER, "user": "old"}),
    ],
    ids=["v1", "v2c", "v3-sha-aes", "v3-md5-des"],
)
def test_a_real_agent_is_read_in_every_version(peer, credential):
    (found,) = asyncio.run(discover([SnmpTarget("127.0.0.1", peer, credential, None)], 1, 5))
    assert found.known is not None, found.why
    assert (found.known.maker, found.known.name, found.impressions) == ("Lexmark", "gate-test", 4711)


@pytest.mark.parametrize(
    "credential",
    [
        Credential("2c", "guessed"),
        Credential("3", auth="sha", privacy="aes", **{**USER, "privacy_key": "guessed-1"}),
    ],
    ids=["community", "key"],
)
def test_other_credentials_find_nothing_and_are_not_told(peer, credential, capsys):
    (found,) = asyncio.run(discover([SnmpTarget("127.0.0.1", peer, credential, None)], 1, 1))
    assert found.known is None
    assert "guessed" not in found.why + "".join(capsys.readouterr())


def test_a_walk_of_a_real_agent_ends(peer):
    async def walk():
        return await SnmpSession(SnmpTarget("127.0.0.1", peer, Credential("2c", "public"), None), 5, 0).walk(
            "1.3.6.1.2.1.1"
        )

    found = asyncio.run(walk())
    assert found["5.0"] == b"gate-test"
    assert Path(found["1.0"].decode()).name


def test_nobody_there_is_silence():
    async def ask():
        await SnmpSession(SnmpTarget("127.0.0.1", 9, Credential("2c", "public"), None), 1, 0).get(
            ["1.3.6.1.2.1.1.1.0"]
        )

    with pytest.raises(NoAnswer):
        asyncio.run(ask())
