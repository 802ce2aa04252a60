"""`run`: enrol if needed, then become the resident, so that what was loaded here is not kept in memory."""

from __future__ import annotations

import argparse
import compileall
import os
import sys
from pathlib import Path

import psutil

from .. import identity
from ..courier import Courier
from ..data_dir import open_spool
from ..errors import BadSettings, Unreachable
from ..settings import Settings


def run(settings: Settings, _options: argparse.Namespace) -> int:
    """Does not return: the process is replaced. Raises AgentError when it cannot begin."""
    if settings.server is None:
        raise BadSettings("no collector is set; give --server URL or set PARCIMETRE_AGENT_SERVER")
    open_spool(settings.data_dir)
    known = identity.load(Path(settings.data_dir))
    if known is None or known.credential is None:
        _enrol(settings)
    _compile()
    os.chdir("/")
    os.execv(sys.executable, [sys.executable, "-m", "parcimetre_agent.resident", settings.to_json()])  # noqa: S606
    return 0


def _enrol(settings: Settings) -> None:
    """Enrol before measuring, so that a wrong secret is said at once; without the collector, go on."""
    try:
        Courier(settings).enrol()
    except Unreachable as error:
        sys.stderr.write(f"parcimetre-agent: {error}; measuring goes on\n")


def _compile() -> None:
    """Compile once what the resident loads: compiling in the resident would cost it 4 MiB for good."""
    own = Path(__file__).resolve().parents[1]
    for folder in (own, Path(psutil.__file__).parent):
        if os.access(folder, os.W_OK):
            compileall.compile_dir(folder, maxlevels=2, quiet=2)
