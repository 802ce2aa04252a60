"""What the collector was last served with, kept so that commands tell figures alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from parcimetre_factors.service_life.amortisation import Policy

from ..configuration.settings import Settings
from ..store.records import Fact
from .context import Context
from .opening import open_context

KEY = "served"


def settings_of_figures(settings: Settings) -> dict[str, str | float]:
    """The settings that figures, their weeks and their prices rest on."""
    return {
        "time_zone": settings.time_zone,
        "organisation": settings.organisation,
        "amortisation": str(settings.amortisation),
        "eur_per_kwh": settings.eur_per_kwh,
    }


def store_served_settings(context: Context) -> None:
    """Keep what the collector is served with, where it is new."""
    served, kept = settings_of_figures(context.settings), context.store.latest_of("setting", KEY)
    if kept is None or dict(kept.body) != served:
        context.store.append([Fact("setting", KEY, context.now(), served)])


def with_served_settings(settings: Settings, served: dict[str, str | float]) -> Settings:
    """Settings with those that somebody was served with."""
    return replace(
        settings,
        time_zone=str(served["time_zone"]),
        organisation=str(served["organisation"]),
        amortisation=Policy(str(served["amortisation"])),
        eur_per_kwh=float(served["eur_per_kwh"]),
    )


def open_as_served(data_dir: Path, create: bool = False) -> Context:
    """The data folder of a collector for a command, with the settings that it was last served with.

    It is made where it is missing if `create`. Raises StoreUnusable with the mend.
    """
    context = open_context(Settings(data_dir), create)
    kept = context.store.latest_of("setting", KEY)
    return (
        context
        if kept is None
        else replace(context, settings=with_served_settings(context.settings, dict(kept.body)))
    )
