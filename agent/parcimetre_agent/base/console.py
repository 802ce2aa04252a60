"""Write sentences for people: results to standard output, warnings and errors to standard error."""

from __future__ import annotations

import sys

from .errors import AgentError


def print_line(sentence: str) -> None:
    """One line for the user."""
    sys.stdout.write(sentence + "\n")


def print_error(error: Exception) -> int:
    """Say on standard error what a program cannot go on from; its exit code."""
    if isinstance(error, AgentError):
        sys.stderr.write(f"parcimetre-agent: {error}\n")
        return error.exit_code
    sys.stderr.write(f"parcimetre-agent: {error}; check the data folder, its owner and its disk\n")
    return 2


def print_warning(sentence: str) -> None:
    """One sentence for the journal."""
    sys.stderr.write(f"parcimetre-agent: {sentence}\n")
