"""What somebody may do in a space, and why, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET, Struct, UnsetType

from maydan.errors import BadParameter, InputError, InvalidInput
from maydan.http.answers import Answer
from maydan.http.routing import BY_OPERATION, Route, route
from maydan.operations.explaining import explain, simulate
from maydan.operations.explanations import Explanation, ImaginedActor, Misasked, Question

if TYPE_CHECKING:
    from maydan.http.call import Call

_BASE: Final = "/api/spaces/{space}/access"


class ExplainQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of an explanation."""

    action: str
    type: str | None = None
    """The content type; left out for what is not about one, such as ``manage:roles``."""
    id: str | None = None
    """An entry's id or slug."""
    field: str | None = None
    user: str | None = None
    """An account's id; the caller's by default."""
    role: tuple[str, ...] = ()
    """Instead of a user: anybody who has these roles."""


class SimulateInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is imagined, and what is asked about them."""

    actor: ImaginedActor
    action: str
    type: str | UnsetType = UNSET
    id: str | UnsetType = UNSET
    field: str | UnsetType = UNSET


@route(
    "GET", f"{_BASE}/explain", permission=BY_OPERATION, query=ExplainQuery, answer=Explanation,
    errors=(400, 401, 403, 404), tags=("access",),
)  # fmt: skip
async def explain_access(call: Call) -> Answer:
    """Say what somebody may do, and which policies make it so.

    About yourself, if you have an account; about others with the permission ``manage:roles``. Without an entry the
    answer may be ``conditional``; with one also where its condition compares what you may not read.
    """
    query: ExplainQuery = call.query
    question = Question(action=query.action, type=query.type, id=query.id, field=query.field)
    try:
        found = await explain(call.core, call.caller, call.space, question, user=query.user, roles=query.role)
    except Misasked as error:
        raise BadParameter(str(error), errors=error.errors) from error
    return Answer.json(found)


@route(
    "POST", f"{_BASE}/simulate", permission="manage:roles", body=SimulateInput, answer=Explanation, errors=(404,),
    tags=("access",),
)  # fmt: skip
async def simulate_access(call: Call, body: SimulateInput) -> Answer:
    """Say what somebody with these roles and attributes could do, whether or not there is anybody like that."""
    asked = {name: value for name in ("type", "id", "field") if (value := getattr(body, name)) is not UNSET}
    try:
        found = await simulate(call.core, call.caller, call.space, Question(action=body.action, **asked), body.actor)
    except Misasked as error:
        errors = tuple(InputError(f"/{each.pointer}", each.code, each.message) for each in error.errors)
        raise InvalidInput(str(error), errors=errors) from error
    return Answer.json(found)


ROUTES: Final[tuple[Route, ...]] = (explain_access, simulate_access)
