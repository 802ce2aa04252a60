"""Errors that a person can fix: what is wrong, where, and what to do."""

from __future__ import annotations


class ParcimetreError(Exception):
    """An expected error. `status`, `kind` and `headers` serve when it becomes a problem document."""

    status = 400
    kind = "bad-request"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with the answer."""
        return {}


class BadSetting(ParcimetreError):
    """A setting that is not valid."""
