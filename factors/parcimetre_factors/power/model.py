"""Power at the wall by load and state: models fitted to published measurements, in explained terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..activity import DECILES, Activity
from ..explanation.leaves import MINUS, factor_leaf
from ..explanation.term import Term, leaf, product, quotient, total
from ..hardware.description import Disk, Hardware, Printer
from ..hardware.processors import find_processor
from ..hardware.typical_host import host_share, typical_host
from ..tables.factor_set import FactorSet
from ..tables.result_cache import cached_per_factor_set
from ..uncertainty.amounts import Amount, amounts
from .calibration import calibrated, calibration_of
from .clients import NO_DISPLAY, awake, class_of, family_of, monitor_on, printer_mean
from .power_supply import at_half_load
from .printers import printer_watts
from .servers import Load, server_watts

PASSES_ON = ("pdu", "ups")
MEAN_ONLY = ("printer", "network", "tablet", "phone", "docking_station", "projector", "ip_phone", *PASSES_ON)
CURVE_LOADS = (0, 10, 50, 100)
MIDDLES = (5, 15, 25, 35, 45, 55, 65, 75, 85, 95)


@dataclass(frozen=True)
class PowerModel:
    """Watts of the whole device at the wall.

    `decile_w[i]` is the power awake with load in decile i, without its display; `display_w` what the
    built-in display adds while on. `errors` are the factors whose ranges are the model's own error at all
    loads alike; none where the terms carry an error each, which then follows the load.
    """

    evidence: str
    decile_w: tuple[Term, ...]
    display_w: Term
    asleep_w: Term
    off_w: Term
    errors: tuple[str, ...] = ()

    def amounts(self, watts: Term) -> list[Amount]:
        """Watts of one of its terms by the errors that they carry."""
        return [Amount(watts.value, self.errors)] if self.errors else amounts(watts)

    def energy_j(self, activity: Activity) -> NDArray[np.float64]:
        """Modelled energy of each slot (n,), in joules; time awake without a load counts as idle."""
        awake_s = activity.display_on_s + activity.display_off_s
        load_s = activity.load_deciles_s.copy()
        load_s[:, 0] += np.maximum(0.0, awake_s - load_s.sum(axis=1))
        energy: NDArray[np.float64] = (
            load_s @ np.array([term.value for term in self.decile_w])
            + activity.display_on_s * self.display_w.value
            + activity.asleep_s * self.asleep_w.value
            + activity.off_s * self.off_w.value
        )
        return energy

    def terms(self) -> Mapping[str, Term]:
        """Every term by name: decile0 to decile9, display, asleep, off."""
        deciles = {f"decile{i}": term for i, term in enumerate(self.decile_w)}
        return deciles | {"display": self.display_w, "asleep": self.asleep_w, "off": self.off_w}


PASSED_ON = leaf(
    "what it takes itself", 0.0, "W", "policy",
    note="What passes through it is the energy of what hangs there; its own losses count where measured.",
)  # fmt: skip
NOTHING_OF_ITS_OWN = PowerModel("passes_on", (PASSED_ON,) * DECILES, NO_DISPLAY, PASSED_ON, PASSED_ON)


def power_model(hardware: Hardware, factors: FactorSet) -> PowerModel:
    """The model of a device by its category; one that no model fits is taken for a desktop, widely."""
    if hardware.virtual or hardware.category == "virtual_machine":
        return _shared(hardware, factors)
    if hardware.category == "server":
        return _server(hardware, factors)
    if hardware.category == "monitor":
        return _monitor(hardware, factors)
    if hardware.category == "printer" and hardware.printer is not None:
        return _printer(hardware, hardware.printer, factors)
    if hardware.category in MEAN_ONLY:
        return _mean_only(hardware, factors)
    return _calibrated(hardware, factors)


def watts_at(load: int, hardware: Hardware, factors: FactorSet) -> Term:
    """Watts of the whole device at a processor load in percent, awake, its display on."""
    if hardware.category == "monitor":
        return monitor_on(hardware, factors).watts
    if hardware.category in MEAN_ONLY:
        return _mean_only(hardware, factors).decile_w[0]
    if hardware.category == "server":
        return _server_at(load, _server_ends(hardware, factors), factors, f"{load} %")
    idle, dynamic = awake(hardware, factors), _dynamic(load, _on_top(hardware, factors), factors)
    parts = (idle.dark_w, dynamic) if idle.display_w is NO_DISPLAY else (idle.dark_w, idle.display_w, dynamic)
    return total("awake", "W", parts, detail=f"{load} %")


def watts_amounts(watts: Term, hardware: Hardware, factors: FactorSet) -> list[Amount]:
    """Watts with the model's own error: a server's is of idle and of full load, any other's of the whole."""
    if hardware.category == "server":
        return amounts(watts)
    return [Amount(watts.value, _errors(hardware, factors))]


