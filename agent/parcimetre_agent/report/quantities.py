"""Types and limits of the wire format's fields; units are in the names of the fields that use them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen

SCHEMA: Final = 2
SCHEMAS = (1, 2)
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
MOST_MODULE_MIB = 4_194_304  # 4 TiB, eight times the largest module
MOST_DRIVE_BYTES = 1_000_000_000_000_000  # 1 PB, four times the largest drive
MOST_DISK_BYTES = 100_000_000_000_000_000  # 100 PB: the largest volume of a storage array
MOST_LENGTH_MM = 65_535  # DisplayID's largest
MOST_PIXELS = 65_535
MOST_BATTERY_MWH = 100_000_000  # 100 kWh
MOST_SUPPLY_W = 100_000  # one power supply unit
LEAST_SUPPLY_W = 0.5
LEAST_EFFICIENCY = 0.01
MOST_RATE_KIB_S = 1_000_000_000  # 8 Tbit/s
LONGEST_S = 1_000_000_000  # 31 years
LEAST_PERIOD_S = 0.05  # half of what agents round to
MOST_CORES_OF_AGENT = 64
MOST_BYTES_SENT = 1_000_000_000_000_000
KnownSchema = Literal[1, 2]
HashForm = Literal["product", "organisation"]
UtcSecond = Annotated[int, Ge(0), Le(253_402_300_799)]
Joules = Annotated[float, Ge(0), Le(MOST_POWER_W * SLOT_S)]
MemoryMib = Annotated[int, Ge(0), Le(MOST_MEMORY_MIB)]
ModuleMib = Annotated[int, Gt(0), Le(MOST_MEMORY_MIB)]
UsedMib = Annotated[float, Ge(0), Le(MOST_MEMORY_MIB)]
LengthMm = Annotated[int, Ge(0), Le(MOST_LENGTH_MM)]
Pixels = Annotated[int, Ge(0), Le(MOST_PIXELS)]
BatteryMwh = Annotated[int, Ge(0), Le(MOST_BATTERY_MWH)]
RateKibS = Annotated[float, Ge(0), Le(MOST_RATE_KIB_S)]
Seconds = Annotated[float, Ge(0), Le(LONGEST_S)]
BytesSent = Annotated[int, Ge(0), Le(MOST_BYTES_SENT)]
SlotSeconds = Annotated[int, Ge(0), Le(SLOT_S)]
Text = Annotated[str, MaxLen(200)]
ShortText = Annotated[str, MaxLen(60)]
HexId = Annotated[str, MinLen(32), MaxLen(32)]
HashText = Annotated[str, MinLen(32), MaxLen(64)]
KeyText = Annotated[str, MinLen(43), MaxLen(43)]
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
# Fields whose values are hashes, in the form that the message names
HASHES = ("fingerprint", "earlier_fingerprint", "serial_hash", "asset_hash", "guest_hash")
STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
