"""Types and limits of the wire format's fields; units are in the names of the fields that use them."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

SCHEMA = 2
SCHEMAS = (1, 2)
SLOT_S = 900
DECILES = 10
MAX_SLOTS = 1000
MAX_GAPS = 500
MAX_READINGS = 100
MAX_FEEDS = 2000
MOST_IMPRESSIONS = 100_000_000
KnownSchema = Literal[1, 2]
HashForm = Literal["product", "organisation"]
UtcSecond = Annotated[int, Ge(0), Le(253_402_300_799)]
SlotSeconds = Annotated[int, Ge(0), Le(SLOT_S)]
Text = Annotated[str, MaxLen(200)]
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
STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
