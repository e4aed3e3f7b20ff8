"""Settings of the log's subscribers."""

from __future__ import annotations

from msgspec import Struct


class EventsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[events]`` in ``maydan.toml``."""

    batch_size: int = 200
    """Events that a subscriber gets before its position is saved."""
    tries: int = 5
    """How often an event is tried before it becomes a dead letter."""
    first_pause_s: float = 0.2
    """Seconds before the second try; doubled with each further one, ±20 %."""
    longest_pause_s: float = 30.0
    """Seconds between two tries at most."""
    lease_s: float = 15.0
    """Seconds after which another worker takes over from one that has died."""
    poll_s: float = 1.0
    """Seconds between two looks at the log when nobody says that there is something new."""
