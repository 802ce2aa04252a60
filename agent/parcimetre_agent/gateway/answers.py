"""Answers to SNMP requests: values by OID, and the OIDs that every device has (RFC 3418)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Union

Value = Union[int, str, bytes, float]
Answers = Mapping[str, Value]

DESCRIPTION = "1.3.6.1.2.1.1.1.0"
OBJECT_ID = "1.3.6.1.2.1.1.2.0"
UPTIME = "1.3.6.1.2.1.1.3.0"
NAME = "1.3.6.1.2.1.1.5.0"
