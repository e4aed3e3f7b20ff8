"""Checks a query against a type and against what its caller may read; the result is ready for every back end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import structs

from maydan.content.conditions import LONGEST_PATH, And, Compare, Condition, Not, Or, refuse
from maydan.content.kinds import FOLDED_KINDS, RULES
from maydan.content.operands import convert_operand
from maydan.content.orders import Sort
from maydan.content.paths import find_behind, find_target, goes_through_lists, relations_at
from maydan.content.types import Kind
from maydan.errors import BadParameter, InputError
from maydan.locales.normalizing import normalized

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.content.conditions import Target
    from maydan.content.includes import Portion
    from maydan.content.paths import Reach
    from maydan.content.query import Query
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType


def check_query(
    query: Query, type: ContentType, space: Space, readable: frozenset[str], reach: Reach | None = None
) -> Query:
    """Resolve the paths of a query and convert its values.

    Args:
        query: As parsed.
        type: What is asked.
        space: Gives the locales.
        readable: Names of the fields, those of the system too, that the caller may read: a path to any other, and one
            to nothing, are refused with the same words.
        reach: Finds the types behind relations, for paths that go through them.
    Raises:
        BadParameter: A path, operator, value or locale cannot be used.
    """
    return structs.replace(
        query,
        filter=check_condition(query.filter, type, readable, text=query.text_values, reach=reach),
        sort=tuple(_sort(sort, type, readable, reach) for sort in query.sort),
        fields=query.fields and check_fields(query.fields, type, readable, include=query.include, reach=reach),
        include=check_include(query.include, type, readable, reach),
        portions=check_portions(query.portions, type, reach),
        locale=query.locale and find_locale(space, query.locale),
        text_values=False,
    )


def find_locale(space: Space, asked: str) -> str:
    """Return the locale of the space that ``?locale=`` means, or ``*``.

    Raises:
        BadParameter: The space has no such locale.
    """
    return asked if asked == "*" else known_locale(space, asked)


def known_locale(space: Space, asked: str) -> str:
    """Return the locale of the space that a language tag means, whose case does not matter (BCP 47).

    Raises:
        BadParameter: The space has no such locale.
    """
    for locale in space.locales:
        if locale.lower() == asked.lower():
            return locale
    known = ", ".join(space.locales)
    error = InputError("locale", "unknown_locale", f"must be a locale of this space: {known}")
    raise BadParameter(f"locale must be one of {known}.", code="unknown_locale", errors=(error,))


def check_condition(
    condition: Condition | None,
    type: ContentType,
    readable: frozenset[str] | None,
    *,
    text: bool = False,
    variables: frozenset[str] = frozenset(),
    reach: Reach | None = None,
) -> Condition | None:
    """Resolve the paths of a condition and convert its values.

    Args:
        condition: As read.
        type: Whose documents it judges.
        readable: Names that it may use; ``None`` is all but secret fields, for policies.
        text: Whether the values are text from an address.
        variables: Texts such as ``$actor.id`` that stand for a value and stay.
        reach: Finds the types behind relations; without it no path goes through one.
    Raises:
        BadParameter: A path, operator or value cannot be used.
    """

    def change(compare: Compare) -> Compare:
        place = f"filter[{'.'.join(compare.path)}]"
        target = _find(compare.path, place, type, readable, reach)
        _require_operator(compare, place, target)
        value = _convert(compare, place, target, text=text, variables=variables)
        return Compare(compare.path, compare.op, value, target)

    return None if condition is None else rewritten(condition, change)


def rewritten(condition: Condition, change: Callable[[Compare], Condition]) -> Condition:
    """Return the tree with every comparison replaced."""
    if isinstance(condition, Compare):
        return change(condition)
    if isinstance(condition, Not):
        return Not(rewritten(condition.condition, change))
    parts = tuple(rewritten(part, change) for part in condition.conditions)
    return And(parts) if isinstance(condition, And) else Or(parts)


def _unknown(place: str, path: tuple[str, ...]) -> BadParameter:
    return refuse(place, "unknown_path", f"names {'.'.join(path)!r}, which is no field that you can use here")


def _find(
    path: tuple[str, ...],
    place: str,
    type: ContentType,
    readable: frozenset[str] | None,
    reach: Reach | None = None,
) -> Target:
    target = find_target(type, path, reach)
    if target is None or (readable is not None and path[0] not in readable):
        raise _unknown(place, path)
    return target


def _require_operator(compare: Compare, place: str, target: Target) -> None:
    operators = RULES[Kind.RELATION if compare.path == ("id",) else target.kind].operators
    if "icontains" in operators and not _is_folded(compare.path, target):
        operators -= {"icontains"}
    if compare.op not in operators:
        message = f"is not possible: {', '.join(sorted(operators))}"
        raise refuse(f"{place}[{compare.op}]", "operator_not_for_field", message)


def _is_folded(path: tuple[str, ...], target: Target) -> bool:
    if target.hops:
        return all(_is_folded(path[target.steps :], hop.target) for hop in target.hops)
    plain = len(path) == 1 and not target.private and not target.system and not any(target.many)
    return plain and target.kind in FOLDED_KINDS


def _convert(compare: Compare, place: str, target: Target, *, text: bool, variables: frozenset[str]) -> Any:
    value = compare.value
    if isinstance(value, str) and value in variables:
        return value
    if _is_of_system(target):
        value = _composed(value)
    try:
        if variables and isinstance(value, tuple):
            listed = cast("tuple[object, ...]", value)
            return tuple(
                one if one in variables else convert_operand(target.kind, compare.op, (one,), text=text)[0]
                for one in listed
            )
        return convert_operand(target.kind, compare.op, value, text=text)
    except ValueError as error:
        raise refuse(f"{place}[{compare.op}]", "wrong_value", f"must be {error}") from None


def _is_of_system(target: Target) -> bool:
    return all(_is_of_system(hop.target) for hop in target.hops) if target.hops else target.system


def _composed(value: Any) -> Any:
    """Return the value as slugs and tags are stored: in NFC. Content's own texts stay as they are written."""
    if isinstance(value, tuple):
        return tuple(_composed(one) for one in cast("tuple[object, ...]", value))
    return normalized("NFC", value) if isinstance(value, str) else value


