"""A Mac's hardware from `system_profiler`, in seconds of its time: read by the courier, once a day."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from ...base.outcome import Failed, NoData, Ok, Outcome
from .. import system_profiler
from ..machine import Machine

COMMAND = "/usr/sbin/system_profiler"
LIMIT_S = 60.0


def read(_machine: Machine) -> Outcome[dict[str, Any]]:
    """What the machine is made of; nothing of software, users and networks."""
    try:
        done = subprocess.run(
            [COMMAND, "-json", *system_profiler.SECTIONS],
            capture_output=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        document = json.loads(done.stdout)
    except FileNotFoundError:
        return NoData(f"{COMMAND} is absent")
    except subprocess.TimeoutExpired:
        return Failed(f"system_profiler did not answer within {LIMIT_S:g} s")
    except ValueError as error:
        return Failed(f"system_profiler's answer is not JSON: {error}")
    return Ok(system_profiler.parse(document))
