"""Messages of enrolment: who a machine is, and the collector's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le, MaxLen, MinLen

from .quantities import STRICT, Category, HashForm, HashText, HexId, KeyText, KnownSchema, Text


@dataclass(frozen=True)
class HardwareIdentity:
    """How the collector knows a machine again: install id, and a keyed hash of what its firmware says.

    `fingerprint` is absent where the firmware states no serial number or identifier worth the name;
    `earlier_fingerprint` is that of the same machine under the earlier rules of its agent. `asset_hash` is of
    the serial number alone; maker and model are as the firmware states them.
    """

    install_id: HexId
    virtual: Text
    fingerprint: HashText | None = None
    asset_hash: HashText | None = None
    maker: Text | None = None
    model: Text | None = None
    earlier_fingerprint: HashText | None = None

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class EnrolRequest:
    """Body of `POST /v1/enrol`. `hostname` is sent only where the operator asks for it.

    `relayed_by` is the device id of the gateway that speaks for a device which cannot speak for itself.
    A device that still has a credential, or the gateway for it, shows that in the Authorization header.
    """

    schema: KnownSchema
    secret: Annotated[str, MinLen(1), MaxLen(200)]
    hardware: HardwareIdentity
    category: Category
    agent_version: Text
    hostname: Annotated[str, MaxLen(255)] | None = None
    simulated: bool = False
    relayed_by: HexId | None = None
    hash_form: HashForm = "product"

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class AgentConfig:
    """What the collector may set on an agent."""

    upload_period_s: Annotated[int, Ge(60), Le(86_400)]


@dataclass(frozen=True)
class EnrolAnswer:
    """Answer to `POST /v1/enrol`; `credential` goes into the Authorization header of every report.

    `hash_key` is the organisation's key, for an agent of schema 2 whose hashes were in the product's form.
    """

    device_id: str
    credential: str
    config: AgentConfig
    hash_key: KeyText | None = None
