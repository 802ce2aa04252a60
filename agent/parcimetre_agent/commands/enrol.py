"""`enrol`: exchange the enrolment secret for a credential."""

from __future__ import annotations

import argparse

from ..base.console import print_line
from ..configuration.settings import Settings
from ..recording.spool_opening import open_spool
from ..sending.courier import Courier


def run(settings: Settings, _options: argparse.Namespace) -> int:
    """Enrol, again if need be. Raises AgentError."""
    open_spool(settings.data_dir)
    device_id = Courier(settings).enrol()
    print_line(f"enrolled at {settings.server} as device {device_id}")
    return 0
