"""The wire format: reports of an agent, and the answers of the collector.

Standard dataclasses, so that a fleet machine needs no validation library; the collector validates with
pydantic over these very classes, strictly and without unknown fields. Times are seconds since 1970-01-01
UTC; every quantity's name carries its unit.

There is no field for a user name, process, window, URL, address or list of software, on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen, MultipleOf

SCHEMA = 1
SLOT_S = 900
DECILES = 10
MAX_SLOTS = 1000
MAX_GAPS = 500
MAX_READINGS = 100
MAX_FEEDS = 2000
MOST_IMPRESSIONS = 100_000_000

# Bounds of quantities: what no hardware exceeds, with room for what is to come (docs/en/wire-format.md)
MOST_POWER_W = 1_000_000  # a hall's UPS or PDU; the collector's bounds by category are far lower
MOST_MEMORY_MIB = 67_108_864  # 64 TiB, twice the largest server
MOST_DISK_BYTES = 100_000_000_000_000_000  # 100 PB: the largest volume of a storage array
MOST_LENGTH_MM = 65_535  # DisplayID's largest
MOST_PIXELS = 65_535
MOST_BATTERY_MWH = 100_000_000  # 100 kWh
MOST_RATE_KIB_S = 1_000_000_000.0  # 8 Tbit/s
LONGEST_S = 1_000_000_000.0  # 31 years
LEAST_PERIOD_S = 0.05  # half of what agents round to
MOST_CORES_OF_AGENT = 64
MOST_BYTES_SENT = 1_000_000_000_000_000
Joules = Annotated[float, Ge(0), Le(MOST_POWER_W * SLOT_S)]
MemoryMib = Annotated[int, Ge(0), Le(MOST_MEMORY_MIB)]
LengthMm = Annotated[int, Ge(0), Le(MOST_LENGTH_MM)]
Pixels = Annotated[int, Ge(0), Le(MOST_PIXELS)]
BatteryMwh = Annotated[int, Ge(0), Le(MOST_BATTERY_MWH)]
RateKibS = Annotated[float, Ge(0), Le(MOST_RATE_KIB_S)]
Seconds = Annotated[float, Ge(0), Le(LONGEST_S)]
BytesSent = Annotated[int, Ge(0), Le(MOST_BYTES_SENT)]
UtcSecond = Annotated[int, Ge(0), Le(253_402_300_799)]
SlotSeconds = Annotated[int, Ge(0), Le(SLOT_S)]
Text = Annotated[str, MaxLen(200)]
HexId = Annotated[str, MinLen(32), MaxLen(32)]
Count = Annotated[int, Ge(0), Le(1_000_000)]
Impressions = Annotated[int, Ge(0), Le(MOST_IMPRESSIONS)]
Category = Literal[
    "server", "desktop", "laptop", "all_in_one", "mini_pc", "monitor", "printer", "network", "tablet",
    "phone", "pdu", "ups", "virtual_machine", "other",
]  # fmt: skip
Scope = Literal["package", "dram", "gpu", "platform", "battery", "psu_dc", "wall_ac"]
FeedScope = Literal["wall_ac", "poe"]
Quality = Literal["measured", "vendor_estimate", "modelled"]
GapState = Literal["asleep", "off", "unknown"]
DiskKind = Literal["ssd", "hdd", "emmc", "virtual", "unknown"]
SensorState = Literal["ok", "no_data", "denied", "failed"]
Marking = Literal["laser", "inkjet", "other"]

# Fields of a slot: accepted from older agents, not stored
DEPRECATED_MEANS = ("disk_read_kib_s", "disk_write_kib_s", "net_received_kib_s", "net_sent_kib_s")
STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass(frozen=True)
class Energy:
    """Energy that one source counted within one slot. Scopes overlap: they are never added up here."""

    source: Annotated[str, MinLen(1), MaxLen(40)]
    scope: Scope
    quality: Quality
    energy_j: Joules
    duration_s: Annotated[int, Gt(0), Le(SLOT_S)]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Slot:
    """One quarter hour of one device: seconds in each state, load, means and energy.

    A printer that is awake counts as `display_off_s`; of its load, the last decile holds one second for each
    impression, the first one the rest of its time awake.

    `load_deciles_s[i]` is the time with CPU load in [10 i, 10 i + 10) percent, the last one including
    100 %; together at most the time awake. A slot may be sent while it is still open: the part not yet
    seen is `unknown_s`, and the record that covers more time replaces it later. The means of disk and
    network traffic are deprecated: older agents may send them, and they are not stored.
    """

    start: UtcSecond
    display_on_s: SlotSeconds
    display_off_s: SlotSeconds
    asleep_s: SlotSeconds
    off_s: SlotSeconds
    unknown_s: SlotSeconds
    load_deciles_s: Annotated[list[SlotSeconds], MaxLen(DECILES)] = field(default_factory=list)
    memory_used_mib: Annotated[float, Ge(0), Le(MOST_MEMORY_MIB)] | None = None
    disk_read_kib_s: RateKibS | None = None
    disk_write_kib_s: RateKibS | None = None
    net_received_kib_s: RateKibS | None = None
    net_sent_kib_s: RateKibS | None = None
    energy: Annotated[list[Energy], MaxLen(16)] = field(default_factory=list)

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError when the record contradicts itself."""
        if self.start % SLOT_S:
            raise ValueError(f"start = {self.start} is not on a quarter hour of UTC")
        awake_s = self.display_on_s + self.display_off_s
        total_s = awake_s + self.asleep_s + self.off_s + self.unknown_s
        if total_s != SLOT_S:
            raise ValueError(f"the states add up to {total_s} s, but a slot lasts {SLOT_S} s")
        if len(self.load_deciles_s) not in (0, DECILES):
            raise ValueError(
                f"load_deciles_s has {len(self.load_deciles_s)} entries; it must have {DECILES} or none"
            )
        if sum(self.load_deciles_s) > awake_s:
            raise ValueError(
                f"load_deciles_s adds up to {sum(self.load_deciles_s)} s, more than {awake_s} s awake"
            )
        if len(self.energy) > 1 and len({(e.source, e.scope) for e in self.energy}) < len(self.energy):
            raise ValueError("energy names the same source and scope twice")

    @property
    def awake_s(self) -> int:
        """Seconds awake, with the display on or off."""
        return self.display_on_s + self.display_off_s

    @property
    def covered_s(self) -> int:
        """Seconds whose state is known; the record with more of them wins."""
        return SLOT_S - self.unknown_s


