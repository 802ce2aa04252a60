"""Read the one-line files of /sys and /proc. Paths are plain strings: the resident does not load pathlib."""
# ruff: noqa: PTH118, PTH123, PTH208

from __future__ import annotations

import os


def text(*parts: str) -> str | None:
    """The file's text without surrounding space; None when absent, unreadable or empty."""
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as file:
            return file.read().strip("\0 \t\r\n") or None
    except OSError:
        return None


def integer(*parts: str) -> int | None:
    """The file's whole number, or None."""
    try:
        return int(text(*parts) or "")
    except ValueError:
        return None


def entries(*parts: str) -> list[str]:
    """Names within a folder, sorted; none when there is no such folder."""
    try:
        return sorted(os.listdir(os.path.join(*parts)))
    except OSError:
        return []
