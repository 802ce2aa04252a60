"""What the agent cannot go on from. Each message is one sentence: what, where, and the mend."""

from __future__ import annotations


class AgentError(Exception):
    """Shown to the user as it is; the process ends with `exit_code`."""

    exit_code = 2


class BadSettings(AgentError):
    """A setting is absent or makes no sense."""


class BadDataDir(AgentError):
    """The data folder cannot be used."""


class Refused(AgentError):
    """The collector answered, and said no. `status` is the HTTP status."""

    def __init__(self, status: int, detail: str, retry_after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_after_s = retry_after_s


class Unreachable(AgentError):
    """No answer, or one that says to come back; everything stays in the spool."""

    exit_code = 1

    def __init__(self, sentence: str, retry_after_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s
