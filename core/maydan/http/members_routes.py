"""The members of a space over HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, Struct, UnsetType

from maydan.accounts.administration import Granter, put_member, remove_member
from maydan.errors import InputError, InvalidInput, NotFound, Stale
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer
from maydan.http.conditions import require_tag, version_tags
from maydan.http.routing import PageQuery, Route, route
from maydan.operations.snapshots import brought_roles
from maydan.storage.shares import roles_with_shares

if TYPE_CHECKING:
    from maydan.access.actors import Actor
    from maydan.accounts.members import Member
    from maydan.content.spaces import Space
    from maydan.http.call import Call
    from maydan.operations.core import Core

_LIST: Final = "/api/spaces/{space}/members"
_ONE: Final = _LIST + "/{user}"
MAX_ROLES: Final = 100
"""Roles of one member."""


class MemberInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to make somebody a member, or to change one; what else ``GET`` shows may come back unchanged."""

    roles: tuple[str, ...]
    id: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    version: int | UnsetType = UNSET


class MemberView(Struct, frozen=True, kw_only=True):
    """One account in the space."""

    id: str
    """The account's id."""
    email: str
    name: str
    roles: tuple[str, ...]
    version: int


class MemberPage(Struct, frozen=True, kw_only=True):
    """One page of members, the newest account first."""

    items: list[MemberView]
    next: str | None
    total: int | None = None


@route("GET", _LIST, permission="manage:members", query=PageQuery, answer=MemberPage, tags=("members",))
async def list_members(call: Call) -> Answer:
    """List the members of a space."""
    members = call.core.accounts.members
    return await newest_first(
        call,
        partial(members.page, call.space.key),
        key=lambda member: member.account_id,
        view=_view,
        count=partial(members.count, call.space.key),
    )


@route("GET", _ONE, permission="manage:members", answer=MemberView, errors=(404,), tags=("members",))
async def get_member(call: Call) -> Answer:
    """Get a member."""
    return _answer(await call.core.accounts.members.get(call.space.key, call.path["user"]))


@route(
    "PUT", _ONE, permission="manage:members", body=MemberInput, answer=MemberView, errors=(201, 404, 412, 428),
    tags=("members",),
)  # fmt: skip
async def put_member_route(call: Call) -> Answer:
    """Make an account a member, or give a member other roles; the latter needs ``If-Match``.

    You must hold every role that you give or take.
    """
    accounts = call.core.accounts
    account = await accounts.people.get(call.path["user"])
    if not account.email:  # erased
        raise NotFound
    known = await accounts.members.find(call.space.key, account.id)
    require_known(call, *(() if known is None else _tags(known)))
    given = call.body(MemberInput)
    _check_unchanged(given, known)
    if len(given.roles) > MAX_ROLES:
        error = InputError("/roles", "too_many", f"must be at most {MAX_ROLES} roles")
        raise InvalidInput("There are too many roles.", errors=(error,))
    member = await put_member(
        accounts.members, await granter_of(call), account.id, list(dict.fromkeys(given.roles)), known=known
    )
    if known is not None:
        return _answer(member)
    location = f"/api/spaces/{call.space.name}/members/{member.account_id}"
    return Answer.created(_view(member), location, tag=_tags(member)[0])


@route("DELETE", _ONE, permission="manage:members", status=204, errors=(404, 412), tags=("members",))
async def delete_member(call: Call) -> Answer:
    """Take a member out of the space."""
    members = call.core.accounts.members
    known = await members.get(call.space.key, call.path["user"])
    require_tag(call.header("if-match"), *_tags(known), required=False)
    await remove_member(members, await granter_of(call), known)
    return Answer.empty()


async def granter_of(call: Call) -> Granter:
    """Return the caller as somebody who hands out rights in the path's space."""
    return await granter_for(call.core, call.actor, call.space)


async def granter_for(core: Core, actor: Actor, space: Space) -> Granter:
    """Return somebody who hands out rights in a space, with the rights of now."""
    return Granter(
        actor=actor,
        space_key=space.key,
        snapshot=await core.snapshots.get(space),
        types=core.registry.types(space),
        brought=brought_roles(core.host, space),
        shared_with=await roles_with_shares(core.store, space.key, at=core.clock.now()),
    )


def require_known(call: Call, *present: str) -> None:
    """Hold ``If-Match`` against the tags of what a ``PUT`` replaces; what is not there, and has none, is made without.

    Raises:
        PreconditionRequired: It is missing, and there is something to replace.
        Stale: It names another version, or there is nothing.
    """
    header = call.header("if-match")
    if present:
        require_tag(header, *present)
    elif header is not None:
        raise Stale("There is nothing to replace; leave If-Match out to create it.")


def read_only(name: str) -> InputError:
    """Return the error for a member of the body that only the system sets."""
    return InputError(f"/{name}", "read_only", "is set by the system and must come back unchanged")


def _check_unchanged(given: MemberInput, known: Member | None) -> None:
    shown: dict[str, Any] = {}
    if known is not None:
        shown = {"id": known.account_id, "email": known.email, "name": known.name, "version": known.version}
    errors = [
        read_only(name)
        for name in ("id", "email", "name", "version")
        if (value := getattr(given, name)) is not UNSET and (name not in shown or value != shown[name])
    ]
    if errors:
        raise InvalidInput("What only the system sets cannot be changed.", errors=tuple(errors))


def _answer(member: Member) -> Answer:
    return Answer.json(_view(member), tag=_tags(member)[0])


def _tags(member: Member) -> tuple[str, str]:
    # The account's name and address are shown as well, which change without the membership.
    return version_tags(member.version, _view(member))


def _view(member: Member) -> MemberView:
    return MemberView(
        id=member.account_id, email=member.email, name=member.name, roles=member.roles, version=member.version
    )


ROUTES: Final[tuple[Route, ...]] = (list_members, get_member, put_member_route, delete_member)
