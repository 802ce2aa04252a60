"""Factors with provenance, and the engine that turns hardware and activity into explained impacts."""

from .activity import Activity, MeasuredEnergy
from .criteria import Criterion, Stage
from .embodied.evidence import Embodied, embodied
from .explanation.term import Term, recompute
from .grid.intensity import intensity, intensity_term, zones
from .hardware.description import Cpu, Disk, Gpu, Hardware, Memory
from .power.model import PowerModel, component_remainder, power_model
from .tables.factor_set import Factor, FactorSet, Source, load_factor_set
from .uncertainty.amounts import Amount, amounts
from .uncertainty.monte_carlo import interval

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
