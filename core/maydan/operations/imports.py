"""Importing: what an importer may do with the space it writes to, through the same verbs as everybody."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from maydan.content.slugs import with_number
from maydan.engagement import comments
from maydan.engagement.comments import Comment, CommentStatus
from maydan.errors import UniqueViolation
from maydan.ids import new_id
from maydan.operations import entries
from maydan.operations.comments import event_of
from maydan.operations.scopes import scope_of
from maydan.plugins.importers import ImportedComment, ImportSummary, Outcome, Skipped
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core
    from maydan.operations.scopes import Scope

Progress = Callable[[int, int], None]

_REMEMBER: Final = (
    "INSERT INTO maydan_imports (space_key, source, external_key, kind, target_id, checksum) VALUES (?,?,?,?,?,?)"
    " ON CONFLICT (space_key, source, external_key) DO UPDATE SET"
    " target_id = excluded.target_id, checksum = excluded.checksum"
)
_COMMENT: Final = "comment"
_SLUG_TRIES: Final = 50


class SpaceTarget:
    """The space that an importer writes to; remembers what came from where, so that nothing is imported twice."""

    def __init__(
        self, core: Core, caller: Caller, space: Space, source: str, *, dry_run: bool, progress: Progress
    ) -> None:
        """Write to the space as the caller, or with ``dry_run`` only say what would be written."""
        self._core = core
        self._caller = caller
        self._space = space
        self._source = source
        self._dry_run = dry_run
        self._progress = progress
        self._known: dict[str, tuple[str, str]] | None = None
        self._counts: dict[Outcome, Counter[str]] = {"created": Counter(), "updated": Counter(), "unchanged": Counter()}
        self._skipped: list[Skipped] = []

    async def find(self, key: str) -> str | None:
        """Return the id of the entry that was imported under this key, in this run or an earlier one."""
        known = (await self._load()).get(key)
        return known[0] if known else None

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
        """Create the entry, or bring the one with this key to this content; see ``ImportTarget``."""
        checksum = _checksum(data, publish, publish_at)
        known = (await self._load()).get(key)
        outcome: Outcome = "created" if known is None else "unchanged" if known[1] == checksum else "updated"
        entry_id = known[0] if known else new_id()
        if outcome != "unchanged" and not self._dry_run:
            # What is still to be published is remembered without its checksum: a run that ends here is taken up again.
            written = self._remember(key, type, entry_id, "" if publish else checksum)
            await self._write_under_free_slug(type, entry_id, dict(data), written, is_new=known is None)
            if publish:
                locales = self._space.locales if publish is True else publish
                done = self._remember(key, type, entry_id, checksum)
                await self._publish(type, entry_id, locales, publish_at, done)
        if outcome != "unchanged":
            (await self._load())[key] = (entry_id, checksum)
        self._counts[outcome][type] += 1
        await self._put_comments(type, entry_id, comments)
        return outcome

    def skip(self, kind: str, count: int, reason: str) -> None:
        """Note that things were not taken; the summary shows the number and the reason."""
        self._skipped.append(Skipped(kind=kind, count=count, reason=reason))

    def progress(self, done: int, total: int) -> None:
        """Move the progress bar."""
        self._progress(done, total)

    def summary(self, notes: Sequence[str] = ()) -> ImportSummary:
        """Return what was done so far."""
        return ImportSummary(
            created=dict(self._counts["created"]),
            updated=dict(self._counts["updated"]),
            unchanged=dict(self._counts["unchanged"]),
            skipped=tuple(self._skipped),
            notes=tuple(notes),
        )

    async def _load(self) -> dict[str, tuple[str, str]]:
        """Read once what was imported before: one statement, however large the import."""
        if self._known is None:
            rows = await self._core.store.fetch_all(
                "SELECT external_key, target_id, checksum FROM maydan_imports WHERE space_key = ? AND source = ?",
                self._space.key,
                self._source,
            )
            self._known = {row[0]: (str(row[1]), row[2]) for row in rows}
        return self._known

    async def _write_under_free_slug(
        self, type_name: str, entry_id: str, data: dict[str, Any], remember: Statement, *, is_new: bool
    ) -> None:
        """Write the entry; where something else in the space has its slug already, under that slug with a number."""
        wanted = data.get("slug")
        for number in range(2, _SLUG_TRIES):
            try:
                await self._write(type_name, entry_id, data, remember, is_new=is_new)
            except UniqueViolation as error:
                if wanted is None or all(place.pointer != "/slug" for place in error.errors):
                    raise
                data = {**data, "slug": _numbered(wanted, number)}
            else:
                return
        raise UniqueViolation(f"No free slug was found for {wanted}.")

    async def _write(
        self, type_name: str, entry_id: str, data: dict[str, Any], remember: Statement, *, is_new: bool
    ) -> None:
        scope = await self._scope(type_name)
        if is_new:
            await entries.create(scope, data, entry_id=entry_id, more=[remember])
            return
        await entries.change(scope, entry_id, data, replace=True, precondition=lambda _version: None, more=[remember])

    async def _publish(
        self, type_name: str, entry_id: str, publish: Sequence[str], publish_at: datetime | None, done: Statement
    ) -> None:
        past = publish_at is not None and publish_at <= self._core.clock.now()
        await entries.publish(
            await self._scope(type_name),
            entry_id,
            locales=publish,
            at=None if past else publish_at,
            published_at=publish_at if past else None,
            more=[done],
        )

    async def _put_comments(self, type_name: str, entry_id: str, given: Sequence[ImportedComment]) -> None:
        known = await self._load()
        batch: list[Statement] = []
        for each in given:
            if each.key in known:
                self._counts["unchanged"][_COMMENT] += 1
                continue
            self._counts["created"][_COMMENT] += 1
            comment_id = new_id()
            known[each.key] = (comment_id, "")
            batch += await self._comment(type_name, entry_id, comment_id, each)
        if batch and not self._dry_run:
            await self._core.store.commit(batch)

    async def _comment(self, type_name: str, entry_id: str, comment_id: str, given: ImportedComment) -> list[Statement]:
        scope = await self._scope(type_name)
        parent = (await self._load()).get(given.parent) if given.parent else None
        moment = given.created_at or self._core.clock.now()
        made = Comment(
            id=comment_id,
            space_key=self._space.key,
            type_key=scope.type.key,
            entry_id=entry_id,
            parent_id=parent[0] if parent else None,
            kind=given.kind,
            status=CommentStatus(given.status),
            text=given.text,
            author_id=None,
            author_name=given.author_name,
            author_email=given.author_email,
            author_url=given.author_url,
            version=1,
            created_at=moment,
            updated_at=moment,
        )
        event = event_of(scope, made, "comment.created")
        return [comments.insert(made), event, self._remember(given.key, _COMMENT, comment_id, "")]

    async def _scope(self, type_name: str) -> Scope:
        return await scope_of(self._core, self._caller, self._space, type_name)

    def _remember(self, key: str, kind: str, target_id: str, checksum: str) -> Statement:
        return Statement(_REMEMBER, (self._space.key, self._source, key, kind, target_id, checksum))


def _numbered(slug: Any, number: int) -> Any:
    """Return a slug, or every slug of a map, with a number behind it."""
    if isinstance(slug, dict):
        slugs = cast("dict[str, str]", slug)
        return {locale: with_number(one, number) for locale, one in slugs.items()}
    return with_number(slug, number)


def _checksum(data: Mapping[str, Any], publish: object, publish_at: datetime | None) -> str:
    facts = msgspec.json.encode([dict(data), publish, publish_at], order="deterministic")
    return hashlib.blake2b(facts, digest_size=16).hexdigest()
