"""The driver, which has no types of its own: everything of it is ``Any`` and comes from here."""

from __future__ import annotations

from typing import Any, Final

import asyncpg as _asyncpg  # pyright: ignore[reportMissingTypeStubs] - it ships none

asyncpg: Final[Any] = _asyncpg
"""The package."""

Connection = Any
"""An ``asyncpg.Connection``."""
