"""Write sentences for people: results to standard output, warnings and errors to standard error."""

from __future__ import annotations

import sys

from .errors import AgentError


def print_line(sentence: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(sentence + "\n")


def print_error(error: Exception) -> int:
    """Write an error to standard error. Returns the exit code of the program."""
    if isinstance(error, AgentError):
        sys.stderr.write(f"parcimetre-agent: {error}\n")
        return error.exit_code
    sys.stderr.write(f"parcimetre-agent: {error}; check the data folder, its owner and its disk\n")
    return 2


def print_warning(sentence: str) -> None:
    """Write one sentence to standard error, for the journal."""
    sys.stderr.write(f"parcimetre-agent: {sentence}\n")
