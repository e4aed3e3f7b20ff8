"""What a subscriber of the log is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from maydan.storage.log import LoggedEvent


class Subscriber(Protocol):
    """Gets every event of the log, in order, at least once."""

    @property
    def name(self) -> str:
        """Its name in ``maydan_subscriptions``: never change it, or it starts again from the beginning."""
        ...

    async def handle(self, event: LoggedEvent) -> None:
        """Do what the event asks for.

        An error means: not done, try again. The same event may come twice, known by its ``position``; whatever must
        happen once only remembers that. Nothing limits the time but the subscriber itself.
        """
        ...


class Held(Exception):
    """Whatever the event, it cannot be handed over now: this counts as no try, and the place in the log is held.

    Whoever raises it bounds by itself for how long an event is worth waiting with.
    """


@runtime_checkable
class BatchSubscriber(Subscriber, Protocol):
    """Takes many events at once where it can, because one transaction for all is cheaper."""

    async def handle_all(self, events: Sequence[LoggedEvent]) -> None:
        """Do what the events ask for, all or nothing; after an error they come one by one."""
        ...


@runtime_checkable
class HoldingSubscriber(Subscriber, Protocol):
    """May not be handed everything now; its place in the log is held meanwhile, and nothing counts as a failed try."""

    def is_held(self, event: LoggedEvent) -> bool:
        """Tell whether this event, and with it what follows, has to wait; it is asked again every ``poll_s``."""
        ...
