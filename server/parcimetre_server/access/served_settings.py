"""What the collector was last served with, kept so that commands tell figures alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from parcimetre_factors.service_life.amortisation import Policy

from ..configuration.settings import Settings
from ..store.fact_schema import ServedSettings, body_of
from ..store.records import Fact
from .context import Context
from .opening import open_context

KEY = "served"


def told(settings: Settings) -> ServedSettings:
    """The settings that figures, their weeks and their prices rest on."""
    return {
        "time_zone": settings.time_zone,
        "organisation": settings.organisation,
        "amortisation": str(settings.amortisation),
        "eur_per_kwh": settings.eur_per_kwh,
    }


def keep_served(context: Context) -> None:
    """Keep what the collector is served with, where it is new."""
    served, kept = told(context.settings), context.store.latest_of("setting", KEY)
    if kept is None or kept.body != served:
        context.store.append([Fact("setting", KEY, context.now(), served)])


def like(settings: Settings, served: ServedSettings) -> Settings:
    """Settings with those that somebody was served with."""
    return replace(
        settings,
        time_zone=served["time_zone"],
        organisation=served["organisation"],
        amortisation=Policy(served["amortisation"]),
        eur_per_kwh=served["eur_per_kwh"],
    )


def open_as_served(data_dir: Path, create: bool = False) -> Context:
    """The data folder of a collector for a command, with the settings that it was last served with.

    It is made where it is missing if `create`. Raises StoreUnusable with the mend.
    """
    context = open_context(Settings(data_dir), create)
    kept = context.store.latest_of("setting", KEY)
    if kept is None:
        return context
    return replace(context, settings=like(context.settings, body_of(kept, ServedSettings)))
