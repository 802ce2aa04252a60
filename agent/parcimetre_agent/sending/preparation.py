"""Prepare a machine to be measured: address of the collector, data folder, enrolment."""

from __future__ import annotations

import sys
from pathlib import Path

from ..base.errors import BadSettings, Unreachable
from ..configuration.settings import Settings
from ..recording.spool_opening import open_spool
from .own_identity import own_identity


def prepare(settings: Settings) -> None:
    """Check the collector's address, make the data folder and enrol. Raises AgentError."""
    if settings.server is None:
        raise BadSettings("no collector is set; give --server URL or set PARCIMETRE_AGENT_SERVER")
    open_spool(settings.data_dir)
    if own_identity(Path(settings.data_dir)).credential is None:
        _enrol(settings)


def _enrol(settings: Settings) -> None:
    """Enrol before measuring, so that a wrong secret is reported at once; without the collector, go on."""
    from .courier import Courier

    try:
        Courier(settings).enrol()
    except Unreachable as error:
        sys.stderr.write(f"parcimetre-agent: {error}; measuring goes on\n")
