"""Invitations into a space over HTTP."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from maydan.accounts.addresses import address_key
from maydan.accounts.administration import check_roles, role_guard
from maydan.accounts.invitations import Invitation, void
from maydan.errors import Forbidden, InputError, InvalidInput, NotFound, Stale, Unauthenticated
from maydan.http.accounts_me_routes import account_of, require_session
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer
from maydan.http.members_routes import MAX_ROLES, granter_for, granter_of
from maydan.http.routing import PageQuery, Route, route

if TYPE_CHECKING:
    from maydan.accounts.administration import Granter
    from maydan.accounts.people import Account
    from maydan.content.spaces import Space
    from maydan.http.call import Call
    from maydan.storage.ports import Statement

_LIST: Final = "/api/spaces/{space}/invitations"
_ONE: Final = _LIST + "/{invitation}"


class InvitationInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is invited, and what they will be."""

    email: str
    roles: Annotated[tuple[str, ...], Meta(max_length=MAX_ROLES)]


class InvitationView(Struct, frozen=True, kw_only=True):
    """An open invitation; its token is in the mail alone."""

    id: str
    email: str
    roles: tuple[str, ...]
    invited_by: str
    """The account's id."""
    created_at: datetime
    expires_at: datetime


class InvitationPage(Struct, frozen=True, kw_only=True):
    """One page of open invitations, the newest first."""

    items: list[InvitationView]
    next: str | None
    total: int | None = None


class AcceptInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody without an account says to get one; who is logged in says nothing."""

    name: str | UnsetType = UNSET
    password: str | UnsetType = UNSET


class AcceptedView(Struct, frozen=True, kw_only=True):
    """What somebody belongs to from now on."""

    space: str
    user: str
    """The account's id."""
    roles: tuple[str, ...]


@route("GET", _LIST, permission="manage:members", query=PageQuery, answer=InvitationPage, tags=("members",))
async def list_invitations(call: Call) -> Answer:
    """List the open invitations of a space."""
    invitations = call.core.accounts.invitations
    return await newest_first(
        call,
        partial(invitations.page, call.space.key),
        key=lambda invitation: invitation.id,
        view=_view,
        count=partial(invitations.count, call.space.key),
    )


@route(
    "POST", _LIST, permission="manage:members", body=InvitationInput, answer=InvitationView, status=201, errors=(429,),
    tags=("members",),
)  # fmt: skip
async def create_invitation(call: Call, body: InvitationInput) -> Answer:
    """Invite somebody by mail.

    You must hold every role that you give, now and when it is accepted. The answer is the same whether the address
    has an account or not; the token is in the mail alone.
    """
    if call.actor.id is None:
        raise Forbidden("Only an account invites.")
    granter = await granter_of(call)
    check_roles(granter, body.roles)
    seal = call.seal(partial(_created, space=call.space.name))
    made = await call.core.accounts.invitations.create(
        call.space.key,
        email=body.email,
        roles=body.roles,
        inviter_id=call.actor.id,
        locale=next(iter(call.caller.languages), ""),
        guards=role_guard(granter.space_key, body.roles, brought=granter.brought),
        seal=seal.statements,
    )
    return seal.answer(made)


@route("GET", _ONE, permission="manage:members", answer=InvitationView, errors=(404,), tags=("members",))
async def get_invitation(call: Call) -> Answer:
    """Get an open invitation."""
    return Answer.json(_view(await call.core.accounts.invitations.get(call.space.key, call.path["invitation"])))


@route("DELETE", _ONE, permission="manage:members", status=204, errors=(404,), tags=("members",))
async def delete_invitation(call: Call) -> Answer:
    """Withdraw an invitation."""
    invitations = call.core.accounts.invitations
    await invitations.withdraw(await invitations.get(call.space.key, call.path["invitation"]))
    return Answer.empty()


@route(
    "POST", "/api/invitations/{token}/accept", public=True, body=AcceptInput, body_required=False, answer=AcceptedView,
    errors=(401, 403, 404, 409, 422, 503), tags=("members",),
)  # fmt: skip
async def accept_invitation(call: Call) -> Answer:
    """Join the space of an invitation, with the token from the mail.

    Logged in: with the invited address. Not logged in: with a name and a password, for an address that has no account
    yet. What the inviter may hand out is judged again.
    """
    accounts = call.core.accounts
    invitation = await accounts.invitations.find_by_token(call.path["token"])
    space = call.core.registry.space_by_key(invitation.space_key)
    if space is None:
        raise NotFound
    account, made = await _who_accepts(call, invitation)
    granter = await _inviter(call, space, invitation)
    try:
        check_roles(granter, invitation.roles)
    except (Forbidden, InvalidInput) as error:
        raise void() from error
    known = await accounts.members.find(space.key, account.id)
    roles = {*invitation.roles, *(() if known is None else known.roles)}
    try:
        member = await accounts.members.put(
            space.key,
            account.id,
            roles,
            known=known,
            guards=role_guard(granter.space_key, invitation.roles, brought=granter.brought),
            seal=[*made, accounts.invitations.used(invitation)],
        )
    except Stale as error:
        # Somebody used it, or registered the address, at the same moment.
        raise NotFound from error
    return Answer.json(AcceptedView(space=space.name, user=account.id, roles=member.roles), tag="")


async def _who_accepts(call: Call, invitation: Invitation) -> tuple[Account, list[Statement]]:
    """Return who joins, and what makes their account where they have none."""
    given = call.body(AcceptInput)
    accounts = call.core.accounts
    if call.actor.kind != "anonymous":
        require_session(call)
        account = await account_of(call)
        if account.email_key != address_key(invitation.email):
            raise Forbidden("The invitation is for another address.")
        return account, []
    if await accounts.people.find_by_email(invitation.email) is not None:
        raise Unauthenticated("The invited address has an account; log in with it, then accept.")
    errors = [
        InputError(f"/{name}", "required", "is needed to make an account; or log in first")
        for name in ("name", "password")
        if getattr(given, name) is UNSET
    ]
    if given.name is UNSET or given.password is UNSET:
        raise InvalidInput("Say a name and a password, or log in first.", errors=tuple(errors))
    return await accounts.invitations.new_person(invitation, name=given.name, password=given.password)


async def _inviter(call: Call, space: Space, invitation: Invitation) -> Granter:
    """Return the inviter with the rights of now."""
    core = call.core
    actor = await core.authenticator.of_account(invitation.inviter_id)
    if actor is None or not (await core.snapshots.get(space)).allows(actor, "manage:members"):
        raise void()
    return await granter_for(core, actor, space)


def _created(invitation: Invitation, *, space: str) -> Answer:
    return Answer.created(_view(invitation), f"/api/spaces/{space}/invitations/{invitation.id}")


def _view(invitation: Invitation) -> InvitationView:
    return InvitationView(
        id=invitation.id,
        email=invitation.email,
        roles=invitation.roles,
        invited_by=invitation.inviter_id,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
    )


ROUTES: Final[tuple[Route, ...]] = (
    list_invitations, create_invitation, get_invitation, delete_invitation, accept_invitation,
)  # fmt: skip
