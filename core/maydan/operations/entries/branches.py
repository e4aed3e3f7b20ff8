"""What is to be done at each name of the include paths, worked out once for all documents of a type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from maydan.content.splices import Cutter, Finder, is_alone
from maydan.content.types import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.includes import Portion
    from maydan.content.types import ContentType, Field


class Step(Struct, frozen=True, eq=False):
    """A relation, and what is to be done with its targets."""

    field: Field
    branch: Branch
    portion: Portion | None
    """Which of the targets are wanted, where the relation leads to many; ``None`` is all."""

    def most(self, ids: list[str]) -> int:
        """Return how many targets are shown at most."""
        limit = None if self.portion is None else self.portion.limit
        return len(ids) if limit is None else min(len(ids), limit)


class Way(Struct, frozen=True, eq=False):
    """What a branch means in documents of one type."""

    type: ContentType
    steps: tuple[Step, ...]
    """The relations that are fields of the type itself."""
    cutter: Cutter | None
    """Finds them, in their order; ``None`` where there are relations in components or blocks too."""
    chooses: bool
    """Whether, of what some of them lead to, only some is wanted, or all in an order."""


class Branch(Struct, kw_only=True, eq=False):
    """What is to be done at one name of the include paths: which names go on from it, and what is shown of targets."""

    names: dict[str, Branch] = {}
    fields: set[str] | None = None
    """Of the entries that stand here; ``None`` is all that may be read."""
    portion: Portion | None = None
    """Which of the entries that a relation to many leads to; ``None`` is all, in the relation's order."""
    ways: dict[tuple[int, bool], Way] = {}
    """What was worked out, by the identity of the type, which is kept beside it."""
    steps: dict[int, Step] = {}
    """Those that end here, by the identity of the relation, which is kept beside it."""

    def shown(self, allowed: frozenset[str]) -> frozenset[str]:
        """Return the members of an entry that stands here: what is included is shown too, and the id always."""
        return allowed if self.fields is None else allowed & {"id", *self.fields, *self.names}

    def way_in(self, content_type: ContentType, *, maps: bool) -> Way:
        """Return what is to be done in documents of a type, which hold every locale in ``maps``."""
        way = self.ways.get((id(content_type), maps))
        if way is None:
            way = self.ways[id(content_type), maps] = self._way(content_type, maps=maps)
        return way

    def _way(self, content_type: ContentType, *, maps: bool) -> Way:
        found = [(inner, field) for name, inner in self.names.items() if (field := content_type.field(name))]
        relations = [(inner, field) for inner, field in found if field.kind is Kind.RELATION]
        steps = tuple(inner.step_through(field) for inner, field in relations)
        if len(relations) < len(found):
            return Way(content_type, steps, None, chooses=True)
        finders = [Finder(field.name, field.many, is_alone(content_type, field, maps=maps)) for _, field in relations]
        return Way(content_type, steps, Cutter(finders), chooses=any(step.portion for step in steps))

    def step_through(self, field: Field) -> Step:
        """Return what is to be done at a relation that leads to this branch."""
        step = self.steps.get(id(field))
        if step is None:
            step = self.steps[id(field)] = Step(field, self, self.portion if field.many else None)
        return step


def branch_of(
    include: Sequence[tuple[str, ...]], fields: Sequence[str] | None, portions: Sequence[Portion] = ()
) -> Branch:
    """Return the tree of the paths, with the fields that are asked for in each place (``title,author.name``)."""
    root = Branch(names={}, fields=None if fields is None else set())
    wanted = {portion.path: portion for portion in portions}
    for path in include:
        place = root
        for name in path:
            place = place.names.setdefault(name, Branch(names={}))
        place.portion = wanted.get(path)
    for name in fields or ():
        *path, last = name.split(".")
        place = root
        for step in path:
            place = place.names[step]
        place.fields = {*(place.fields or ()), last}
    return root
