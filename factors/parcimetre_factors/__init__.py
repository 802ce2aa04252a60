"""Factors with provenance, and the engine that turns hardware and activity into explained impacts."""

from .activity import Activity, MeasuredEnergy
from .criteria import Criterion, Stage
from .embodied import Embodied, embodied
from .explain import Term, recompute
from .factor import Factor, FactorSet, Source, load_factor_set
from .grid import intensity, intensity_term, zones
from .hardware import Cpu, Disk, Gpu, Hardware, Memory
from .power import PowerModel, component_remainder, power_model
from .uncertainty import Amount, amounts, interval

__all__ = [
    "Activity",
    "Amount",
    "Cpu",
    "Criterion",
    "Disk",
    "Embodied",
    "Factor",
    "FactorSet",
    "Gpu",
    "Hardware",
    "MeasuredEnergy",
    "Memory",
    "PowerModel",
    "Source",
    "Stage",
    "Term",
    "amounts",
    "component_remainder",
    "embodied",
    "intensity",
    "intensity_term",
    "interval",
    "load_factor_set",
    "power_model",
    "recompute",
    "zones",
]
