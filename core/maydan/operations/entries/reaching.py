"""The types behind relations, as far as one caller may read their entries; what paths and includes go by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import Struct

from maydan.access.actions import Action
from maydan.access.conditions import all_of
from maydan.content.paths import Reached
from maydan.errors import BadParameter
from maydan.operations.entries.views import MAPS
from maydan.storage.documents import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maydan.access.decisions import Decision
    from maydan.content.types import ContentType
    from maydan.operations.scopes import Scope

T = TypeVar("T")
Judged: TypeAlias = "Mapping[str, tuple[ContentType, Decision] | None]"
"""By name the types behind relations, and what a caller may read of them; ``None`` where there is no such type."""


class Perspective(Struct, frozen=True, kw_only=True):
    """How entries are looked at; it holds for all that a relation leads to as well."""

    draft: bool
    """The newest version of every entry, instead of what is published."""
    locale: str
    """``*`` for the maps of all locales."""
    translated_only: bool = False


def decision_on(scope: Scope, *, draft: bool) -> Decision:
    """Return what the caller may read of the type under the perspective."""
    return scope.decide(Action.READ_DRAFT if draft and scope.type.drafts else Action.READ)


def locales_of(scope: Scope, perspective: Perspective, stored: int) -> tuple[str, ...]:
    """Return the locales in which entries of the scope's type are looked for: each counts in the first that it has.

    For maps that is the default locale, and then those in which there may be entries that have nothing in it.

    Args:
        scope: Gives the space and the type.
        perspective: How the entries are looked at.
        stored: The perspective of their documents as it is stored.
    """
    if perspective.locale != MAPS:
        return (perspective.locale,)
    space = scope.space
    locales = tuple(dict.fromkeys((space.default_locale, *space.locales)))
    if perspective.translated_only:
        return locales
    if stored != PUBLISHED or not scope.type.drafts:
        return locales[:1]
    # What is published in one locale is there for readers of every locale that falls back to it.
    found: dict[str, set[str]] = {}
    for locale in locales:
        chain = set(space.chain(locale))
        if not chain <= set[str]().union(*found.values()):
            found[locale] = chain
    return tuple(found)


def depends_on_types_alone(judged: Judged) -> bool:
    """Tell whether others may have the same decisions: those with conditions may be made for one caller."""
    return all(found is None or found[1].denied or found[1].unconditional for found in judged.values())


def is_judged_alike(scope: Scope, judged: Judged, *, draft: bool) -> bool:
    """Tell whether a caller has the same types behind the relations, and may read the same of them.

    Compared is by identity: a changed type or policy makes new objects. Whoever keeps ``judged`` keeps them alive.
    """
    for name, known in judged.items():
        content_type = scope.core.registry.cached_type(scope.space, name)
        if content_type is None or known is None:
            if content_type is not None or known is not None:
                return False
            continue
        decision = decision_on(scope.beside(content_type), draft=draft)
        if content_type is not known[0] or decision is not known[1]:
            return False
    return True


class Reaching:
    """Finds types by name for one caller; remembers those that it found."""

    def __init__(self, scope: Scope, *, draft: bool) -> None:
        """Look at types as the caller of the scope, under a perspective."""
        self._scope = scope
        self._draft = draft
        self._known: dict[str, Reached | None] = {}
        self._missing: set[str] = set()
        self.types: dict[int, ContentType] = {}
        """The types that were found, by their keys."""
        self.asked: dict[str, tuple[ContentType, Decision] | None] = {}
        """What was found of each name that was asked for, also where nothing of it may be read."""

    def __call__(self, name: str) -> Reached | None:
        """Return the type, or ``None`` where the caller may read nothing of it."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Reached | None:
        scope = self._scope
        content_type = scope.core.registry.cached_type(scope.space, name)
        if content_type is None:
            self._missing.add(name)
            self.asked[name] = None
            return None
        decision = decision_on(scope.beside(content_type), draft=self._draft)
        self.asked[name] = content_type, decision
        if decision.denied:
            return None
        self.types[content_type.key] = content_type
        readable = {field: all_of((decision.row, only)) for field, only in decision.filterable.items()}
        return Reached(content_type, readable)

    async def checked(self, check: Callable[[], T]) -> T:
        """Return the result of a check that follows paths; types that this worker does not know yet are looked up.

        Raises:
            BadParameter: The check says so, with every type known.
        """
        try:
            return check()
        except BadParameter:
            if not await self._look_up():
                raise
        return check()

    async def _look_up(self) -> bool:
        missing, self._missing = self._missing, set()
        found: list[Any] = [await self._scope.core.registry.find_type(self._scope.space, name) for name in missing]
        self._known.clear()
        return any(found)
