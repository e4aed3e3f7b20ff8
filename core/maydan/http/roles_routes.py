"""The roles of a space and their policies over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from maydan.access.actions import Action
from maydan.access.policies import MAX_POLICIES, PolicyInput, Role, policy_of
from maydan.accounts.administration import delete_role, put_role, require_way_back
from maydan.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from maydan.http.answers import Answer
from maydan.http.conditions import require_tag, version_tags
from maydan.http.members_routes import granter_of, read_only, require_known
from maydan.http.paging import page_of
from maydan.http.routing import BY_OPERATION, PageQuery, Route, route
from maydan.operations.role_writing import locked
from maydan.operations.snapshots import brought_roles

if TYPE_CHECKING:
    from maydan.accounts.administration import Granter
    from maydan.accounts.roles import SpaceRole, SpaceRoles
    from maydan.http.call import Call

_LIST: Final = "/api/spaces/{space}/roles"
_ONE: Final = _LIST + "/{role}"


class RoleInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to write a role; what else ``GET`` shows may come back unchanged."""

    policies: Annotated[tuple[PolicyInput, ...], Meta(max_length=MAX_POLICIES)]
    inherits: tuple[str, ...] = ()
    """Roles that it contains."""
    name: str | UnsetType = UNSET
    built_in: bool | UnsetType = UNSET
    version: int | UnsetType = UNSET


class PolicyView(Struct, frozen=True, kw_only=True):
    """One policy as it is written."""

    effect: str
    type: str
    actions: tuple[str, ...]
    fields: tuple[str, ...]
    condition: dict[str, Any] | None


class RoleView(Struct, frozen=True, kw_only=True):
    """One role of the space."""

    name: str
    built_in: bool
    """It comes with the core or a plugin, and cannot be deleted."""
    inherits: tuple[str, ...]
    policies: tuple[PolicyView, ...]
    version: int
    """0 where nothing was written about it in this space."""


class RolePage(Struct, frozen=True, kw_only=True):
    """One page of roles, by name."""

    items: list[RoleView]
    next: str | None
    total: int | None = None


@route("GET", _LIST, permission=BY_OPERATION, query=PageQuery, answer=RolePage, errors=(401, 403, 404), tags=("roles",))
async def list_roles(call: Call) -> Answer:
    """List the roles of a space; for those who manage its roles or members."""
    await _require_reader(call)
    roles = await _load(call)
    views = [_view(role) for role in sorted(roles.roles.values(), key=lambda role: role.name)]
    return page_of(call, views, key=lambda view: view.name)


@route("GET", _ONE, permission=BY_OPERATION, answer=RoleView, errors=(401, 403, 404), tags=("roles",))
async def get_role(call: Call) -> Answer:
    """Get a role with its policies."""
    await _require_reader(call)
    return _answer((await _load(call)).get(call.path["role"]))


@route(
    "PUT", _ONE, permission="manage:roles", body=RoleInput, answer=RoleView, errors=(201, 404, 409, 412, 428),
    tags=("roles",),
)  # fmt: skip
async def put_role_route(call: Call) -> Answer:
    """Write a role; one that was written before needs ``If-Match``.

    You must hold everything that it allows from now on. What is written for ``anonymous`` and ``member`` replaces what
    they start with; other built-in roles keep that, and get what is written besides.
    """
    granter = await granter_of(call)
    known, role = await call.core.store.retrying(lambda _: _put(call, granter))
    call.core.snapshots.forget()
    if known is not None:
        return _answer(role)
    location = f"/api/spaces/{call.space.name}/roles/{role.name}"
    return Answer.created(_view(role), location, tag=_tags(role)[0])


async def _put(call: Call, granter: Granter) -> tuple[SpaceRole | None, SpaceRole]:
    """Write the path's role within a transaction; returns it as it was, and as it is."""
    name = call.path["role"]
    granter = await locked(call.core, granter, call.space)
    roles = await _load(call)
    known = roles.roles.get(name)
    written = known is not None and known.version > 0
    if known is None or written or call.header("if-match") is not None:
        require_known(call, *(() if known is None else _tags(known)))
    given = call.body(RoleInput)
    _check_unchanged(given, name, known)
    role = await put_role(
        call.core.accounts.roles,
        granter,
        name,
        inherits=tuple(dict.fromkeys(given.inherits)),
        policies=[policy_of(name, policy) for policy in given.policies],
        known=known,
        among=roles.graph,
    )
    require_way_back(granter, [role])
    return known, role


@route("DELETE", _ONE, permission="manage:roles", status=204, errors=(404, 409, 412), tags=("roles",))
async def delete_role_route(call: Call) -> Answer:
    """Delete a role that is not built in and that no other role contains.

    Members and open invitations lose it; an invitation to nothing else ends, and so does what was shared with the role.
    """
    granter = await granter_of(call)
    await call.core.store.retrying(lambda _: _delete(call, granter))
    call.core.snapshots.forget()
    return Answer.empty()


async def _delete(call: Call, granter: Granter) -> None:
    granter = await locked(call.core, granter, call.space)
    known = (await _load(call)).get(call.path["role"])
    require_tag(call.header("if-match"), *_tags(known), required=False)
    await delete_role(call.core.accounts.roles, granter, known)


async def _load(call: Call) -> SpaceRoles:
    return await call.core.accounts.roles.load(call.space.key, brought_roles(call.core.host, call.space))


async def _require_reader(call: Call) -> None:
    snapshot = await call.core.snapshots.get(call.space)
    if not any(snapshot.allows(call.actor, action) for action in (Action.MANAGE_ROLES, Action.MANAGE_MEMBERS)):
        if call.actor.kind == "anonymous":
            raise Unauthenticated("Log in first.")
        raise Forbidden("This needs the permission manage:roles or manage:members.")


def _check_unchanged(given: RoleInput, name: str, known: SpaceRole | None) -> None:
    if name == Role.ADMINISTRATOR:
        raise NotFound
    shown: dict[str, Any] = {"name": name}
    if known is not None:
        shown |= {"built_in": known.built_in, "version": known.version}
    errors = [
        read_only(member)
        for member in ("name", "built_in", "version")
        if (value := getattr(given, member)) is not UNSET and (member not in shown or value != shown[member])
    ]
    if errors:
        raise InvalidInput("What only the system sets cannot be changed.", errors=tuple(errors))


def _answer(role: SpaceRole) -> Answer:
    return Answer.json(_view(role), tag=_tags(role)[0])


def _tags(role: SpaceRole) -> tuple[str, str]:
    return version_tags(role.version, _view(role))


def _view(role: SpaceRole) -> RoleView:
    policies = tuple(
        PolicyView(
            effect=policy.effect,
            type=policy.type,
            actions=policy.actions,
            fields=policy.fields,
            condition=policy.condition,
        )
        for policy in role.policies
    )
    return RoleView(
        name=role.name, built_in=role.built_in, inherits=role.inherits, policies=policies, version=role.version
    )


ROUTES: Final[tuple[Route, ...]] = (list_roles, get_role, put_role_route, delete_role_route)
