"""Logs of the process: standard logging, one JSON object a line.

structlog takes 0.35 s to import and standard logging nothing, so the lines are made here; a plugin that wants structlog
can use its standard library adapter and reaches the same handler.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from maydan.http.settings import LogSettings

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
"""What every record has; everything else was given with ``extra`` and belongs into the line."""

_TOKEN: Final = re.compile(r"mdn_[^/]*")
"""What our tokens begin with; see ``accounts/tokens.py``."""


def _given(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was given with ``extra``."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class JsonLines(logging.Formatter):
    """One object a line: ``at level logger message``, what was given as ``extra``, and ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for a record."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _given(record)
        if record.exc_info and record.exc_info[0]:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return msgspec.json.encode(line, enc_hook=repr).decode()


class PlainLines(logging.Formatter):
    """For people: time, level, message, and what was given as ``extra``."""

    def __init__(self) -> None:
        """Format with the time of day."""
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the line without the traceback."""
        given = " ".join(f"{name}={value}" for name, value in _given(record).items())
        return f"{super().formatMessage(record)} {given}".rstrip()


def configure_logs(settings: LogSettings) -> None:
    """Send everything that is logged to stderr, in the format that is set."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else PlainLines())
    logging.basicConfig(handlers=[handler], level=settings.level.upper(), force=True)
    for noisy in ("asyncio", "litestar"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log_request(method: str, path: str, status: int, seconds: float, **more: object) -> None:
    """Write the line of one request (``[log] requests``); the query is left out, as it may hold what is private.

    So are tokens in the path, such as that of an invitation.
    """
    if "mdn_" in path:
        path = _TOKEN.sub("***", path)
    logging.getLogger("maydan.http.requests").info(
        "%s %s %d", method, path, status, extra={"status": status, "duration_ms": round(seconds * 1000, 2), **more}
    )
