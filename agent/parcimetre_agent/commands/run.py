"""`run`: enrol if needed, then become the resident, so that what was loaded here is not kept in memory."""

from __future__ import annotations

import argparse
import importlib
import os
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path

from .. import resident
from ..base.errors import BadSettings, Unreachable
from ..configuration.data_dir import own_identity
from ..configuration.settings import Settings
from ..recording.spool_opening import open_spool


def run(settings: Settings, _options: argparse.Namespace) -> int:
    """Does not return, but on Windows, where no process can be replaced: there this one becomes the resident.

    Raises AgentError when it cannot begin.
    """
    prepare(settings)
    os.chdir("/")
    if sys.platform == "win32":
        return resident.run(settings.to_json())
    _compile()
    os.execv(sys.executable, [sys.executable, "-m", resident.__name__, settings.to_json()])  # noqa: S606
    return 0


def prepare(settings: Settings) -> None:
    """See to a collector's address, a data folder and an enrolment. Raises AgentError when one is missing."""
    if settings.server is None:
        raise BadSettings("no collector is set; give --server URL or set PARCIMETRE_AGENT_SERVER")
    open_spool(settings.data_dir)
    if own_identity(Path(settings.data_dir)).credential is None:
        _enrol(settings)


def _enrol(settings: Settings) -> None:
    """Enrol before measuring, so that a wrong secret is said at once; without the collector, go on."""
    from ..courier import Courier

    try:
        Courier(settings).enrol()
    except Unreachable as error:
        sys.stderr.write(f"parcimetre-agent: {error}; measuring goes on\n")


def _compile() -> None:
    """Compile once what resident and courier load, where the package manager did not.

    Without byte code on disk the resident would carry the compiler's 4 MiB, and each courier its time.
    """
    importlib.import_module("..courier", __package__)
    for module in list(sys.modules.values()):
        source = getattr(module, "__file__", None)
        if source and source.endswith(".py") and os.access(Path(source).parent, os.W_OK):
            compiled = Path(cache_from_source(source))
            if not compiled.exists() or compiled.stat().st_mtime < Path(source).stat().st_mtime:
                py_compile.compile(source, quiet=2)
