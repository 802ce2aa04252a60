"""`run`: enrol if needed, then become the resident, so that what was loaded here is not kept in memory."""

from __future__ import annotations

import argparse
import importlib
import os
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path

from ..configuration.settings import Settings
from ..sending.preparation import prepare
from ..service import resident


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


def _compile() -> None:
    """Compile once what resident and courier load, where the package manager did not.

    Without byte code on disk the resident would carry the compiler's 4 MiB, and each courier its time.
    """
    importlib.import_module("..sending.courier", __package__)
    for module in list(sys.modules.values()):
        source = getattr(module, "__file__", None)
        if source and source.endswith(".py") and os.access(Path(source).parent, os.W_OK):
            compiled = Path(cache_from_source(source))
            if not compiled.exists() or compiled.stat().st_mtime < Path(source).stat().st_mtime:
                py_compile.compile(source, quiet=2)
