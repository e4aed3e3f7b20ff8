"""Webhooks: telling other servers what happened, each in its own lane, until they have taken it or three days are over.

``FanOut`` is a subscriber of the log that turns each event into one delivery for every webhook that wants it.
``Sender`` delivers: for each webhook one worker at a time, in order for each entry. ``operations.webhooks`` makes and
changes webhooks, and says what their makers may know of an event.
"""

from __future__ import annotations

from maydan.events.webhooks.fan_out import FanOut
from maydan.events.webhooks.sender import Sender

__all__ = ["FanOut", "Sender"]
