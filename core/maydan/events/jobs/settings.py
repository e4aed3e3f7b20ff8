"""Settings of the jobs."""

from __future__ import annotations

from msgspec import Struct


class JobsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[jobs]`` in ``maydan.toml``."""

    at_once: int = 4
    """Jobs that one worker carries out at the same time."""
    lease_s: float = 60.0
    """Seconds after which another worker takes over from one that has died; a long job renews its lease meanwhile."""
    poll_s: float = 1.0
    """Seconds between two looks at what is due."""
    first_pause_s: float = 5.0
    """Seconds before the second try; four times as long before each further one, ±20 %."""
    longest_pause_s: float = 3600.0
    """Seconds between two tries at most."""
    keep_days: int = 7
    """Days that finished, cancelled and failed jobs can be looked at."""
