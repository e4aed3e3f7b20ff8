"""What must be loaded before rows are judged: the targets of relations that conditions of policies go through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from maydan.access.actions import ANY
from maydan.access.compiling import Seen, condition_of
from maydan.access.conditions import NEVER
from maydan.content.conditions import CONNECTIVES, Compare, compares
from maydan.content.types import ContentType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maydan.access.compiling import FindType
    from maydan.access.policies import Policy


class Paths(Struct, frozen=True):
    """The comparisons on one type that go through relations."""

    compares: tuple[Compare, ...] = ()
    types: tuple[tuple[str, ContentType | None], ...] = ()
    """The types behind the relations, as they were."""

    def is_current(self, find: FindType) -> bool:
        """Tell whether the types behind relations are still what they were."""
        return all(find(name) is known for name, known in self.types)


def paths_through(policies: Iterable[Policy], content_type: ContentType, find: FindType) -> Paths:
    """Collect the comparisons that go through relations, whoever they are written for.

    What readers may do is judged by what is published of the targets, everything else by their newest versions, so a
    policy may give two of each.
    """
    seen = Seen(find)
    found: list[Compare] = []
    for policy in policies:
        # Ten thousand conditions are read in a moment only where they are not read at all.
        if policy.type != content_type.name or policy.condition is None or not is_deep(policy.condition):
            continue
        for action in _perspectives(policy):
            condition = condition_of(policy, content_type, seen.reach(action))
            if condition is None or condition == NEVER:
                continue
            found += [one for one in compares(condition) if one.target and one.target.hops and one not in found]
    return Paths(tuple(found), tuple(seen.types.items()))


def is_deep(written: dict[str, Any]) -> bool:
    """Tell whether a condition may have a path of more than one name."""
    for key, value in written.items():
        if key in CONNECTIVES:
            parts = cast("list[object]", value if isinstance(value, list) else [value])
            if any(isinstance(part, dict) and is_deep(cast("dict[str, Any]", part)) for part in parts):
                return True
        elif "." in key or (isinstance(value, dict) and any(isinstance(one, dict) for one in value.values())):  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            return True
    return False


def _perspectives(policy: Policy) -> tuple[str, ...]:
    reads = ("read",) if {"read", ANY} & set(policy.actions) else ()
    return reads if set(policy.actions) == {"read"} else (*reads, "update")
