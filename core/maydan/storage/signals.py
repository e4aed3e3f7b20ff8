"""Telling the rest of the process that something was committed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

Listener = Callable[[str], None]

ELSEWHERE = "elsewhere"
"""Another process may have committed anything: look at everything."""
LOG = "log"
"""There are new events in the log."""

_logger = logging.getLogger(__name__)


class Signals:
    """Names of what was committed, passed on to listeners on the event loop.

    A signal is a hint and may be lost with its process; what must not be missed also polls.
    """

    def __init__(self) -> None:
        """Start without listeners."""
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with the name of every signal; returns the function that ends it."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def send(self, names: Iterable[str]) -> None:
        """Tell every listener; what one raises is logged and does not reach the writer, whose commit has happened."""
        for name in names:
            for listener in tuple(self._listeners):
                try:
                    listener(name)
                except Exception:
                    _logger.exception("A listener failed on the signal %s.", name)
