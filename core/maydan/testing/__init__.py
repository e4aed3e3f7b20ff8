"""The kit with which plugin authors test: a whole instance in the process, with nothing but the plugin under test.

``pytest`` finds the fixture ``site`` by itself where Maydan is installed; ``open_site`` is the same without pytest.
Nothing of the core imports it.
"""

from __future__ import annotations

from maydan.testing.clients import Client
from maydan.testing.clock import TestClock
from maydan.testing.factories import Factory
from maydan.testing.recorder import EventRecorder
from maydan.testing.site import Entry, Site, open_site

__all__ = ["Client", "Entry", "EventRecorder", "Factory", "Site", "TestClock", "open_site"]
