"""Workflows over HTTP: that of a type, and the steps of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.content.types import ContentType, Workflow
from maydan.errors import NotFound
from maydan.http.answers import Answer, Cache
from maydan.http.conditions import version_tags
from maydan.http.entries_routes import WriteQuery
from maydan.http.entries_schemas import ENTRY
from maydan.http.members_routes import require_known
from maydan.http.routing import BY_OPERATION, Route, route
from maydan.http.scoping import scope
from maydan.http.types_routes import is_visible
from maydan.operations.transitions import Transitions, list_transitions, transition
from maydan.operations.types import put_workflow
from maydan.operations.workflows import get_workflow, visible_workflow

if TYPE_CHECKING:
    from maydan.http.call import Call
    from maydan.operations.entries import EntryView

_WORKFLOW: Final = "/api/spaces/{space}/types/{type}/workflow"
_TRANSITIONS: Final = "/api/spaces/{space}/content/{type}/{entry}/transitions"


@route("GET", _WORKFLOW, permission=BY_OPERATION, answer=Workflow, errors=(404,), tags=("workflows",))
async def get_workflow_route(call: Call) -> Answer:
    """Get the workflow of a content type."""
    scoped = await scope(call)
    if not is_visible(scoped):
        raise NotFound
    view = get_workflow(scoped)
    return Answer.json(view, tag=version_tags(scoped.type.version, view)[0])


@route(
    "PUT", _WORKFLOW, permission="manage:types", body=Workflow, answer=Workflow, errors=(201, 404, 409, 412, 428),
    tags=("workflows",),
)  # fmt: skip
async def put_workflow_route(call: Call) -> Answer:
    """Give a content type a workflow; one that replaces another needs ``If-Match``.

    Entries come into the initial state with the first one. Where states are gone in which there are entries,
    ``mapping`` says what becomes of each; without, it is 409 ``states_in_use``.
    """
    found, is_new = await put_workflow(
        call.core, call.caller, call.space, call.path["type"], lambda: call.body(Workflow),
        precondition=lambda before: _match(call, before),
    )  # fmt: skip
    view = visible_workflow(found, None)
    assert view is not None
    tag = version_tags(found.version, view)[0]
    if is_new:
        return Answer.created(view, f"/api/spaces/{call.space.name}/types/{found.name}/workflow", tag=tag)
    return Answer.json(view, tag=tag)


@route("GET", _TRANSITIONS, permission=BY_OPERATION, answer=Transitions, errors=(404,), tags=("workflows",))
async def list_transitions_route(call: Call) -> Answer:
    """Get where an entry stands in its workflow, and which steps you may take now."""
    found = await list_transitions(await scope(call), call.path["entry"])
    return Answer.json(found)


@route(
    "POST", _TRANSITIONS + "/{transition}", permission=BY_OPERATION, query=WriteQuery, answer=ENTRY,
    errors=(401, 403, 404, 409, 422, 503), tags=("workflows",),
)  # fmt: skip
async def take_transition(call: Call) -> Answer:
    """Take an entry a step through its workflow.

    A step that does not lead out of the present state is 409 `invalid_transition`, with the steps that are `allowed`.
    """
    seal = call.seal(_entry)
    view = await transition(
        await scope(call), call.path["entry"], call.path["transition"], locale=call.query.locale, seal=seal.statements
    )
    return seal.answer(view)


def _match(call: Call, before: ContentType) -> None:
    view = visible_workflow(before, None)
    require_known(call, *(() if view is None else version_tags(before.version, view)))


def _entry(view: EntryView) -> Answer:
    language = "" if view.locale == "*" else view.locale
    prefix = str(view.version) if view.version else ""
    return Answer(body=view.body, cache=Cache.PRIVATE, language=language, tag_prefix=prefix)


ROUTES: Final[tuple[Route, ...]] = (
    get_workflow_route,
    put_workflow_route,
    list_transitions_route,
    take_transition,
)
