"""Prepare a machine to be measured: address of the collector, data folder, enrolment."""

from __future__ import annotations

import sys

from ..base.errors import BadSettings, Unreachable
from ..configuration.settings import Settings
from ..recording.spool_opening import open_spool
from .encryption import check_encryption
from .own_identity import own_identity


def prepare(settings: Settings) -> None:
    """Check the collector's address, make the data folder and enrol. Raises AgentError."""
    if settings.server is None:
        raise BadSettings("no collector is set; give --server URL or set PARCIMETRE_AGENT_SERVER")
    open_spool(settings.data_dir)
    who = own_identity(settings)
    check_encryption(settings, who.http_server)
    if who.credential is None:
        _enrol(settings)


def _enrol(settings: Settings) -> None:
    """Enrol before measuring, so that a wrong secret is reported at once; without the collector, go on."""
    from .courier import Courier

    try:
        Courier(settings).enrol()
    except Unreachable as error:
        sys.stderr.write(f"parcimetre-agent: {error}; measuring goes on\n")