def _errors(hardware: Hardware, factors: FactorSet) -> tuple[str, ...]:
    """Errors of the whole of what is no server."""
    if hardware.category == "monitor":
        return monitor_on(hardware, factors).errors
    if hardware.category in MEAN_ONLY:
        return _mean_only(hardware, factors).errors
    return awake(hardware, factors).errors


def component_remainder(hardware: Hardware, factors: FactorSet) -> Term:
    """Watts at the wall, awake, beyond what the processor's own counters see: idle less the idle processor.

    The processor's part of idle is at the wall as well, with what the supply loses for it. Never negative.
    """
    label = "device beside its processor"
    if hardware.virtual or hardware.category in ("virtual_machine", "monitor", *MEAN_ONLY):
        return leaf(label, 0.0, "W", "policy", note="Not modelled by component.")
    server = hardware.category == "server"
    idle = _server_end("idle", hardware, factors) if server else awake(hardware, factors).dark_w
    tdp, efficiency = _on_top(hardware, factors)
    processor = product("idle processor", "W", (_curve_leaf(0, factors), tdp))
    at_the_wall = quotient("idle processor", "W", (processor, efficiency))
    seen = product("idle processor, which its counters see", "W", (MINUS, at_the_wall))
    rest = total(label, "W", (idle, seen))
    return (
        rest if rest.value > 0 else leaf(label, 0.0, "W", "modelled", note="The model leaves nothing over.")
    )


def client(hardware: Hardware, factors: FactorSet) -> PowerModel:
    """The model of an office computer, as no calibration changes it."""
    kind, on_top = class_of(hardware), _on_top(hardware, factors)
    family, idle = family_of(kind), awake(hardware, factors)
    deciles = tuple(
        total("awake", "W", (idle.dark_w, _dynamic(middle, on_top, factors)), detail=_decile_name(i))
        for i, middle in enumerate(MIDDLES)
    )
    return PowerModel(
        kind,
        deciles,
        idle.display_w,
        factor_leaf("asleep", f"power.{family}.asleep", factors),
        factor_leaf("off", f"power.{family}.off", factors),
        idle.errors,
    )


def _calibrated(hardware: Hardware, factors: FactorSet) -> PowerModel:
    """The same, with its watts awake brought to what its model was seen to take on battery, if it was."""
    model, by = client(hardware, factors), calibration_of(hardware, factors)
    if by is None:
        return model
    return PowerModel(
        model.evidence,
        tuple(calibrated(watts, by) for watts in model.decile_w),
        model.display_w if model.display_w is NO_DISPLAY else calibrated(model.display_w, by),
        model.asleep_w,
        model.off_w,
        (by.id,),
    )


def _monitor(hardware: Hardware, factors: FactorSet) -> PowerModel:
    """A monitor has no load: what it takes asleep at any, and the rest while its display is on."""
    on = monitor_on(hardware, factors)
    asleep = factor_leaf("asleep", "power.monitor.asleep", factors)
    display = total("display", "W", (on.watts, product("asleep", "W", (MINUS, asleep))))
    off = factor_leaf("off", "power.monitor.off", factors)
    return PowerModel("monitor", (asleep,) * DECILES, display, asleep, off, on.errors)


def _printer(hardware: Hardware, printer: Printer, factors: FactorSet) -> PowerModel:
    """A printer is ready while awake; a second at the highest load stands for one impression."""
    watts = printer_watts(hardware, printer, factors)
    deciles = (watts.ready_w,) * (DECILES - 1) + (watts.printing_w,)
    return PowerModel("printer_states", deciles, NO_DISPLAY, watts.asleep_w, watts.off_w, watts.errors)


def _server(hardware: Hardware, factors: FactorSet) -> PowerModel:
    ends = _server_ends(hardware, factors)
    deciles = tuple(_server_at(middle, ends, factors, _decile_name(i)) for i, middle in enumerate(MIDDLES))
    return PowerModel(
        "server", deciles, NO_DISPLAY, factor_leaf("asleep", "power.server.asleep", factors),
        factor_leaf("off", "power.server.off", factors),
    )  # fmt: skip


def _server_ends(hardware: Hardware, factors: FactorSet) -> tuple[Term, Term]:
    """Idle and full load by regression on SPECpower.

    At the edge of the fitted servers (old, with very much memory) the two cross: full load is then idle.
    """
    idle, full = _server_end("idle", hardware, factors), _server_end("full", hardware, factors)
    return idle, max(full, idle, key=lambda watts: watts.value)


def _server_at(load: int, ends: tuple[Term, Term], factors: FactorSet, detail: str) -> Term:
    """Between idle and full load, the shape of the processor's curve."""
    (idle, full), (of_idle, of_full) = ends, _weights(load, factors)
    parts = product(idle.label, "W", (idle, of_idle)), product(full.label, "W", (full, of_full))
    return total("awake", "W", parts, detail=detail)


