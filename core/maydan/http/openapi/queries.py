"""How the entries of one type can be asked for: what to show, include and sort by, filters, the body of a query."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from maydan.content.conditions import LONGEST_PATH
from maydan.content.fields import block_fields, inner_fields
from maydan.content.includes import DEEPEST_INCLUDE
from maydan.content.kinds import SYSTEM_KINDS
from maydan.content.orders import MOST_SORTS
from maydan.content.stored import TAGS
from maydan.content.types import Field, Kind
from maydan.http.entries_schemas import PORTION
from maydan.http.openapi.operators import (
    OF_SYSTEM,
    PARTS,
    SYSTEM_NAMES,
    comparison,
    operators_for,
    operators_of,
    parameter,
    sortable,
)
from maydan.http.openapi.schemas import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from maydan.http.openapi.shapes import Json
    from maydan.http.openapi.sights import Sight

_LIMIT: Final = PORTION["properties"]["limit"]
MOST_INCLUDES: Final = 100
"""Paths that a document lists; the server takes the others too."""
MOST_INNER_PATHS: Final = 100
"""Components and fields in them whose filters are listed for each type; the server takes the others too."""


class Queries:
    """Writes what a document says of queries of the types that its reader may know of."""

    def __init__(self, sights: Mapping[str, Sight]) -> None:
        """Write nothing yet."""
        self._sights = sights
        self.components: dict[str, Json] = {}
        """What the schemas refer to; grows with what is written."""

    def write(self, sight: Sight, body: Json) -> None:
        """Write the components of a type: ``EntryField``, ``EntrySort``, ``EntryInclude``, ``EntryFilter`` and others.

        Args:
            sight: The type.
            body: The schema of the body of a query of any type.
        """
        name, made = sight.type.name, self.components
        made[f"EntryField.{name}"] = {"type": "string", "enum": self._shown(sight)}
        keys = self._sorts(sight)
        made[f"EntrySort.{name}"] = {"type": "string", "enum": [sign + key for key in keys for sign in ("", "-")]}
        paths = list(self._includes(sight))
        if paths:
            made[f"EntryInclude.{name}"] = {"type": "string", "enum": [path for path, _ in paths]}
        members = self._members(sight)
        made[f"EntryPath.{name}"] = _conditions(members)
        made[f"EntryFilter.{name}"] = _group(name, members)
        made[f"EntryQuery.{name}"] = self._body(sight, body)

    def parameters(self, sight: Sight, written: list[Json], locales: tuple[str, ...]) -> list[Json]:
        """Return the parameters of reading, with what this type has in the place of any text."""
        return [made for each in written if (made := self._parameter(sight, each, locales)) is not None]

    def _parameter(self, sight: Sight, written: Json, locales: tuple[str, ...]) -> Json | None:
        if written.get("in") != "query":
            return written
        match written["name"]:
            case "fields":
                return _listed(written, {"$ref": f"{REFERENCE}EntryField.{sight.type.name}"})
            case "sort":
                return _listed(written, {"$ref": f"{REFERENCE}EntrySort.{sight.type.name}"}, most=MOST_SORTS)
            case "include":
                reference = f"EntryInclude.{sight.type.name}"
                return _listed(written, {"$ref": REFERENCE + reference}) if reference in self.components else None
            case "locale":
                return {**written, "schema": {"type": "string", "enum": list(locales)}}
            case _:
                return written

    def filters(self, sight: Sight) -> Iterator[Json]:
        """Yield a parameter for each field and each operator that fits it."""
        for name, operators in OF_SYSTEM.items():
            if name in sight.readable:
                for op in operators:
                    yield parameter(name, SYSTEM_KINDS[name], op)
        for field in sight.fields:
            for op in operators_of(field):
                yield parameter(field.name, field.kind, op)
            for part, kind in PARTS.get(field.kind, {}).items():
                for op in operators_for(kind):
                    yield parameter(f"{field.name}.{part}", kind, op)
        for path, kind in _inner_paths(sight.fields):
            for op in operators_for(kind):
                yield parameter(path, kind, op)

    def portions(self, sight: Sight) -> Iterator[Json]:
        """Yield the parameters that say how many of a relation's targets come, and in which order."""
        for path, relation in self._includes(sight):
            if not relation.many or "." in path:
                continue
            yield {"name": f"include[{path}][limit]", "in": "query", "required": False, "schema": _LIMIT}
            order = self._order(relation)
            if order is not None:
                written = {"name": f"include[{path}][sort]", "in": "query", "required": False}
                yield _listed(written, order, most=MOST_SORTS)

    def _order(self, relation: Field) -> Json | None:
        """Return the keys by which the targets of a relation can be ordered, where they are all of one type."""
        targets = self._targets(relation)
        only = len(relation.to) == 1 and len(targets) == 1
        return {"$ref": f"{REFERENCE}EntrySort.{targets[0].type.name}"} if only else None

    def _shown(self, sight: Sight) -> list[str]:
        own = [name for name in SYSTEM_NAMES if name in sight.readable] + [field.name for field in sight.fields]
        behind = [
            f"{field.name}.{name}"
            for field in sight.fields
            if field.kind is Kind.RELATION
            for name in dict.fromkeys(name for target in self._targets(field) for name in _names(target))
        ]
        return own + behind

    def _sorts(self, sight: Sight) -> list[str]:
        own = [name for name in SYSTEM_NAMES if name in sight.readable and name != TAGS]
        own += [field.name for field in sight.fields if sortable(field)]
        behind = [
            f"{field.name}.{inner.name}"
            for field in sight.fields
            if field.kind is Kind.RELATION and not field.many and len(field.to) == 1
            for target in self._targets(field)
            for inner in target.fields
            if sortable(inner)
        ]
        return own + behind

    def _targets(self, field: Field) -> list[Sight]:
        return [found for name in field.to if (found := self._sights.get(name)) is not None and found.readable]

    def _includes(self, sight: Sight) -> Iterator[tuple[str, Field]]:
        """Yield the paths that can be included, the shorter first, with the relation at their end."""
        waiting: deque[tuple[str, Field, int]] = deque((field.name, field, 1) for field in sight.fields)
        seen: set[str] = set()
        while waiting and len(seen) < MOST_INCLUDES:
            path, field, depth = waiting.popleft()
            members: tuple[Field, ...] = ()
            if field.kind is Kind.RELATION:
                if path not in seen:
                    seen.add(path)
                    yield path, field
                members = tuple(inner for target in self._targets(field) for inner in target.fields)
            elif field.kind in (Kind.COMPONENT, Kind.BLOCKS):
                members = (*inner_fields(field), *(one for fields in block_fields(field).values() for one in fields))
            if depth < DEEPEST_INCLUDE:
                waiting.extend((f"{path}.{inner.name}", inner, depth + 1) for inner in members)

    def _members(self, sight: Sight) -> dict[str, Json]:
        """Return the conditions that can be put on a type's entries, by the names that they start with."""
        members: dict[str, Json] = {}
        for name in SYSTEM_NAMES:
            if name in sight.readable:
                kind = Kind.RELATION if name == "id" else SYSTEM_KINDS[name]
                members[name] = self._compare(kind, operators_for(kind))
        for field in sight.fields:
            members[field.name] = self._condition(field, operators_of(field))
            for part, kind in PARTS.get(field.kind, {}).items():
                members[f"{field.name}.{part}"] = self._compare(kind, operators_for(kind))
        return members

    def _condition(self, field: Field, operators: tuple[str, ...]) -> Json:
        own = self._compare(field.kind, operators)
        if field.kind is Kind.RELATION:
            paths: list[Json] = [
                {"$ref": f"{REFERENCE}EntryPath.{target.type.name}"} for target in self._targets(field)
            ]
            return {"anyOf": [own, *paths]} if paths else own
        inner = {part: self._compare(kind, operators_for(kind)) for part, kind in PARTS.get(field.kind, {}).items()}
        for one in inner_fields(field):
            inner[one.name] = self._condition(one, operators_for(one.kind))
        return {"anyOf": [own, _conditions(inner)]} if inner else own

    def _compare(self, kind: Kind, operators: tuple[str, ...]) -> Json:
        """Return a reference to the schema of comparisons with these operators."""
        plain = operators == operators_for(kind)
        name = f"Compare.{kind.value}" if plain else f"Compare.{kind.value}.{'-'.join(_beyond(kind, operators))}"
        if name not in self.components:
            self.components[name] = comparison(kind, operators)
        return {"$ref": REFERENCE + name}

    def _body(self, sight: Sight, body: Json) -> Json:
        """Return the schema of the body of ``/query`` for one type."""
        name, properties = sight.type.name, dict[str, Any](body["properties"])
        properties["filter"] = {"$ref": f"{REFERENCE}EntryFilter.{name}"}
        properties["fields"] = _names_of(properties["fields"], f"EntryField.{name}")
        properties["sort"] = {**_names_of(properties["sort"], f"EntrySort.{name}"), "maxItems": MOST_SORTS}
        if f"EntryInclude.{name}" in self.components:
            properties["include"] = self._include_body(sight, properties["include"])
        else:
            del properties["include"]
        return {**body, "properties": properties}

    def _include_body(self, sight: Sight, written: Json) -> Json:
        """Return the includes of a body: paths, and portions of those that lead to many."""
        shapes: list[Json] = [{"$ref": f"{REFERENCE}EntryInclude.{sight.type.name}"}]
        by_order: dict[str, tuple[Json | None, list[str]]] = {}
        for path, relation in self._includes(sight):
            if relation.many:
                order = self._order(relation)
                by_order.setdefault(str(order), (order, []))[1].append(path)
        for order, paths in by_order.values():
            properties: Json = {"path": {"type": "string", "enum": paths}, "limit": _LIMIT}
            if order is not None:
                properties["sort"] = {"type": "array", "items": order, "uniqueItems": True, "maxItems": MOST_SORTS}
            shapes.append({**PORTION, "properties": properties})
        return {**written, "items": {"anyOf": shapes}, "uniqueItems": True}


