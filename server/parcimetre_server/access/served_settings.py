"""Settings of the last `serve`, stored so that commands compute with the same ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from parcimetre_factors.service_life.amortisation import Policy

from ..base.names import shown
from ..configuration.settings import MOST_OF_ORGANISATION, Settings
from ..store.fact_schema import ServedSettings, body_of
from ..store.records import Fact
from .context import Context
from .opening import open_context

KEY = "served"


def settings_of_figures(settings: Settings) -> ServedSettings:
    """Return the settings that figures, their weeks and their prices depend on, by name."""
    return {
        "time_zone": settings.time_zone,
        "organisation": settings.organisation,
        "amortisation": str(settings.amortisation),
        "eur_per_kwh": settings.eur_per_kwh,
    }


def store_served_settings(context: Context) -> None:
    """Store the settings that the collector is served with, if they are new."""
    served, stored = settings_of_figures(context.settings), context.store.latest_of("setting", KEY)
    if stored is None or stored.body != served:
        context.store.append([Fact("setting", KEY, context.now(), served)])


def with_served_settings(settings: Settings, served: ServedSettings) -> Settings:
    """Return settings with the stored ones in place of their own."""
    return replace(
        settings,
        time_zone=served["time_zone"],
        organisation=shown(served["organisation"])[:MOST_OF_ORGANISATION],
        amortisation=Policy(served["amortisation"]),
        eur_per_kwh=served["eur_per_kwh"],
    )


def open_as_served(data_dir: Path, create: bool = False) -> Context:
    """Open a collector's data folder for a command, with the settings of the last `serve`.

    Create it where it is missing if `create`. Raises StoreUnusable with the fix.
    """
    context = open_context(Settings(data_dir), create)
    stored = context.store.latest_of("setting", KEY)
    if stored is None:
        return context
    return replace(context, settings=with_served_settings(context.settings, body_of(stored, ServedSettings)))
