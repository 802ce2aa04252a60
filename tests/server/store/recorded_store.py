"""The store that was recorded at bb8efdf, and the time of its last slot."""

from pathlib import Path

RECORDED = Path(__file__).parents[2] / "data/stores/bb8efdf"
NOW = 1795521600  # 2026-11-24, 12:00:00 UTC: the end of the last slot
FIRST = NOW - 124 * 86_400
