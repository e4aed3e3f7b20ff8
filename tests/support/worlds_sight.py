"""What a reader may see of an entry, worked out the slow and plain way from the policies as they were written.

It shares nothing with the compiler of policies and nothing with the queries; documents alone are rendered by the code
that renders them for everybody. Whatever is not in a sight may change no answer.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec
from naive_filters import Naive
from worlds import Reader, World

from maydan.content.types import ContentType
from maydan.operations.publication import locale_status
from maydan.operations.rendering import document_keys, document_row, maps_document
from maydan.storage.documents import PUBLISHED
from maydan.storage.entries import EntryRow, Publication

ENVELOPE = ("id", "type", "status", "version", "locale", "created_at", "updated_at", "published_at", "state")
AUTHORS = frozenset({"created_by", "updated_by"})
_NOBODY = "nobody at all"


class State(NamedTuple):
    """Everything that is stored of one entry, but for its names and links, which follow from it."""

    entry: EntryRow
    versions: dict[int, tuple[dict[str, Any], str | None]]
    """By number the stored form and who saved it, the newest too."""


def sight(world: World, reader: Reader, content_type: ContentType, state: State | None) -> dict[str, Any]:
    """Return everything that the reader may learn from an entry."""
    if state is None:
        return {}
    seen: dict[str, Any] = {}
    eyes = _Eyes(world, reader, content_type)
    _look(eyes, "now", state.entry, seen)
    if not any(key.startswith("now") for key in seen):
        return seen
    for number, (body, by) in state.versions.items():
        _look(eyes, f"version {number}", _past(state.entry, number, body, by), seen, newest_only=True)
    return seen


class _Eyes(NamedTuple):
    world: World
    reader: Reader
    type: ContentType

    def fields(self, action: str, document: dict[str, Any]) -> frozenset[str]:
        """Return what may be read of one document; nothing where it may not be read at all."""
        granted: set[str] = set()
        is_allowed = False
        for policy in self._policies(action, document):
            named = set(policy["fields"])
            if policy["effect"] == "deny":
                if "*" in named:
                    return frozenset()
                continue
            is_allowed = True
            shared = {field.name for field in self.type.fields if not field.private} | {"slug", "tags", *AUTHORS}
            granted |= shared if "*" in named else named
            if "title" in granted:
                granted.add("slug")
        for policy in self._policies(action, document):
            if policy["effect"] == "deny":
                granted -= set(policy["fields"])
        if not is_allowed:
            return frozenset()
        if action == "read":
            granted -= AUTHORS - self.fields("read_draft", document)
        secret = {field.name for field in self.type.fields if field.kind == "secret"}
        return frozenset(granted - secret) | frozenset(ENVELOPE)

    def _policies(self, action: str, document: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            policy
            for policy in self.world.policies
            if policy["role"] in self.reader.roles
            and action in policy["actions"]
            and policy["type"] in ("*", self.type.name)
            and (self.type.drafts or policy["type"] != "*" or policy["role"] != "anonymous"
                 or policy["effect"] == "deny")
            and self._holds(policy.get("condition"), document)
        ]  # fmt: skip

    def _holds(self, condition: dict[str, Any] | None, document: dict[str, Any]) -> bool:
        if condition is None:
            return True
        text = json.dumps(condition)
        bound = text.replace("$actor.id", self.reader.id or _NOBODY).replace("$now", "9999-12-31T00:00:00Z")
        naive = Naive(find=lambda _: None, decimals=frozenset(), folded=str.casefold)
        return naive.holds(json.loads(bound), document)


def _look(eyes: _Eyes, label: str, entry: EntryRow, seen: dict[str, Any], *, newest_only: bool = False) -> None:
    content_type, space = eyes.type, eyes.world.space
    everywhere: dict[int, frozenset[str]] = {}
    for perspective, locale in sorted(document_keys(content_type, space, entry)):
        if newest_only and perspective == PUBLISHED and content_type.drafts:
            continue
        row = document_row(content_type, space, entry, perspective, locale)
        body, private = msgspec.json.decode(row.body), msgspec.json.decode(row.private)
        notes = {**body.pop("_locales", {}), **private.pop("_locales", {})}
        document = {**body, **private}
        actions = ["read_draft"] if newest_only or perspective != PUBLISHED else ["read", "read_draft"]
        fields = frozenset[str]().union(*(eyes.fields(action, document) for action in actions))
        everywhere[perspective] = everywhere.get(perspective, fields) & fields
        allowed = [bool(eyes.fields(action, document)) for action in ("update", "delete", "publish", "comment")]
        if any(allowed):
            seen[f"may {label} {perspective} {locale}"] = allowed
        if fields:
            shown = {name: document.get(name) for name in sorted(fields)}
            told = {name: notes[name] for name in sorted(notes) if name in fields}
            # Whether a locale has content of its own is told like its status, whatever may be read of that content.
            seen[f"{label} {perspective} {locale}"] = [shown, told, row.translated]
            if perspective != PUBLISHED:
                seen[f"status {label} {locale}"] = locale_status(content_type, entry, locale)
    for perspective, fields in everywhere.items():
        if fields:
            maps = maps_document(content_type, space, entry, perspective)
            stored = _stored(content_type, entry, perspective)
            seen[f"{label} {perspective} *"] = [
                [maps.get(name), name in stored, stored.get(name)] for name in sorted(fields)
            ]


def _stored(content_type: ContentType, entry: EntryRow, perspective: int) -> dict[str, Any]:
    """Return the stored form by names: a difference of versions tells what is absent from what is null."""
    published = perspective == PUBLISHED and content_type.drafts and entry.published is not None
    body = entry.published.body if published and entry.published else entry.body
    names = {field.id: field.name for field in content_type.fields}
    return {names.get(key, key): value for key, value in body.items()}


def _past(entry: EntryRow, number: int, body: dict[str, Any], by: str | None) -> EntryRow:
    shown = entry.published.locales if entry.published else {}
    locales = {locale: part for locale, part in shown.items() if part.version == number}
    published = Publication(locales=locales, body=body) if locales else None
    return msgspec.structs.replace(entry, version=number, body=body, published=published, updated_by=by)
