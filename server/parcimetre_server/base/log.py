"""Logging: one line per event on stderr, without secrets and without personal data.

A line has its time (UTC), level, event and the id of the request it belongs to. Whoever logs names devices
by id only, and never what a request carried.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

from .names import shown

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)


def configure(form: str = "text") -> None:
    """Set up the process's logging, as text or as JSON Lines; called once, by `parcimetre serve`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLine() if form == "json" else TextLine())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


class TextLine(logging.Formatter):
    """`2026-11-24T10:07:07.123Z WARNING parcimetre_server.operations.jobs [request id] what happened`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        request = REQUEST_ID.get()
        of_request = f" [{request}]" if request else ""
        told = f"{record.getMessage()}{_trace(self, record)}"
        line = f"{_time(record)} {record.levelname} {record.name}{of_request} {told}"
        return shown(line.replace("\r", r"\r").replace("\n", r"\n"))


class JsonLine(logging.Formatter):
    """An object with time, level, event, source, and request_id and trace where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        told = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "source": record.name,
            "request_id": REQUEST_ID.get(),
            "trace": _trace(self, record),
        }
        return shown(json.dumps({key: value for key, value in told.items() if value}, ensure_ascii=False))


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return f"\n{formatter.formatException(record.exc_info)}" if record.exc_info else ""