def _server_end(load: Load, hardware: Hardware, factors: FactorSet) -> Term:
    """Watts at one end of the load: the fitted server, which holds one disk, and the disks beyond that."""
    fitted = server_watts(load, hardware, factors)
    disks = tuple(_further_disks(hardware.disks, factors))
    return total(fitted.label, "W", (fitted, *disks)) if disks else fitted


def _further_disks(disks: tuple[Disk, ...], factors: FactorSet) -> Iterator[Term]:
    """Watts of all disks but the first."""
    fitted = 1
    for disk in disks:
        units, fitted = max(0, disk.units - fitted), max(0, fitted - disk.units)
        if units:
            watts = factor_leaf("disk", f"power.disk.{disk.kind}", factors)
            yield product(
                "disks beyond the first", "W", (leaf("units", float(units), "1", "measured"), watts)
            )


def _shared(hardware: Hardware, factors: FactorSet) -> PowerModel:
    """The typical host's power at the virtual machine's own load, times its share."""
    host, share = _server(typical_host(factors), factors), host_share(hardware, factors)

    def part(term: Term) -> Term:
        """The share of one of the host's powers."""
        return product(term.label, "W", (term, share), detail=term.detail, tier="estimate")

    nothing = leaf("off", 0.0, "W", "policy", note="A virtual machine that does not run takes nothing.")
    return PowerModel(
        "host_share", tuple(part(term) for term in host.decile_w), NO_DISPLAY, nothing, nothing,
        ("share.error",),
    )  # fmt: skip


def _mean_only(hardware: Hardware, factors: FactorSet) -> PowerModel:
    """The year's mean power in every state: the sources know no more of these categories."""
    if hardware.category in PASSES_ON:
        return NOTHING_OF_ITS_OWN
    stated = printer_mean(hardware, factors)
    name = f"power.{hardware.category}.mean"
    mean = factor_leaf("mean of the year", name, factors) if stated is None else stated.watts
    errors = (name,) if stated is None else stated.errors
    return PowerModel(hardware.category, (mean,) * DECILES, NO_DISPLAY, mean, mean, errors)


def _dynamic(load: int, on_top: tuple[Term, Term], factors: FactorSet) -> Term:
    """What the processor adds to idle at a load in percent, at the wall."""
    share = _curve(load, factors) - _curve(0, factors)
    at_load = leaf(
        "share of TDP above idle", share, "1", "modelled", detail=f"{load} %", factor=None,
        note="Between the points of power.curve.0, .10, .50 and .100.",
    )  # fmt: skip
    tdp, efficiency = on_top
    processor = product("processor at load", "W", (tdp, at_load))
    return quotient(processor.label, "W", (processor, efficiency))


def _on_top(hardware: Hardware, factors: FactorSet) -> tuple[Term, Term]:
    """TDP of the processors, and the efficiency of the supply for what comes on top of idle."""
    return _tdp(hardware, factors), at_half_load(hardware, factors)


def _tdp(hardware: Hardware, factors: FactorSet) -> Term:
    """Thermal design power of the processors together, in watts."""
    category = "server" if hardware.category == "server" else family_of(class_of(hardware))
    cpu = hardware.cpus[0] if hardware.cpus else None
    facts = find_processor(cpu.model, factors) if cpu else None
    units = leaf("processors", float(cpu.units if cpu else 1), "1", "measured")
    if facts is not None and facts.tdp_w is not None:
        one = leaf("TDP", facts.tdp_w, "W", "given", detail=f"{facts.name}, {facts.source_url}", tier="model")
    else:
        one = factor_leaf("TDP", f"power.{category}.tdp", factors)
    return product("TDP of all processors", "W", (units, one))


def _curve_leaf(load: int, factors: FactorSet) -> Term:
    return factor_leaf("share of TDP", f"power.curve.{load}", factors, detail=f"{load} %")


@cached_per_factor_set
def _curve(load: int, factors: FactorSet) -> float:
    """Processor power as a share of TDP at a load in percent, straight between the published points."""
    points = [factors.get(f"power.curve.{at}").value for at in CURVE_LOADS]
    return float(np.interp(load, CURVE_LOADS, points))


@cached_per_factor_set
def _weights(load: int, factors: FactorSet) -> tuple[Term, Term]:
    """Weights of idle and of full load, by how far between the two a device stands."""
    idle, full = _curve(0, factors), _curve(100, factors)
    shape = (_curve(load, factors) - idle) / (full - idle)
    return _weight(1 - shape), _weight(shape)


def _weight(share: float) -> Term:
    return leaf("weight by the load curve", share, "1", "modelled",
                note="Between the points of power.curve.0, .10, .50 and .100.")  # fmt: skip


def _decile_name(i: int) -> str:
    return f"{10 * i}–{10 * i + 10} %"
