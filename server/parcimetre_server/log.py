"""Logging: one line an event on stderr, without secrets and without personal data."""

from __future__ import annotations

import logging


def configure() -> None:
    """Set up the process's logging; called once, by `parcimetre serve`."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
