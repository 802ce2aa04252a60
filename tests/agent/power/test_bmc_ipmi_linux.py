"""ipmitool's answers, by a stand-in command that prints them."""

import os
from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import Denied, Failed, NoData, Ok
from parcimetre_agent.metering.rare_readings import MeanPower
from parcimetre_agent.power import bmc_ipmi_linux

READING = """
    Instantaneous power reading:                   144 Watts
    Minimum during sampling period:                 66 Watts
    Maximum during sampling period:                206 Watts
    Average power reading over sample period:      148 Watts
    IPMI timestamp:                           Sat Oct 23 08:25:52 2021
    Sampling period:                          {period}
    Power reading state is:                   activated
"""


@pytest.fixture
def device(tmp_path: Path) -> Path:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "ipmi0").touch()
    return tmp_path / "dev"


def _command(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    file = folder / "ipmitool"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    monkeypatch.setattr(bmc_ipmi_linux, "COMMAND", str(file))


@pytest.mark.parametrize(
    ("period", "window_s"),
    [
        ("00000001 Seconds.", 1.0),
        ("00010000 Milliseconds", 10.0),
        ("00000005 Minutes.", 300.0),
        ("01987338 Seconds.", 1_987_338.0),
    ],
)
def test_reading_states_mean_and_window(period: str, window_s: float) -> None:
    mean = bmc_ipmi_linux.parse(READING.format(period=period))
    assert mean == MeanPower("bmc_ipmi", "wall_ac", "measured", 148.0, window_s, 20_000.0)


@pytest.mark.parametrize("text", ["", "DCMI request failed", READING.format(period="soon")])
def test_what_is_no_reading_is_none(text: str) -> None:
    assert bmc_ipmi_linux.parse(text) is None


def test_mean_of_the_last_quarter_hour_is_asked_for_first(
    tmp_path: Path, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = READING.format(period="00000015 Minutes.")
    _command(tmp_path, monkeypatch, f"[ \"$4\" = 15_min ] && cat <<'END'\n{text}\nEND")
    outcome = bmc_ipmi_linux.read(str(device))
    assert isinstance(outcome, Ok)
    assert [one.window_s for one in outcome.value] == [900.0]


def test_mean_over_a_second_is_a_sample_and_refused(
    tmp_path: Path, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _command(tmp_path, monkeypatch, f"cat <<'END'\n{READING.format(period='00000001 Seconds.')}\nEND")
    outcome = bmc_ipmi_linux.read(str(device))
    assert isinstance(outcome, NoData)
    assert "1 s" in outcome.reason


def test_bmc_that_does_not_answer_fails_within_the_limit(
    tmp_path: Path, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bmc_ipmi_linux, "LIMIT_S", 0.2)
    _command(tmp_path, monkeypatch, "exec sleep 20")
    assert isinstance(bmc_ipmi_linux.read(str(device)), Failed)


def test_without_ipmitool_the_grant_says_to_install_it(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmc_ipmi_linux, "COMMAND", "/nowhere/ipmitool")
    outcome = bmc_ipmi_linux.read(str(device))
    assert isinstance(outcome, Denied)
    assert "install ipmitool" in outcome.grant


def test_device_of_root_alone_is_denied_with_its_grant(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    outcome = bmc_ipmi_linux.read(str(device))
    assert isinstance(outcome, Denied)
    assert "docs/en/agent.md#ipmi" in outcome.grant
