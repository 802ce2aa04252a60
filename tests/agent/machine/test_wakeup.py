"""Signals that end a wait; in a process of its own, because signals are the whole process's."""

import subprocess
import sys

SCRIPT = """
import os, signal, sys
from parcimetre_agent.machine import wakeup
taken = {signal.SIGTERM, signal.SIGCHLD}
wakeup.catch(taken)
assert wakeup.wait(0.01) is None
os.kill(os.getpid(), signal.SIGTERM)
assert wakeup.wait(30) == signal.SIGTERM
child = os.fork()
if child == 0:
    os._exit(0)
assert wakeup.wait(30) == signal.SIGCHLD
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGCHLD)
assert {wakeup.wait(30), wakeup.wait(30)} == taken
wakeup.restore(taken)
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_signals_end_a_wait_one_by_one_until_released() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == -15, done.stderr
