"""`parcimetre-agent gateway`, as it is typed."""

import json
import subprocess
import sys

import pytest
from parcimetre_agent.cli import main
from parcimetre_agent.gateway.discovery import discover

from tests.agent.certificates import certificate

from . import bmcs
from .conftest import CISCO, HP, INLET_PDU, PDU, UPS


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Wait ten seconds for an answer: the simulator shares the processor with every other test."""
    monkeypatch.setattr(
        "parcimetre_agent.commands.gateway.discover",
        lambda targets, concurrency, _: discover(targets, concurrency, 10),
    )


@pytest.fixture
def credentials(tmp_path):
    """A file of credentials with one printer's community."""
    file = tmp_path / "snmp.toml"
    file.write_text(f'[hp]\ncommunity = "{HP}"\n')
    file.chmod(0o600)
    return file


def test_discover_says_what_it_would_add_and_keeps_nothing(simulator, credentials, capsys, tmp_path):
    asked = ["--range", "127.0.0.1-2", "--port", str(simulator), "--data-dir", str(tmp_path / "d")]
    line = ["gateway", "discover", *asked, "--credentials-file", str(credentials), "--credentials", "hp"]
    assert main(line) == 0
    told = capsys.readouterr().out
    assert f"127.0.0.1 port {simulator}: HP LaserJet Pro M404dn, 48211 impressions, laser, duplex" in told
    assert "2 devices at 2 addresses" in told
    assert not (tmp_path / "d").exists()
    assert main([*line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["impressions"] == 48_211


def test_discover_says_of_a_network_device_whether_it_states_its_power(simulator, tmp_path, capsys):
    file = tmp_path / "snmp.toml"
    file.write_text(f'[switch]\ncommunity = "{CISCO}"\n')
    file.chmod(0o600)
    line = ["gateway", "discover", "--range", "127.0.0.1", "--port", str(simulator)]
    line += ["--credentials-file", str(file), "--credentials", "switch"]
    assert main(line) == 0
    assert "Cisco C9200L-24P-4G, states its power, 4 PoE ports metered" in capsys.readouterr().out
    assert main([*line, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["category"], told["states_power"], told["poe"]) == ("network", True, True)


@pytest.mark.parametrize(
    ("name", "line", "outlets"),
    [
        (PDU, "Raritan PX3-5190R, PDU, 4 outlets metered, inlet metered", 4),
        (INLET_PDU, "APC AP8853, PDU, inlet metered, no outlets", 1),
        (UPS, "Riello Sentinel Pro 3000, UPS, output and inlet metered, no outlets, no serial number", 1),
    ],
)
def test_discover_says_of_a_power_unit_what_it_meters(name, line, outlets, simulator, tmp_path, capsys):
    file = tmp_path / "snmp.toml"
    file.write_text(f'[unit]\ncommunity = "{name}"\n')
    file.chmod(0o600)
    asked = ["gateway", "discover", "--range", "127.0.0.1", "--port", str(simulator)]
    asked += ["--credentials-file", str(file), "--credentials", "unit"]
    assert main(asked) == 0
    assert line in capsys.readouterr().out
    assert main([*asked, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert len(told["outlets_metered"]) == outlets


def test_a_configuration_without_printers_is_refused_in_a_sentence(tmp_path, capsys):
    file = tmp_path / "gateway.toml"
    file.write_text("")
    assert main(["gateway", "discover", "--gateway-file", str(file)]) == 2
    assert "names no printers" in capsys.readouterr().err
    assert main(["gateway", "run", "--server", "http://127.0.0.1:9", "--gateway-file", str(file)]) == 2


def test_the_loop_loads_nothing_that_a_round_needs():
    code = "import sys, parcimetre_agent.gateway.loop; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"puresnmp", "asyncio", "httpx", "sqlite3", "dataclasses"} & set(loaded)


def test_discover_says_which_servers_are_behind_the_bmcs_and_what_certificate_is_not_trusted(
    tmp_path, capsys
):
    credentials, file = tmp_path / "credentials.toml", tmp_path / "gateway.toml"
    credentials.write_text('[bmc]\nuser = "reader"\npassword = "pass word"\n')
    credentials.chmod(0o600)
    made, key = certificate(tmp_path)
    with bmcs.played(bmcs.recorded(bmcs.DELL), made, key) as dell, bmcs.played({}, made, key) as strange:
        group = '[[servers]]\nhosts = ["127.0.0.1"]\ncredentials = "bmc"\n'
        file.write_text(
            f'credentials_file = "{credentials}"\n{group}port = {dell.port}\nca_file = "{made}"\n'
            f"{group}port = {strange.port}\n"
        )
        line = ["gateway", "discover", "--gateway-file", str(file)]
        assert main(line) == 0
        told = capsys.readouterr().out
        assert f"BMC 127.0.0.1 port {dell.port}: Dell Inc. PowerEdge R750, states its energy" in told
        assert f"it shows {dell.fingerprint}" in told
        assert "1 devices at 2 addresses; nothing was stored" in told
        assert main([*line, "--json"]) == 0
        (one,) = json.loads(capsys.readouterr().out)
        assert (one["category"], one["has_serial"], one["states_energy"]) == ("server", True, True)
        assert strange.asked == []