@dataclass(frozen=True)
class Gap:
    """Whole slots without samples, whose state became known afterwards, at resume or at boot."""

    start: UtcSecond
    duration_s: Annotated[int, Gt(0), Le(400 * 86_400)]
    state: GapState

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError when the gap does not consist of whole slots."""
        if self.start % SLOT_S or self.duration_s % SLOT_S:
            raise ValueError("a gap must start on a quarter hour of UTC and last whole quarter hours")


@dataclass(frozen=True)
class System:
    """Maker and model as the firmware states them, never completed by a guess."""

    maker: Text | None = None
    model: Text | None = None
    sku: Text | None = None
    family: Text | None = None
    version: Text | None = None
    board: Text | None = None
    bios_date: Text | None = None
    chassis: Text | None = None
    serial_hash: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Cpu:
    """Processors of one kind: `units` sockets, each with `cores` cores and `threads` threads."""

    model: Text
    units: Annotated[int, Gt(0), Le(64)]
    cores: Annotated[int, Gt(0), Le(4096)] | None = None
    threads: Annotated[int, Gt(0), Le(8192)] | None = None
    vendor: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class MemoryModule:
    """One memory module, or the whole memory where modules cannot be seen (`form` = "total")."""

    size_mib: Annotated[int, Gt(0), Le(MOST_MEMORY_MIB)]
    form: Text | None = None
    kind: Text | None = None
    maker: Text | None = None
    part: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Disk:
    """One fixed disk, or the virtual one that a RAID controller or a hypervisor shows."""

    size_bytes: Annotated[int, Gt(0), Le(MOST_DISK_BYTES)]
    kind: DiskKind
    maker: Text | None = None
    model: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Gpu:
    """One graphics adapter; `vendor_id` and `device_id` are PCI ids in hexadecimal."""

    vendor_id: Text | None = None
    device_id: Text | None = None
    name: Text | None = None
    memory_mib: MemoryMib | None = None
    integrated: bool | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Display:
    """One display as its EDID states it; a built-in panel is part of the laptop.

    `serial_hash` tells two displays of one model apart; it is absent where the EDID states no serial number
    worth the name, and of a built-in panel.
    """

    maker: Text
    product: Text
    built_in: bool
    name: Text | None = None
    week: Annotated[int, Ge(0), Le(54)] | None = None
    year: Annotated[int, Ge(1990), Le(2245)] | None = None
    width_mm: LengthMm | None = None
    height_mm: LengthMm | None = None
    width_px: Pixels | None = None
    height_px: Pixels | None = None
    serial_hash: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Battery:
    """One battery that powers the whole machine."""

    design_mwh: BatteryMwh | None = None
    full_mwh: BatteryMwh | None = None
    cycles: Count | None = None
    technology: Text | None = None
    maker: Text | None = None
    model: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class OperatingSystem:
    """Name and version of the system that runs, without the list of what is installed."""

    name: Text
    version: Text | None = None
    architecture: Text | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Printer:
    """What a printer can do; None is "not known". `speed_ipm` is its rated images a minute."""

    marking: Marking | None = None
    colour: bool | None = None
    duplex: bool | None = None
    a3: bool | None = None
    speed_ipm: Annotated[int, Gt(0), Le(1000)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Supply:
    """One supply of a printer; `level` is the share that is left, None where the printer does not tell."""

    kind: Text
    colour: Text | None = None
    level: Annotated[float, Ge(0), Le(1)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Reading:
    """What a printer's counters said at a moment: impressions since it was made, and what splits them.

    `a3` are impressions on larger than A4, `duplex` those on sheets that were printed on both sides. What the
    maker does not count is absent. `restarted` says that the counters do not go on from the reading before.
    """

    at: UtcSecond
    impressions: Impressions
    mono: Impressions | None = None
    colour: Impressions | None = None
    duplex: Impressions | None = None
    a3: Impressions | None = None
    copies: Impressions | None = None
    prints: Impressions | None = None
    faxes: Impressions | None = None
    scans: Impressions | None = None
    supplies: Annotated[list[Supply], MaxLen(32)] = field(default_factory=list)
    restarted: bool = False

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError when a part is more than the whole."""
        whole = self.impressions
        for name, part in (("duplex", self.duplex), ("a3", self.a3)):
            if part is not None and part > whole:
                raise ValueError(f"{name} = {part} is more than impressions = {whole}")
        if (self.mono or 0) + (self.colour or 0) > whole:
            raise ValueError(f"mono and colour add up to more than impressions = {whole}")


