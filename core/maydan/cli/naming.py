"""Which command this process carries out, as an operator gave it; imported before anything else is."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

COMMAND: Final[ContextVar[str]] = ContextVar("maydan_command", default="")
"""Such as ``maydan user create``, without its arguments, which may name people."""
