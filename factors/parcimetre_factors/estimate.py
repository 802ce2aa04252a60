"""Impact and power of hardware that is in no fleet, as a buyer describes it: one answer a request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .criteria import UNITS, Criterion
from .embodied.boavizta import DEFAULT, HOUSEHOLD, archetypes, embodied_as_boavizta
from .embodied.category_averages import ByStage
from .embodied.evidence import Embodied, embodied
from .embodied.graphics_boards import find_board
from .grid.intensity import latest_year, zones
from .hardware.description import Cpu, Disk, Gpu, Hardware, Memory, PowerSupply
from .power.model import watts_amounts, watts_at
from .tables.factor_set import FactorSet
from .uncertainty.amounts import Amount, amounts
from .uncertainty.monte_carlo import interval

LOADS = (0, 10, 50, 100)
CLASSES = {
    "server": "server", "desktop": "desktop", "workstation": "desktop", "laptop": "laptop",
    "mini_pc": "mini_pc", "all_in_one": "all_in_one", "monitor": "monitor", "printer": "printer",
    "network": "network", "tablet": "tablet", "phone": "phone", "smartphone": "phone",
    "thin_client": "mini_pc", "docking_station": "docking_station", "projector": "projector",
    "ip_phone": "ip_phone",
}  # fmt: skip
CLIENT_KINDS = frozenset({"workstation", "thin_client"})
BOAVIZTA = "boavizta"
MENDS = {
    "model_type": 'give an object, such as {"model": "Core i5-1145G7"} for a processor',
    "extra_forbidden": "unknown key; see docs/en/estimate.md",
}
Answer = dict[str, Any]
Units = Annotated[int, Field(ge=1, le=10_000)]
Size = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]
Inch = Annotated[float, Field(ge=1, le=200, allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0, le=5_000, allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        """A key that is null is not stated."""
        return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given


class CpuRequest(_Part):
    """Processors of one model; cores and die area are per processor and per core."""

    model: Name | None = None
    units: Units = 1
    cores: Units | None = None
    die_mm2_per_core: Size | None = None


class MemoryRequest(_Part):
    """Memory modules of one size."""

    gb: Size
    units: Units = 1
    maker: Name | None = None
    density: Size | None = None


class DiskRequest(_Part):
    """Disks of one kind and size."""

    kind: Literal["ssd", "hdd"]
    gb: Size
    units: Units = 1
    maker: Name | None = None
    density: Size | None = None


class GpuRequest(_Part):
    """Graphics boards of one model."""

    model: Name | None = None
    units: Units = 1


class PowerSupplyRequest(_Part):
    """Power supplies and the mass of each."""

    units: Units = 2
    kg: Size = 2.99


class EstimateRequest(_Part):
    """Hardware as a buyer knows it; only its class is needed."""

    class_: str = Field(alias="class")
    maker: Name | None = None
    model: Name | None = None
    year: int | None = Field(None, ge=1980, le=2100)
    cpu: CpuRequest | None = None
    ram: list[MemoryRequest] = Field([], max_length=64)
    disks: list[DiskRequest] = Field([], max_length=64)
    gpu: GpuRequest | None = None
    psu: PowerSupplyRequest | None = None
    case: Literal["rack", "blade", "tower"] = "rack"
    screen_inch: Inch | None = None
    weight_kg: Weight | None = None
    zone: str | None = Field(None, max_length=10)
    life_years: Annotated[float, Field(gt=0, le=100)] | None = None
    method: Literal["default", "boavizta"] = "default"
    archetype: Name | None = None
    use: Literal["professional", "household"] | None = None


def estimate(request: object, factors: FactorSet) -> Answer:
    """The answer to one request (the keys of EstimateRequest), or what is wrong with it as `error`.

    Embodied impact by criterion in all stages together, None where no factor knows the criterion, and watts
    at four processor loads; each with its 95 % interval.
    """
    if not isinstance(request, dict):
        return {"error": 'request: a JSON object is needed, such as {"class": "laptop"}'}
    try:
        asked = EstimateRequest.model_validate(request)
    except ValidationError as error:
        return {"error": _sentence(error)}
    if asked.class_ not in CLASSES:
        return {"error": f"class: unknown value {asked.class_!r}. Give one of: {', '.join(CLASSES)}"}
    if asked.zone is not None and asked.zone not in zones(factors):
        return {"error": f"zone: {asked.zone!r} has no factor; give one of {', '.join(zones(factors))}"}
    if (wrong := _of_the_other_method(asked, factors)) is not None:
        return {"error": wrong}
    return _answer(asked, hardware_of(asked), factors)


def _of_the_other_method(asked: EstimateRequest, factors: FactorSet) -> str | None:
    """What is wrong with the keys that BoaviztAPI's method alone knows, None if nothing is."""
    if asked.archetype is None and asked.use is None:
        return None
    key = "use" if asked.archetype is None else "archetype"
    if asked.method != BOAVIZTA:
        return f'{key}: only available with BoaviztAPI\'s method; give "method": "boavizta" or omit it'
    if asked.archetype is not None and asked.archetype not in archetypes(factors):
        known = ", ".join(archetypes(factors))
        return f"archetype: unknown value {asked.archetype!r}. Give one of: {known}"
    return None