def _sort(sort: Sort, type: ContentType, readable: frozenset[str], reach: Reach | None) -> Sort:
    return _sortable(sort, "sort", lambda path: _find(path, "sort", type, readable, reach))


def _sortable(sort: Sort, place: str, find: Callable[[tuple[str, ...]], Target]) -> Sort:
    """Return the key with what it leads to; money goes by its amount."""
    path, target = sort.path, find(sort.path)
    if target.kind is Kind.MONEY:
        path = (*path, "amount")
        target = find(path)
    if goes_through_lists(target) or not RULES[target.kind].sorts:
        raise refuse(place, "not_sortable", f"cannot go by {'.'.join(sort.path)!r}")
    return Sort(path, sort.descending, target)


def check_fields(
    names: tuple[str, ...],
    type: ContentType,
    readable: frozenset[str],
    *,
    include: tuple[tuple[str, ...], ...] = (),
    reach: Reach | None = None,
) -> tuple[str, ...]:
    """Return the names that ``fields`` asks for.

    Raises:
        BadParameter: One is no field, or none that the caller may read: the same words. Or it is one of a relation's
            target (``author.name``) that is not included.
    """
    for name in names:
        path = tuple(name.split("."))
        if not all(path) or len(path) > LONGEST_PATH:
            raise _unknown("fields", path)
        parent = path[:-1]
        relations = relations_at(type.fields, parent, reach) if parent and path[0] in readable else []
        if find_behind(relations, path[-1:], reach) is None:
            _find(path, "fields", type, readable, reach)
        if parent and not (relations and any(included[: len(parent)] == parent for included in include)):
            raise refuse("fields", "not_included", f"names {name!r}, and {'.'.join(parent)} is not in include")
    return names


def check_include(
    paths: tuple[tuple[str, ...], ...], type: ContentType, readable: frozenset[str], reach: Reach | None = None
) -> tuple[tuple[str, ...], ...]:
    """Return the paths that ``include`` asks for.

    Raises:
        BadParameter: One leads to nothing, or to what the caller may not read: the same words. Or to no relation.
    """
    for path in paths:
        field = type.field(path[0])
        if field is None or path[0] not in readable or field.kind is Kind.SECRET:
            raise _unknown("include", path)
        if relations_at(type.fields, path, reach):
            continue
        if len(path) == 1:
            raise refuse("include", "not_a_relation", f"cannot follow {path[0]!r}: it is no relation")
        raise _unknown("include", path)
    return paths


def check_portions(portions: tuple[Portion, ...], type: ContentType, reach: Reach | None = None) -> tuple[Portion, ...]:
    """Resolve the orders of what is included, whose paths :func:`check_include` knows already.

    Raises:
        BadParameter: A relation leads to one entry alone, or an order names nothing that the caller may read of the
            targets: the words of every unknown path.
    """
    return tuple(_portion(portion, type, reach) for portion in portions)


def _portion(portion: Portion, type: ContentType, reach: Reach | None) -> Portion:
    relations = relations_at(type.fields, portion.path, reach)
    place = f"include[{'.'.join(portion.path)}]"
    if not any(relation.many for relation in relations):
        raise refuse(place, "not_many", "leads to one entry, of which there is no limit and no order")

    def find(path: tuple[str, ...]) -> Target:
        target = find_behind(relations, path, reach)
        if target is None:
            raise _unknown(f"{place}[sort]", path)
        return target

    sorts = tuple(_sortable(sort, f"{place}[sort]", find) for sort in portion.sort)
    return structs.replace(portion, sort=sorts)
