"""What is not believed is no figure, and the collector hears why."""

from pathlib import Path
from types import ModuleType
from typing import Any

from parcimetre_agent.base.outcome import Failed, NoData, Ok, Outcome
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.machine.clock import Instant
from parcimetre_agent.metering.counters import Counter, CounterWatch
from parcimetre_agent.recording.sampling import Sampler
from parcimetre_agent.recording.spool_opening import open_spool
from parcimetre_agent.sending.courier import Courier
from parcimetre_agent.sensors.machine import Machine


class Meter(ModuleType):
    """A power source whose next answers the test decides."""

    def __init__(self, *answers: Outcome[list[Counter]]) -> None:
        super().__init__("meter")
        self.answers = list(answers)

    def read(self) -> Outcome[list[Counter]]:
        return self.answers.pop(0)


def _joules(energy_j: float) -> Outcome[list[Counter]]:
    return Ok([Counter("meter", "package", "measured", "cpu", energy_j, 0.0, 100.0)])


def _sampler(*answers: Outcome[list[Counter]]) -> Sampler:
    sampler = Sampler()
    sampler._sources = [("power.meter", Meter(*answers))]
    sampler._watches = {"power.meter": CounterWatch()}
    return sampler


def _at(seconds: float) -> Instant:
    return Instant(1_800_000_000.0 + seconds, seconds, seconds, "a")


def test_source_that_lies_has_failed_until_it_tells_the_truth_again() -> None:
    sampler = _sampler(_joules(500.0), _joules(100.0), _joules(200.0))
    seen = [sampler.sample(_at(30.0 * n)).doubts for n in range(3)]
    assert seen == [(), (("power.meter", "cpu ran backwards"),), ()]
    assert isinstance(sampler.outcomes["power.meter"], Ok)


def test_source_that_fails_by_itself_is_doubted_and_one_without_data_is_not() -> None:
    sampler = _sampler(Failed("invalid channels"), NoData("on mains"))
    assert sampler.sample(_at(0.0)).doubts == (("power.meter", "invalid channels"),)
    assert sampler.sample(_at(30.0)).doubts == ()


def test_what_the_resident_doubts_is_in_the_couriers_inventory(
    tmp_path: Path, laptop: Path, collector: Any
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    settings = Settings(server=collector.url, secret_file=str(secret), data_dir=str(tmp_path / "data"))
    open_spool(settings.data_dir).remember(doubts=(("power.emi", "RAPL_Package0_PKG did not change"),))
    Courier(settings, Machine(laptop)).deliver()
    (report,) = collector.bodies("/v1/reports")
    told = {one["sensor"]: one for one in report["inventory"]["outcomes"]}
    assert told["power.emi"] == {
        "sensor": "power.emi", "state": "failed", "detail": "RAPL_Package0_PKG did not change",
    }  # fmt: skip
