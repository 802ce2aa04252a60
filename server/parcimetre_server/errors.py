"""Errors that a person can mend: one sentence that says what is wrong, where, and what to do."""

from __future__ import annotations


class ParcimetreError(Exception):
    """An expected error. `status` and `kind` serve when it becomes an RFC 9457 problem document."""

    status = 400
    kind = "bad-request"
