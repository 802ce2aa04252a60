"""A virtual machine's share of a typical host."""

import pytest
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.explanation.term import recompute, walk
from parcimetre_factors.hardware.description import Cpu, Hardware, Memory
from parcimetre_factors.hardware.typical_host import host_share, typical_host
from parcimetre_factors.power.model import power_model
from parcimetre_factors.uncertainty.amounts import amounts

MADE = Criterion.GWP, Stage.MANUFACTURING


def guest(threads, gb):
    """A virtual machine."""
    return Hardware(
        "virtual_machine", cpus=(Cpu(None, 1, None, threads),), memory=(Memory(gb),), virtual=True
    )  # fmt: skip


def test_the_typical_host_has_96_threads_and_256_gb(factors):
    host = typical_host(factors)
    assert sum(cpu.units * (cpu.threads or 0) for cpu in host.cpus) == 96
    assert sum(module.units * module.gb for module in host.memory) == 256


@pytest.mark.parametrize(
    ("threads", "gb", "share"),
    [(4, 8, 8 / 192), (2, 64, 64 / 256), (96, 1, 1.0), (400, 4096, 1.0), (1, 0, 1 / 96)],
    ids=["by threads", "by memory", "whole host", "never more than a host", "memory not known"],
)
def test_the_share_is_the_greater_of_threads_and_memory(factors, threads, gb, share):
    assert host_share(guest(threads, gb), factors).value == pytest.approx(share)


def test_a_machine_that_states_nothing_has_one_thread(factors):
    assert host_share(Hardware("virtual_machine", virtual=True), factors).value == pytest.approx(1 / 96)


def test_impact_is_the_share_of_the_host_s_component_by_component(factors):
    host, ours = embodied(typical_host(factors), factors), embodied(guest(24, 8), factors)
    assert ours.evidence == "host_share"
    assert [part.label for part in ours.by_stage[MADE].inputs] == [
        part.label for part in host.by_stage[MADE].inputs
    ]
    for key, term in ours.by_stage.items():
        assert term.value == pytest.approx(host.by_stage[key].value / 4)
        assert recompute(term) == term.value


def test_power_is_the_share_of_the_host_s(factors):
    host, ours = power_model(typical_host(factors), factors), power_model(guest(24, 8), factors)
    assert [term.value for term in ours.decile_w] == pytest.approx([term.value / 4 for term in host.decile_w])
    assert ours.off_w.value == ours.asleep_w.value == 0


def test_guests_that_fill_the_host_carry_all_of_it(factors):
    whole = embodied(typical_host(factors), factors).by_stage[MADE].value
    four = [embodied(guest(24, 64), factors).by_stage[MADE].value for _ in range(4)]
    assert sum(four) == pytest.approx(whole)


def test_the_estimate_says_it_is_one_and_carries_its_own_error(factors):
    found = embodied(guest(2, 4), factors)
    assert "typical host" in found.note
    assert all("share.error" in amount.errors for amount in amounts(found.by_stage[MADE]))
    assert any(term.tier == "estimate" for term in walk(found.by_stage[MADE]))
