"""Content types over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from maydan.content.schema import json_schema
from maydan.content.types import ContentType, Field, Workflow
from maydan.errors import NotFound
from maydan.http.answers import Answer
from maydan.http.conditions import require_tag, version_tags
from maydan.http.paging import page_of
from maydan.http.routing import BY_OPERATION, PageQuery, Route, route
from maydan.operations import types
from maydan.operations.scopes import Scope
from maydan.operations.types import TypePatch
from maydan.operations.workflows import visible_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from maydan.http.call import Call

_LIST: Final = "/api/spaces/{space}/types"
_ONE: Final = _LIST + "/{type}"


class DropQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of what may lose data."""

    allow_drop: bool = False
    """Go on although values would be lost."""


class TypeInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to define a content type."""

    name: str
    title: str = ""
    drafts: bool = True
    single: bool = False
    slug_from: str | None = None
    indexes: tuple[tuple[str, ...], ...] = ()
    fields: tuple[Field, ...] = ()
    engagement: tuple[str, ...] = ()
    workflow: Workflow | None = None


class TypeView(Struct, frozen=True, kw_only=True):
    """A content type as one caller sees it: without the fields that they may neither read nor write."""

    name: str
    title: str
    drafts: bool
    single: bool
    slug_from: str | None
    indexes: tuple[tuple[str, ...], ...]
    fields: tuple[Field, ...]
    engagement: tuple[str, ...]
    workflow: Workflow | None
    """The states of its entries, and the steps between them; `null` where there are none."""
    plugin: str | None
    version: int
    json_schema: dict[str, Any]
    """JSON Schema (2020-12) of what a reader gets."""


class TypePage(Struct, frozen=True, kw_only=True):
    """One page of content types, by name."""

    items: list[TypeView]
    next: str | None
    total: int | None = None


@route("GET", _LIST, permission=BY_OPERATION, query=PageQuery, answer=TypePage, errors=(404,), tags=("types",))
async def list_types(call: Call) -> Answer:
    """List the content types of a space of which you may see anything."""
    scopes = [await _scope(call, content_type) for content_type in call.core.registry.types(call.space)]
    views = [view_of(scope) for scope in scopes if is_visible(scope)]
    return page_of(call, views, key=lambda view: view.name)


@route(
    "POST", _LIST, permission="manage:types", body=TypeInput, answer=TypeView, status=201, errors=(409,),
    tags=("types",),
)  # fmt: skip
async def create_type(call: Call) -> Answer:
    """Define a content type."""
    wanted = msgspec.convert(msgspec.to_builtins(call.body(TypeInput)), ContentType)
    made = await types.create_type(call.core, call.caller, call.space, wanted)
    view = view_of(await _scope(call, made))
    return Answer.created(view, f"/api/spaces/{call.space.name}/types/{made.name}", tag=_tags(view)[0])


@route("GET", _ONE, permission=BY_OPERATION, answer=TypeView, errors=(404,), tags=("types",))
async def get_type(call: Call) -> Answer:
    """Get a content type with its JSON Schema."""
    found = await call.core.registry.find_type(call.space, call.path["type"])
    if found is None:
        raise NotFound
    scope = await _scope(call, found)
    if not is_visible(scope):
        raise NotFound
    return _answer(scope)


@route(
    "PATCH", _ONE, permission="manage:types", body=TypePatch, query=DropQuery, answer=TypeView, if_match=True,
    errors=(409,), tags=("types",),
)  # fmt: skip
async def patch_type(call: Call) -> Answer:
    """Change a content type; entries are rendered anew and no write is lost."""
    after = await types.change_type(
        call.core, call.caller, call.space, call.path["type"], lambda: call.body(TypePatch),
        precondition=await _matching(call), allow_drop=call.query.allow_drop,
    )  # fmt: skip
    return _answer(await _scope(call, after))


@route("DELETE", _ONE, permission="manage:types", query=DropQuery, status=204, errors=(409, 412), tags=("types",))
async def delete_type(call: Call) -> Answer:
    """Remove a content type; with ``allow_drop=true`` also one that has entries."""
    await types.delete_type(
        call.core, call.caller, call.space, call.path["type"], precondition=await _matching(call),
        allow_drop=call.query.allow_drop,
    )  # fmt: skip
    return Answer.empty()


async def _matching(call: Call) -> Callable[[ContentType], None]:
    snapshot = await call.core.snapshots.get(call.space)

    def match(before: ContentType) -> None:
        view = view_of(Scope(call.core, call.caller, call.space, before, snapshot))
        require_tag(call.header("if-match"), *_tags(view), required=call.route.if_match)

    return match


def _answer(scope: Scope) -> Answer:
    view = view_of(scope)
    return Answer.json(view, tag=_tags(view)[0])


def _tags(view: TypeView) -> tuple[str, str]:
    return version_tags(view.version, view)


async def _scope(call: Call, content_type: ContentType) -> Scope:
    snapshot = await call.core.snapshots.get(call.space)
    return Scope(call.core, call.caller, call.space, content_type, snapshot)


def is_visible(scope: Scope) -> bool:
    """Tell whether the caller may do anything with entries of the type, or defines types here."""
    return scope.manages_types or bool(visible_fields(scope)) or scope.may_anything


def visible_fields(scope: Scope) -> frozenset[str]:
    """Return the names of the fields that the caller may read or write on some row."""
    return frozenset(
        name
        for action in ("read", "read_draft", "create", "update")
        for grant in scope.decide(action).grants
        for name in grant.fields
    )


def view_of(scope: Scope) -> TypeView:
    """Return what the caller sees of the type."""
    found = scope.type
    names = visible_fields(scope)
    fields = found.fields if scope.manages_types else tuple(field for field in found.fields if field.name in names)
    shown = {field.name for field in fields}
    plugin, dot, _ = found.name.partition(".")
    return TypeView(
        name=found.name,
        title=found.title,
        drafts=found.drafts,
        single=found.single,
        slug_from=found.slug_from if found.slug_from in shown else None,
        indexes=tuple(keys for keys in found.indexes if all(_name(key) in shown for key in keys)),
        fields=fields,
        engagement=found.engagement,
        workflow=visible_workflow(found, None if scope.manages_types else names),
        plugin=plugin if dot else None,
        version=found.version,
        json_schema=json_schema(found, fields=frozenset(shown), purpose="output"),
    )


def _name(key: str) -> str:
    return key.removeprefix("-").partition(".")[0]


ROUTES: Final[tuple[Route, ...]] = (list_types, create_type, get_type, patch_type, delete_type)
