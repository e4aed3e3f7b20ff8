"""Remembers what the log told its subscribers."""

from __future__ import annotations

from maydan.storage.log import LoggedEvent


class EventRecorder:
    """A subscriber of the log that keeps every event; ``await site.settled()`` first, then look."""

    def __init__(self) -> None:
        """Begin with nothing recorded."""
        self.all: list[LoggedEvent] = []

    @property
    def name(self) -> str:
        """The subscriber's name in the log's positions."""
        return "testing.recorder"

    async def handle(self, event: LoggedEvent) -> None:
        """Keep the event, once: the log may tell it again."""
        if all(event.position != known.position for known in self.all):
            self.all.append(event)

    def of(self, type: str, subject_id: str | None = None) -> list[LoggedEvent]:
        """Return the events of a type, such as ``entry.published``, oldest first; only those of one thing."""
        return [
            event for event in self.all if event.type == type and (subject_id is None or event.subject_id == subject_id)
        ]

    @property
    def types(self) -> list[str]:
        """The types of all events, oldest first."""
        return [event.type for event in self.all]