def _inner_paths(fields: Iterable[Field]) -> Iterator[tuple[str, Kind]]:
    """Yield the paths into components, the shorter first, with what stands at their end."""
    waiting = deque((field.name, field) for field in fields if field.kind is Kind.COMPONENT)
    for _ in range(MOST_INNER_PATHS):
        if not waiting:
            return
        path, field = waiting.popleft()
        if "." in path:
            yield path, field.kind
        for part, kind in PARTS.get(field.kind, {}).items() if "." in path else ():
            yield f"{path}.{part}", kind
        if path.count(".") + 1 < LONGEST_PATH:
            waiting.extend((f"{path}.{inner.name}", inner) for inner in inner_fields(field))


def _names(target: Sight) -> list[str]:
    return [name for name in SYSTEM_NAMES if name in target.readable] + [field.name for field in target.fields]


def _beyond(kind: Kind, operators: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(op for op in operators if op not in operators_for(kind))


def _listed(written: Json, items: Json, *, most: int | None = None) -> Json:
    """Return a parameter that takes names separated by commas."""
    schema: Json = {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
    if most:
        schema["maxItems"] = most
    return {**written, "schema": schema, "style": "form", "explode": False}


def _names_of(written: Json, reference: str) -> Json:
    return {**written, "items": {"$ref": REFERENCE + reference}, "uniqueItems": True}


def _conditions(members: dict[str, Json]) -> Json:
    return {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": members}


def _group(name: str, members: dict[str, Json]) -> Json:
    own: Json = {"$ref": f"{REFERENCE}EntryFilter.{name}"}
    groups: Json = {"type": "array", "items": own, "minItems": 1}
    return {
        "type": "object",
        "description": "All of them must hold. Paths go on through up to four relations, as objects or with dots.",
        "additionalProperties": False,
        "properties": {**members, "and": groups, "or": groups, "not": own},
    }
