"""Programs of Windows under Wine: started, waited for, and a session that stays."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

WINE = Path("/usr/lib/wine/wine64")
LONGEST_S, LAST_WORDS_S = 240, 5


def environment(prefix: Path) -> dict[str, str]:
    """Of a program that sees the Windows of this folder, and no display."""
    ours = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    return ours | {
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        "WINEPREFIX": str(prefix),
    }


class Program:
    """A program of Windows that runs. Python for Windows wants pipes under Wine, files it cannot write.

    Its end is the process's own, not that of its pipes: what Wine starts beside it holds them and stays.
    """

    def __init__(self, command: list[object], env: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [WINE, *map(str, command)], env=env, cwd=folder, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._said: dict[str, list[str]] = {"out": [], "err": []}
        pipes = {"out": self._process.stdout, "err": self._process.stderr}
        self._readers = [
            threading.Thread(target=_read, args=(pipe, self._said[name]), daemon=True)
            for name, pipe in pipes.items()
        ]
        for reader in self._readers:
            reader.start()

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end: exit code (its last eight bits), output, errors."""
        try:
            code = self._process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        for reader in self._readers:
            reader.join(LAST_WORDS_S)
        return code, "".join(self._said["out"]), "".join(self._said["err"])

    def kill(self) -> None:
        """End it now, if it has not ended."""
        self._process.kill()
        self._process.wait(LONGEST_S)


def _read(pipe: IO[str] | None, said: list[str]) -> None:
    if pipe is not None:
        with pipe:
            said.extend(iter(pipe.readline, ""))


@contextmanager
def session(env: Mapping[str, str]) -> Iterator[None]:
    """One program that stays: Wine ends its services with the last program and needs seconds to start them.

    They write where their first program does, so no other may be started before they are up.
    """
    kept = subprocess.Popen(
        [WINE, "cmd.exe"], env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if kept.stdin is None or kept.stdout is None:
        raise RuntimeError("cmd.exe was started without pipes")
    kept.stdin.write("echo up-and-running\n")
    kept.stdin.flush()
    while "up-and-running" not in kept.stdout.readline():
        if kept.poll() is not None:
            raise RuntimeError("Wine's cmd.exe ended at once")
    try:
        yield
    finally:
        kept.stdin.write("exit\n")
        kept.stdin.close()
        kept.wait(timeout=LONGEST_S)
        kept.stdout.close()


def windows_path(path: Path) -> str:
    """What Windows calls a file of this machine."""
    return "Z:" + str(path).replace("/", "\\")
