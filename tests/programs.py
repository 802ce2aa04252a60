"""Start the programs as processes that have their modules loaded from the start.

A process that imported everything once (this file, run as a program) forks for each command. So each command
is a process of its own, which can be killed and whose files close with it, without a second of imports.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import IO, Any, NoReturn

PACKAGES = {"parcimetre": "parcimetre_server", "parcimetre-agent": "parcimetre_agent"}
LOADED_LATE = ("httptools", "httpx", "uvicorn", "uvloop")  # by functions of the programs
PATIENCE_S = 90
ONE_AT_A_TIME = threading.Lock()


class Program:
    """A running command, a child of the process that forked it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code as subprocess does, or None while it runs."""
        if self._code is None:
            self._code = _ask({"poll": self.pid})
        return self._code

    def wait(self, timeout: float) -> int:
        """Return the exit code once it ended. Raises TimeoutError, after which it still runs."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} did not end within {timeout} s")
            time.sleep(0.003)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to a process that was not waited for."""
        if self.poll() is None:
            os.kill(self.pid, number)


def run(*words: object, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a command from start to end; `env` is added to the environment."""
    line = [*map(str, words)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(line, out, err, {**os.environ, "LC_ALL": "C.UTF-8", **env})
        try:
            code = process.wait(PATIENCE_S)
        finally:
            process.send_signal(signal.SIGKILL)
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(line, code, out.read().decode(), err.read().decode())


def start(line: Sequence[object], out: IO[Any], err: IO[Any], env: Mapping[str, str]) -> Program:
    """Start a command, its output and errors written to files."""
    words = [str(word) for word in line]
    asked = {"line": words, "env": dict(env), "folder": os.getcwd()}  # noqa: PTH109
    return Program(_ask(asked, [out.fileno(), err.fileno()]))


@cache
def _forker() -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """Start the process that forks, and return the channel to it; it ends when the channel is closed."""
    ours, theirs = socket.socketpair()
    line, env = [sys.executable, __file__, str(theirs.fileno())], {**os.environ, "LC_ALL": "C.UTF-8"}
    with theirs:
        process = subprocess.Popen(line, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=env)
    return ours, process


def stop() -> None:
    """End the process that forks, if one was started."""
    if _forker.cache_info().currsize:
        channel, process = _forker()
        channel.close()
        process.wait()
        _forker.cache_clear()


def _ask(asked: dict[str, Any], files: Sequence[int] = ()) -> Any:
    with ONE_AT_A_TIME:
        channel, _ = _forker()
        socket.send_fds(channel, [json.dumps(asked).encode() + b"\n"], files)
        return json.loads(_line(channel)[0])


def _line(channel: socket.socket) -> tuple[bytes, list[int]]:
    """Receive one message and the files sent with it; an empty one when the other end is closed."""
    text, files = b"", list[int]()
    while not text.endswith(b"\n"):
        part, sent, _, _ = socket.recv_fds(channel, 65536, 2)
        files += sent
        if not part:
            return b"", files
        text += part
    return text, files


def _import_all() -> None:
    """Import the programs' modules, but for those of other operating systems."""
    for name in LOADED_LATE:
        importlib.import_module(name)
    for name in PACKAGES.values():
        path = importlib.import_module(name).__path__
        for module in pkgutil.walk_packages(path, f"{name}.", onerror=lambda _: None):
            if not module.name.endswith("__main__"):
                with suppress(ImportError, AttributeError):
                    importlib.import_module(module.name)


def _fork_forever(channel: socket.socket) -> None:
    """Answer until the channel is closed; a child ends with its command."""
    while True:
        text, files = _line(channel)
        if not text:
            return
        asked = json.loads(text)
        if "poll" in asked:
            pid, status = os.waitpid(asked["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if answer == 0:
                channel.close()
                _end(_command(asked, *files))
            for file in files:
                os.close(file)
        channel.sendall(json.dumps(answer).encode() + b"\n")


def _command(asked: dict[str, Any], out: int, err: int) -> int:
    """Become the process of a command; its exit code."""
    for file, number in ((out, 1), (err, 2)):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    random.seed()
    sys.argv = asked["line"]
    try:
        return int(importlib.import_module(f"{PACKAGES[sys.argv[0]]}.cli").main() or 0)
    except SystemExit as ended:
        return int(ended.code or 0)
    except Exception:  # noqa: BLE001  as the interpreter does at the end of a program
        traceback.print_exc()
        return 1


def _end(code: int) -> NoReturn:
    """End this process as the interpreter does, but without taking all modules down one by one."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        _import_all()
        gc.freeze()  # what a child does not touch is not copied
        _fork_forever(requests)
