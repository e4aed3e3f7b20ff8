"""Settings of the log's subscribers."""

from __future__ import annotations

import re
from typing import ClassVar, Final, Literal

from msgspec import Struct

from maydan.secret import masked_repr

_YEAR_S: Final = 365 * 86400
_VISIBLE: Final = re.compile(r"[!-~]*")
"""What a header takes as one word, whoever stands in between."""


class EventsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[events]`` in ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"first_pause_s", "longest_pause_s"})

    batch_size: int = 200
    """Events that a subscriber gets in one go."""
    tries: int = 5
    """How often an event is tried before it becomes a dead letter; meanwhile others go on, but for the same entry's."""
    first_pause_s: float = 0.2
    """Seconds before the second try; doubled with each further one, ±20 %."""
    longest_pause_s: float = 30.0
    """Seconds between two tries at most."""
    lease_s: float = 15.0
    """Seconds after which another worker takes over from one that has died."""
    poll_s: float = 1.0
    """Seconds between two looks at the log when nobody says that there is something new."""


class WebhooksSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[webhooks]`` in ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"keep_days", "keep_each", "rotation_s", "max_each_space"})

    allow_private: bool = False
    """Also deliver to loopback and private networks; for development, and where receivers stand in the same network."""
    try_s: float = 15.0
    """Seconds that a receiver has for one delivery, from resolving its name to its answer."""
    parallel: int = 32
    """Webhooks of one worker that are delivered to at the same time; slow and failing ones have as many besides."""
    parallel_each: int = 8
    """Deliveries to one webhook at the same time; those about one entry always follow each other."""
    lease_s: float = 10.0
    """Seconds after which another worker takes over the webhooks of one that has died."""
    disable_after_days: float = 5.0
    """Days without a single success after which a webhook is disabled."""
    keep_days: float = 7.0
    """Days for which a delivery is shown."""
    keep_each: int = 1000
    """Deliveries of one webhook that are shown at most, besides those that wait."""
    rotation_s: int = 86400
    """Seconds for which a secret is still signed with after it was replaced."""
    max_each_space: int = 100
    """Webhooks of one space at most."""


class CacheSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[cache]`` in ``maydan.toml``: a cache in front of the API, which keeps what everybody may read."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"shared_s", "settle_s", "longest_pause_s"})

    shared_s: int = 0
    """Seconds for which a shared cache may keep published answers and not ask again, a year at most; 0: it asks each
    time."""
    purge_url: str = ""
    """Where the cache is told which tags are stale; empty: nobody is told, and what is kept lasts ``shared_s``."""
    purge_token: str = ""
    """Bearer token for ``purge_url``, of visible ASCII characters; empty: none is sent."""
    purge_format: Literal["json", "header"] = "json"
    """``json``: answers have ``Cache-Tag``, and tags go by ``POST`` as ``{"tags": […]}``; ``header``: answers have
    ``Surrogate-Key``, and tags go by ``PURGE`` in that header."""
    settle_s: float = 2.0
    """Seconds after which what a change of types, roles or a space made stale is purged once more: by then every worker
    knows of the change."""
    longest_pause_s: float = 30.0
    """Seconds between two tries at most while the cache cannot be told; the first pause is one second."""
    allow_private: bool = False
    """Let ``purge_url`` also lead to loopback and private networks, where the cache stands beside the server."""

    def __post_init__(self) -> None:
        """Refuse what no moment can be reckoned with, and a token that cannot be sent, without showing it."""
        if self.shared_s > _YEAR_S:
            raise ValueError(f"shared_s: expected at most {_YEAR_S}, a year, got {self.shared_s}")
        if not _VISIBLE.fullmatch(self.purge_token):
            raise ValueError("purge_token: expected visible ASCII characters, without blanks and line ends")

    __repr__ = masked_repr


class JobsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[jobs]`` in ``maydan.toml``."""

    MAY_BE_ZERO: ClassVar = frozenset[str]({"first_pause_s", "longest_pause_s", "keep_days"})

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