def hardware_of(asked: EstimateRequest) -> Hardware:
    """What the engine needs to know of it."""
    return Hardware(
        CLASSES[asked.class_], asked.maker, asked.model, asked.year,
        cpus=(_cpu(asked.cpu),) if asked.cpu else (),
        memory=tuple(Memory(m.gb, m.units, m.maker, m.density) for m in asked.ram),
        disks=tuple(Disk(d.kind, d.gb, d.units, d.maker, d.density) for d in asked.disks),
        gpus=(Gpu(asked.gpu.model, asked.gpu.units),) if asked.gpu else (),
        screen_inch=asked.screen_inch, case=asked.case, weight_kg=asked.weight_kg, kind=_kind(asked),
        power_supplies=PowerSupply(asked.psu.units, asked.psu.kg) if asked.psu else None,
    )  # fmt: skip


def _kind(asked: EstimateRequest) -> str | None:
    """The class within the category that the request names."""
    if asked.use == HOUSEHOLD:
        return HOUSEHOLD
    return asked.class_ if asked.class_ in CLIENT_KINDS else None


def _cpu(cpu: CpuRequest) -> Cpu:
    die_mm2 = cpu.cores * cpu.die_mm2_per_core if cpu.cores and cpu.die_mm2_per_core else None
    return Cpu(cpu.model, cpu.units, cpu.cores, None, die_mm2)


def _answer(asked: EstimateRequest, hardware: Hardware, factors: FactorSet) -> Answer:
    found = embodied(hardware, factors)
    by_stage, evidence, note = found.by_stage, str(found.evidence), found.note
    if asked.method == BOAVIZTA:
        by_stage = embodied_as_boavizta(hardware, factors, asked.archetype or DEFAULT)
        evidence = "components" if hardware.category == "server" else "category"
        note = "By the method and defaults of BoaviztAPI 2.5.0; the watts are ours."
    watts = {str(load): list(_watts(load, hardware, factors)) for load in LOADS}
    answer: Answer = {
        "embodied": {str(criterion): _impact(criterion, by_stage, factors) for criterion in Criterion},
        "components": _components(by_stage),
        "life_years": asked.life_years or found.life_years.value,
        "power_w": {load: _within(parts, factors) for load, parts in watts.items()},
        "evidence": {"embodied": evidence, "note": note, "method": asked.method},
        "factor_set": factors.id,
    }
    if asked.method != BOAVIZTA:
        answer["evidence"] |= _choice(found)
    unknown = [gpu.model or "?" for gpu in hardware.gpus if find_board(gpu.model, factors) is None]
    if unknown and asked.method == "default":
        answer["left_out"] = [f"graphics board {name}: not in the table" for name in unknown]
    if asked.zone is not None:
        answer["use_g_per_hour"] = _use(asked.zone, watts, factors)
    return answer


def _choice(found: Embodied) -> Answer:
    """Which class or category the average is of, and what was not chosen, with the reason."""
    others = [
        {"embodied": other.evidence, "gwp": other.gwp_kgco2e, "why_not": other.why_not}
        for other in found.alternatives
    ]
    return ({"class": found.name} if found.name else {}) | {"not_chosen": others}


def _impact(criterion: Criterion, by_stage: ByStage, factors: FactorSet) -> Answer | None:
    """All embodied stages of a criterion together, None where nothing knows it."""
    terms = [term for (of, _), term in by_stage.items() if of == criterion]
    if not terms:
        return None
    parts = [part for term in terms for part in amounts(term)]
    return {**_within(parts, factors), "unit": UNITS[criterion]}


def _components(by_stage: ByStage) -> dict[str, dict[str, float]]:
    """Impact of each component by criterion, stages together."""
    found: dict[str, dict[str, float]] = {}
    for (criterion, _), term in by_stage.items():
        for part in term.inputs:
            of = found.setdefault(part.label, {})
            of[str(criterion)] = of.get(str(criterion), 0.0) + part.value
    return found


def _watts(load: int, hardware: Hardware, factors: FactorSet) -> Iterable[Amount]:
    """Watts at a load, by the errors they carry."""
    return watts_amounts(watts_at(load, hardware, factors), hardware, factors)


def _use(zone: str, watts: Mapping[str, list[Amount]], factors: FactorSet) -> Answer:
    """Grams of CO2 eq an hour at each load, with the zone's latest yearly factor and its losses."""
    kg_per_kwh, errors = latest_year(zone, factors)
    hour = {
        load: [Amount(part.value * kg_per_kwh, (*part.errors, *errors)) for part in parts]
        for load, parts in watts.items()
    }
    return {
        "zone": zone,
        "factors": list(errors),
        **{load: _within(parts, factors) for load, parts in hour.items()},
    }


def _within(parts: list[Amount], factors: FactorSet) -> Answer:
    """The sum of parts, with its 95 % interval."""
    low, high = interval(parts, factors)
    return {"value": math.fsum(part.value for part in parts), "low": low, "high": high}


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "request"
    return f"{where}: {MENDS.get(first['type'], first['msg'])}"
