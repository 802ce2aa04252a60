"""Errors that end a program. Each message is one sentence: what is wrong, where, and the fix."""

from __future__ import annotations


class AgentError(Exception):
    """Shown to the user as it is; the process ends with `exit_code`."""

    exit_code = 2


class BadSettings(AgentError):
    """A setting is absent or makes no sense."""


class BadDataDir(AgentError):
    """The data folder cannot be used."""


class Refused(AgentError):
    """The answer was no. `status` is HTTP's; `by_collector` is false when a proxy may have said it.

    `kind` is the collector's word for the reason, such as "unknown-schema"; empty where it gives none.
    """

    def __init__(self, status: int, detail: str, by_collector: bool = True, kind: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.by_collector = by_collector
        self.kind = kind


class Unreachable(AgentError):
    """No answer, or one that says to come back; everything stays in the spool."""

    exit_code = 1

    def __init__(self, sentence: str, retry_after_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s
