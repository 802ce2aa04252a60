"""Convert units of the store to units for people."""

from __future__ import annotations

J_PER_KWH = 3.6e6
