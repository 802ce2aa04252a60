"""Counters of a printer at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Le, MaxLen

from .quantities import STRICT, Impressions, ShortText, UtcSecond


@dataclass(frozen=True)
class Supply:
    """One supply of a printer; `level` is the share that is left, None where the printer does not tell."""

    kind: ShortText
    colour: ShortText | None = None
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
