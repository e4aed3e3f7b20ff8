"""What the sender asks of the rooms above: what may be sent, and signed with which secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from maydan.events.webhooks.records import Webhook
from maydan.storage.log import LoggedEvent


class Prepared(Struct, frozen=True):
    """What is sent."""

    bodies: Sequence[bytes | None]
    """One for each event; None: nothing, since the webhook's maker may not know of it now."""
    secrets: Sequence[str]
    """Those that are valid now."""


class Prepare(Protocol):
    """Says what a webhook's maker may know of events, judged at this moment."""

    async def __call__(self, webhook: Webhook, events: Sequence[LoggedEvent]) -> Prepared:
        """Return the bodies to send."""
        ...
