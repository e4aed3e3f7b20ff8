"""Whether this process can do its work: asked often by load balancers, so looked up at most once a second."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from maydan.operations.core import Core

KEPT_S: Final = 1.0
_LIMIT_S: Final = 2.0
_log: Final = logging.getLogger("maydan.http")


class Readiness:
    """Knows whether the database answers."""

    def __init__(self, core: Core) -> None:
        """Ask nothing yet."""
        self._core = core
        self._is_ready = False
        self._asked_at = float("-inf")
        self._asking: asyncio.Future[None] | None = None

    async def is_ready(self) -> bool:
        """Tell whether the database answered within the last second; many at once ask it once."""
        if monotonic() - self._asked_at >= KEPT_S:
            if self._asking is None:
                self._asking = asyncio.ensure_future(self._ask())
            await asyncio.shield(self._asking)
        return self._is_ready

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_LIMIT_S):
                await self._core.store.fetch_one("SELECT 1")
            self._is_ready = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the process is not ready
            _log.warning("The database does not answer.", extra={"error": repr(error)})
            self._is_ready = False
        finally:
            self._asked_at = monotonic()
            self._asking = None
