"""Conversions between units of the store and units that people read."""

from __future__ import annotations

J_PER_KWH = 3.6e6
