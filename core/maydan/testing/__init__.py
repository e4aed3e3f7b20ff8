"""The kit with which plugin authors test: a whole instance in the process, with nothing but the plugin under test.

``pytest`` finds the fixture ``site`` by itself where Maydan is installed; ``open_site`` is the same without pytest.
Nothing of the core imports it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from maydan.testing.clients import Client
    from maydan.testing.clock import TestClock
    from maydan.testing.factories import Factory
    from maydan.testing.recorder import EventRecorder
    from maydan.testing.site import Entry, Site, open_site

__all__ = ["Client", "Entry", "EventRecorder", "Factory", "Site", "TestClock", "open_site"]

_HOMES: Final = {
    "Client": "clients",
    "Entry": "site",
    "EventRecorder": "recorder",
    "Factory": "factories",
    "Site": "site",
    "TestClock": "clock",
    "open_site": "site",
}


def __getattr__(name: str) -> Any:
    # pytest loads the fixtures of every installed package; one that is not asked for must cost nothing.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
