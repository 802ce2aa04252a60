"""`python -m parcimetre_agent.service.windows_service`: what Windows starts as the service ParcimetreAgent.

Settings, data folder and enrolment are a child's work (`preparation`), so that what it loads is not kept in
memory. While something has to be fixed the service runs on and looks again: the settings may come by a group
policy later than the program.
"""

from __future__ import annotations

import signal
import subprocess
import sys

from ..machine.waiting import STOP, block_signals, wait
from ..windows import log
from ..windows.registry import SETTINGS_KEY, Registry
from ..windows.service import Service
from . import resident

NAME = "ParcimetreAgent"
FIRST_LOOK_S, LONGEST_LOOK_S = 60.0, 3600.0
_WITHOUT_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_children: list[subprocess.Popen[bytes]] = []


def main() -> None:
    """Measure until Windows stops the service; does not return."""
    block_signals()
    service = Service(NAME, _stop)
    service.begin()
    code = 1
    try:
        folder = str(Registry().values(SETTINGS_KEY)["DATA_DIR"])
        log.open_log(folder)
        code = _measure()
    except Exception:  # noqa: BLE001 - nobody else would report it, and Windows starts the service again
        import traceback

        traceback.print_exc()
    finally:
        service.end(code)


def _stop() -> None:
    """End what lasts; called on another thread."""
    for child in _children:
        child.kill()
    signal.raise_signal(signal.SIGINT)


def _measure() -> int:
    """Become the resident as soon as the settings allow. Returns the exit code.

    A look costs a second of the processor, and with a wrong secret a question to the collector.
    """
    pause_s = FIRST_LOOK_S
    while True:
        settings_json = _prepared()
        if settings_json:
            return resident.run(settings_json)
        if wait(pause_s) == STOP:
            return 0
        pause_s = min(2 * pause_s, LONGEST_LOOK_S)


def _prepared() -> str:
    """The settings in force; empty while something has to be fixed, which the child wrote to the log."""
    child = subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.windows_preparation"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, creationflags=_WITHOUT_WINDOW,
    )  # fmt: skip
    _children.append(child)
    said = child.communicate()[0]
    _children.clear()
    return said.decode("ascii") if child.returncode == 0 else ""


if __name__ == "__main__":
    main()
