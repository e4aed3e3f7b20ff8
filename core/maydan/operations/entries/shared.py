"""Which answers a shared cache may keep without asking again, and all that they depend on, as tags.

Those that everybody gets alike who is not logged in, and that show nothing but what is published: then a change of one
of the tags' entries, types or of the space is all that can change them, and each of these is told in the log
(``events/caches``). What depends on anything else, such as the moment or single rows that somebody may not read, gets
no tags, and a cache has to ask each time.

A relation that is not included shows the id of its target, whatever becomes of that, so it is no dependency. Neither
is a type or a field of which the caller may read nothing: as long as nobody changes a role or a type, which makes the
whole space stale, nothing of it shows. So tags lead no further than the caller can look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.access.decisions import AUTHORS
from maydan.content.fields import block_fields, inner_fields
from maydan.content.types import Kind
from maydan.events.caches import entry_tag, space_tag, type_tag
from maydan.operations.entries.reaching import decision_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maydan.access.decisions import Decision
    from maydan.content.types import ContentType, Field
    from maydan.operations.entries.branches import Branch
    from maydan.operations.entries.reaching import Judged
    from maydan.operations.scopes import Scope

_MOST_TYPES: Final = 30
"""Types that one answer may depend on; with more of them the header would be longer than caches take."""


def shares(scope: Scope) -> bool:
    """Tell whether what the caller reads may be kept for others at all."""
    return scope.core.settings.cache.shared_s > 0 and scope.caller.actor.kind == "anonymous" and scope.link is None


def tags_of_entry(
    scope: Scope, decision: Decision, branch: Branch, asked: Judged, entry_id: str, *, is_certain: bool
) -> tuple[str, ...]:
    """Return the tags of one entry's published form; none where a shared cache may not keep it.

    Args:
        scope: Who reads, before the entry's type.
        decision: What the caller may read of the type.
        branch: What is included.
        asked: The types that paths were followed through.
        entry_id: The entry.
        is_certain: Whether the same address can lead to another entry only after this one has changed.
    """
    found = _dependencies(scope, decision, branch, asked)
    if found is None:
        return ()
    if not is_certain:
        found.add(scope.type.name)
    return (entry_tag(entry_id), *_tags(scope, found))


def tags_of_list(scope: Scope, decision: Decision, branch: Branch, asked: Judged, *, draft: bool) -> tuple[str, ...]:
    """Return the tags of a list of the scope's type; none where a shared cache may not keep it, whoever asks for it.

    The parameters are those of :func:`tags_of_entry`; ``draft`` is whether newest versions are looked at.
    """
    if draft or not scope.core.settings.cache.shared_s:
        return ()
    found = _dependencies(scope, decision, branch, asked)
    return () if found is None else _tags(scope, {*found, scope.type.name})


def _tags(scope: Scope, types: Iterable[str]) -> tuple[str, ...]:
    space = scope.space.name
    return (*(type_tag(space, name) for name in sorted(types)), space_tag(space))


def _dependencies(scope: Scope, decision: Decision, branch: Branch, asked: Judged) -> set[str] | None:
    """Return the types that an answer depends on beside its own; ``None`` where there is more to it than types."""
    if not _is_plain(decision):
        return None
    reached = _Reached(scope)
    for name, known in asked.items():
        reached.add(name, known)
    reached.follow(_readable(scope.type, decision), branch)
    return reached.names if reached.is_complete and len(reached.names) <= _MOST_TYPES else None


def _is_plain(decision: Decision) -> bool:
    """Tell whether nobody's rights to single rows count, nor does who last changed a draft, which no event tells."""
    return decision.unconditional and decision.fields.isdisjoint(AUTHORS)


def _readable(content_type: ContentType, decision: Decision) -> tuple[Field, ...]:
    return tuple(field for field in content_type.fields if field.name in decision.fields)


class _Reached:
    """The types that an answer's paths lead to."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.names: set[str] = set()
        self.is_complete = True
        """Whether what is shown of them depends on what is published, and on nothing else."""

    def add(self, name: str, known: tuple[ContentType, Decision] | None) -> None:
        """Take in a type with what the caller may read of it.

        One that this worker does not know may be new, and its rights are not judged yet; of a plugin's it knows all.
        """
        if known is not None and known[1].denied:
            return
        self.names.add(name)
        is_plain = "." in name if known is None else _is_plain(known[1])
        self.is_complete = self.is_complete and is_plain

    def follow(self, fields: Iterable[Field], branch: Branch) -> None:
        """Take in what the names of a branch lead to, in components and blocks too."""
        if not branch.names:
            return
        for field in fields:
            inner = branch.names.get(field.name)
            if inner is None:
                continue
            if field.kind is Kind.RELATION:
                self._follow_relation(field, inner)
            else:
                members = (inner_fields(field), *block_fields(field).values())
                for group in members:
                    self.follow(group, inner)

    def _follow_relation(self, field: Field, branch: Branch) -> None:
        scope = self._scope
        for name in field.to:
            content_type = scope.core.registry.cached_type(scope.space, name)
            if content_type is None:
                self.add(name, None)
                continue
            decision = decision_on(scope.beside(content_type), draft=False)
            self.add(name, (content_type, decision))
            self.follow(_readable(content_type, decision), branch)