@dataclass(frozen=True)
class Feed:
    """Energy that a feeder (PDU, UPS, PoE switch) gave over one of its outlets within one slot.

    It is the energy of what hangs there, never the feeder's own: which device that is, the collector knows.
    `outlet` is the feeder's own name of the outlet or port, the same one for ever; `scope` "poe" is direct
    current behind the switch's supply. One record for each start and outlet; of two the longer one counts.
    """

    start: Annotated[UtcSecond, MultipleOf(SLOT_S)]
    outlet: Annotated[str, MinLen(1), MaxLen(40)]
    scope: FeedScope
    source: Annotated[str, MinLen(1), MaxLen(40)]
    quality: Quality
    energy_j: Joules
    duration_s: Annotated[int, Gt(0), Le(SLOT_S)]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class SensorOutcome:
    """What a sensor or power source answered; `grant` says what would mend a denial."""

    sensor: Text
    state: SensorState
    detail: Annotated[str, MaxLen(500)] | None = None
    grant: Annotated[str, MaxLen(500)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Inventory:
    """What the machine is made of, sent at the start and when it changes.

    `virtual` is "none" on hardware, else the hypervisor or container kind; then `cpus` and `memory` are
    what the guest was given, not what it is made of.
    """

    taken_at: UtcSecond
    category: Category
    virtual: Text
    system: System
    os: OperatingSystem
    cpus: Annotated[list[Cpu], MaxLen(16)] = field(default_factory=list)
    memory: Annotated[list[MemoryModule], MaxLen(256)] = field(default_factory=list)
    disks: Annotated[list[Disk], MaxLen(256)] = field(default_factory=list)
    gpus: Annotated[list[Gpu], MaxLen(32)] = field(default_factory=list)
    displays: Annotated[list[Display], MaxLen(16)] = field(default_factory=list)
    batteries: Annotated[list[Battery], MaxLen(8)] = field(default_factory=list)
    printer: Printer | None = None
    outcomes: Annotated[list[SensorOutcome], MaxLen(100)] = field(default_factory=list)

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class SelfCost:
    """What measuring costs the machine since the agent's previous report; the sums are since its first."""

    cpu_s: Seconds
    peak_rss_mib: Annotated[float, Ge(0), Le(MOST_MEMORY_MIB)]
    bytes_sent: BytesSent
    period_s: Seconds
    sum_cpu_s: Seconds | None = None
    sum_bytes_sent: BytesSent | None = None
    sum_period_s: Seconds | None = None

    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        """Raise ValueError for a time too short to divide by, or more processor time than there can be."""
        for prefix, cpu_s, period_s in (
            ("", self.cpu_s, self.period_s), ("sum_", self.sum_cpu_s, self.sum_period_s),
        ):  # fmt: skip
            if period_s and period_s < LEAST_PERIOD_S:
                raise ValueError(
                    f"{prefix}period_s = {period_s} is neither 0 nor at least {LEAST_PERIOD_S} s"
                )
            if cpu_s and period_s and cpu_s > MOST_CORES_OF_AGENT * (period_s + SLOT_S):
                raise ValueError(
                    f"{prefix}cpu_s = {cpu_s} is more than {MOST_CORES_OF_AGENT} busy cores in "
                    f"{prefix}period_s = {period_s}"
                )


@dataclass(frozen=True)
class SetAside:
    """A slot or gap that the agent gave up: its start, and why nobody took it."""

    start: UtcSecond
    reason: Annotated[str, MaxLen(500)]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Losses:
    """What this data folder ever lost, counted; sent when it changed.

    `dropped` slots were too many or too old for the spool, `coarsened` ones are spread over their hour,
    `refused` ones were set aside, the latest of them in `set_aside`; `damaged` spools were begun anew.
    """

    dropped: Count
    coarsened: Count
    refused: Count
    damaged: Count
    set_aside: Annotated[list[SetAside], MaxLen(20)] = field(default_factory=list)

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Report:
    """Body of `POST /v1/reports`.

    `waiting` is the number of slots that stay with the agent after this report.
    """

    schema: Literal[1]
    device_id: HexId
    sent_at: UtcSecond
    agent_version: Text
    slots: Annotated[list[Slot], MaxLen(MAX_SLOTS)] = field(default_factory=list)
    gaps: Annotated[list[Gap], MaxLen(MAX_GAPS)] = field(default_factory=list)
    inventory: Inventory | None = None
    self_cost: SelfCost | None = None
    losses: Losses | None = None
    waiting: Count | None = None
    printing: Annotated[list[Reading], MaxLen(MAX_READINGS)] = field(default_factory=list)
    feeds: Annotated[list[Feed], MaxLen(MAX_FEEDS)] = field(default_factory=list)

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Refusal:
    """One record that was not stored: `part` and `index` name it, `reason` says why and how to mend it.

    `part` is slots, gaps, inventory, self_cost, losses, printing or feeds; or a list of the inventory, such
    as inventory.memory, of which one item was left out.
    """

    part: str
    index: int
    reason: str


@dataclass(frozen=True)
class ReportAnswer:
    """Answer to `POST /v1/reports`; everything counted here is on disk.

    `credential` is there when the one that was shown is to be replaced: keep it, and show it from then on.
    """

    accepted: int
    duplicates: int
    refused: list[Refusal]
    next_upload_s: int
    credential: str | None = None


@dataclass(frozen=True)
class HardwareIdentity:
    """How the collector knows a machine again: install id, and a keyed hash of what its firmware says.

    `fingerprint` is absent where the firmware states no serial number or identifier worth the name.
    """

    install_id: HexId
    virtual: Text
    fingerprint: Annotated[str, MinLen(32), MaxLen(64)] | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class EnrolRequest:
    """Body of `POST /v1/enrol`. `hostname` is sent only where the operator asks for it.

    `relayed_by` is the device id of the gateway that speaks for a device which cannot speak for itself.
    """

    schema: Literal[1]
    secret: Annotated[str, MinLen(1), MaxLen(200)]
    hardware: HardwareIdentity
    category: Category
    agent_version: Text
    hostname: Annotated[str, MaxLen(255)] | None = None
    simulated: bool = False
    relayed_by: HexId | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class AgentConfig:
    """What the collector may set on an agent."""

    upload_period_s: Annotated[int, Ge(60), Le(86_400)]


@dataclass(frozen=True)
class EnrolAnswer:
    """Answer to `POST /v1/enrol`; `credential` goes into the Authorization header of every report."""

    device_id: str
    credential: str
    config: AgentConfig
