"""RAPL by name, once each, and honest about permission."""

from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import Denied, Failed, NoData, Ok
from parcimetre_agent.metering.counters import Counter, grown_j
from parcimetre_agent.power import rapl_linux

POWERCAP = "sys/class/powercap"


def _read(machine: Path) -> dict[tuple[str, str], float]:
    outcome = rapl_linux.read(str(machine / POWERCAP))
    assert isinstance(outcome, Ok)
    return {(counter.scope, counter.zone): counter.energy_j for counter in outcome.value}


def test_laptop_has_package_and_platform_without_what_lies_inside_or_twice(laptop: Path) -> None:
    assert _read(laptop) == {("package", "package-0"): 84512.345678, ("platform", "psys"): 199000.0}


def test_every_socket_has_its_package_and_memory(rack_server: Path) -> None:
    assert sorted(_read(rack_server)) == [
        ("dram", "package-0/dram"),
        ("dram", "package-1/dram"),
        ("package", "package-0"),
        ("package", "package-1"),
    ]


def test_virtual_machine_has_no_data(virtual_machine: Path) -> None:
    assert isinstance(rapl_linux.read(str(virtual_machine / POWERCAP)), NoData)


def test_zones_keep_their_name_when_numbers_move(rack_server: Path) -> None:
    before = _read(rack_server)
    folder = rack_server / POWERCAP
    (folder / "intel-rapl:0").rename(folder / "intel-rapl:7")
    (folder / "intel-rapl:0:0").rename(folder / "intel-rapl:7:0")
    assert _read(rack_server) == before


def test_dies_that_mirror_their_socket_count_once(rack_server: Path) -> None:
    folder = rack_server / POWERCAP
    for zone, name in (("intel-rapl:0", "package-0-die-0"), ("intel-rapl:1", "package-0-die-1")):
        (folder / zone / "name").write_text(name)
        (folder / zone / "energy_uj").write_text("5000000000")
    assert [place for scope, place in _read(rack_server) if scope == "package"] == ["package-0-die-0"]


def test_wrap_range_is_read_per_zone(rack_server: Path) -> None:
    outcome = rapl_linux.read(str(rack_server / POWERCAP))
    assert isinstance(outcome, Ok)
    assert {counter.scope: counter.wrap_j for counter in outcome.value} == {
        "package": pytest.approx(262143.32885),
        "dram": pytest.approx(65712.999613),
    }


def test_root_only_counter_is_denied_with_its_grant(laptop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(root: str, zone: str, *_: str) -> None:
        raise PermissionError(13, "Permission denied", f"{root}/{zone}/energy_uj")

    monkeypatch.setattr(rapl_linux, "_counter", forbidden)
    outcome = rapl_linux.read(str(laptop / POWERCAP))
    assert isinstance(outcome, Denied)
    assert "docs/en/agent.md#rapl" in outcome.grant


def test_zone_that_vanishes_while_being_read_does_not_hide_the_others(laptop: Path) -> None:
    (laptop / POWERCAP / "intel-rapl:1" / "energy_uj").unlink()
    assert list(_read(laptop)) == [("package", "package-0")]


def test_zones_without_any_number_are_a_failure_not_an_absence(laptop: Path) -> None:
    for file in (laptop / POWERCAP).glob("*/energy_uj"):
        file.write_text("garbage")
    assert isinstance(rapl_linux.read(str(laptop / POWERCAP)), Failed)


def _at(machine: Path, energy_uj: int) -> Counter:
    (machine / POWERCAP / "intel-rapl:0" / "energy_uj").write_text(str(energy_uj))
    outcome = rapl_linux.read(str(machine / POWERCAP))
    assert isinstance(outcome, Ok)
    return next(one for one in outcome.value if one.scope == "package")


def test_wrapped_package_gives_the_true_energy_of_its_own_range(laptop: Path) -> None:
    range_uj = int((laptop / POWERCAP / "intel-rapl:0" / "max_energy_range_uj").read_text())
    before, after = _at(laptop, range_uj - 200_000_000), _at(laptop, 250_000_000)
    assert grown_j(before, after, 30.0) == pytest.approx(450.0)


def test_wrap_that_would_mean_a_hundred_kilowatts_is_refused(laptop: Path) -> None:
    range_uj = int((laptop / POWERCAP / "intel-rapl:0" / "max_energy_range_uj").read_text())
    fallen_uj = 50_000_000
    before, after = _at(laptop, fallen_uj * 2), _at(laptop, fallen_uj)
    assert (range_uj - fallen_uj) / 1e6 / 2.0 > 100_000
    assert grown_j(before, after, 2.0) is None
