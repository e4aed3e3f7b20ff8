"""How a plugin brings content in from elsewhere: the importer, and what it may do with the space it writes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct, field

Outcome: TypeAlias = Literal["created", "updated", "unchanged"]


class ImportedComment(Struct, frozen=True, kw_only=True):
    """A comment that comes with an imported entry."""

    key: str
    """What the source calls it; importing it again changes nothing."""
    text: str
    parent: str | None = None
    """``key`` of the comment that it answers, earlier in the same list."""
    status: Literal["approved", "waiting", "spam"] = "waiting"
    author_name: str = ""
    author_email: str = ""
    author_url: str = ""
    kind: Literal["comment", "pingback", "trackback"] = "comment"
    created_at: datetime | None = None


class Skipped(Struct, frozen=True, kw_only=True):
    """Things of one kind that an importer did not take, and why."""

    kind: str
    count: int
    reason: str


class ImportSummary(Struct, frozen=True, kw_only=True):
    """What an import did, to be shown to the person who ran it."""

    created: dict[str, int] = field(default_factory=dict[str, int])
    """Number of new entries by content type; comments count under ``comment``."""
    updated: dict[str, int] = field(default_factory=dict[str, int])
    unchanged: dict[str, int] = field(default_factory=dict[str, int])
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences about what the person should look at."""


class ImportTarget(Protocol):
    """The space that an importer writes to, through the one way to write and with the rights of whoever runs it.

    A ``key`` is what the source calls a thing, such as ``wordpress:post:1241``. It is remembered with the entry, so
    that importing the same file again finds it.
    """

    async def find(self, key: str) -> str | None:
        """Return the id of the entry that was imported under this key, in this run or an earlier one."""
        ...

    async def put(
        self,
        type: str,
        key: str,
        data: Mapping[str, Any],
        *,
        publish: bool | Sequence[str] = False,
        publish_at: datetime | None = None,
        comments: Sequence[ImportedComment] = (),
    ) -> Outcome:
        """Create the entry, or bring the one with this key to this content.

        Args:
            type: Name of the content type.
            data: The input as over HTTP: fields by name, ``slug``, ``tags``.
            publish: True for every locale of the space, or the locales.
            publish_at: Aware UTC. In the past it becomes the moment of the publication, in the future it schedules.
            comments: Parents before their answers. They are taken as the source has them: nobody is asked whether
                they may be written, since a discussion that is closed now was open then.
        Raises:
            InvalidInput: The content does not fit its type; nothing was stored of this entry.
        """
        ...

    def skip(self, kind: str, count: int, reason: str) -> None:
        """Note that things were not taken; the summary shows the number and the reason."""
        ...

    def progress(self, done: int, total: int) -> None:
        """Move the progress bar."""
        ...


class Importer(Protocol):
    """Reads one format and writes it to a space."""

    @property
    def name(self) -> str:
        """FORMAT in ``maydan import FORMAT PATH``; lower-case letters, digits and hyphens."""
        ...

    async def run(self, path: Path, target: ImportTarget, options: Mapping[str, str]) -> ImportSummary:
        """Import the file or folder.

        Args:
            options: What came as ``--option name=value``.
        Raises:
            Malformed: The file is not of this format; the detail names the line.
        """
        ...
