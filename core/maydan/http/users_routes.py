"""Accounts over HTTP, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from maydan.errors import Conflict
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer
from maydan.http.routing import ADMINISTRATOR, PageQuery, Route, route

if TYPE_CHECKING:
    from maydan.accounts.people import Account
    from maydan.http.call import Call


class UserView(Struct, frozen=True, kw_only=True):
    """An account as administrators see it."""

    id: str
    email: str
    name: str
    locale: str | None
    verified: bool
    suspended: bool
    administrator: bool
    created_at: datetime
    version: int


class UserPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an administrator says to change an account; what is absent stays."""

    suspended: bool | UnsetType = UNSET
    """``true`` bars the account from everything within a second, and ends its sessions."""
    totp: Literal[False] | UnsetType = UNSET
    """``false`` removes the second factor of somebody who lost it."""


class UserPage(Struct, frozen=True, kw_only=True):
    """One page of accounts, the newest first."""

    items: list[UserView]
    next: str | None
    total: int | None = None


@route("GET", "/api/users", permission=ADMINISTRATOR, query=PageQuery, answer=UserPage, tags=("accounts",))
async def list_users(call: Call) -> Answer:
    """List accounts."""
    people = call.core.accounts.people
    return await newest_first(call, people.page, key=lambda account: account.id, view=_view, count=people.count)


@route("GET", "/api/users/{id}", permission=ADMINISTRATOR, answer=UserView, errors=(404,), tags=("accounts",))
async def get_user(call: Call) -> Answer:
    """Get an account."""
    return _answer(await call.core.accounts.people.get(call.path["id"]))


@route(
    "PATCH", "/api/users/{id}", permission=ADMINISTRATOR, body=UserPatch, answer=UserView, if_match=True,
    errors=(404, 409), tags=("accounts",),
)  # fmt: skip
async def patch_user(call: Call) -> Answer:
    """Suspend an account, or let it in again; remove a second factor that was lost."""
    people = call.core.accounts.people
    account = await people.get(call.path["id"])
    call.require_match(str(account.version))
    given = call.body(UserPatch)
    if given.suspended is False and not account.email:
        raise Conflict("The account was erased; nobody is let in to it again.", code="account_erased")
    is_suspended = account.suspended_at is not None
    suspended = is_suspended if given.suspended is UNSET else given.suspended
    if suspended and not is_suspended and account.id == call.actor.id:
        raise Conflict("You cannot suspend your own account.", code="own_account")
    without_totp = given.totp is not UNSET and await call.core.accounts.totp.is_on(account.id)
    if suspended is not is_suspended:
        account = await people.suspend(account, suspended=suspended, without_totp=without_totp)
    elif without_totp:
        account = await people.reset_totp(account)
    return _answer(account)


def _answer(account: Account) -> Answer:
    return Answer.json(_view(account), tag=str(account.version))


def _view(account: Account) -> UserView:
    return UserView(
        id=account.id,
        email=account.email,
        name=account.name,
        locale=account.locale or None,
        verified=account.verified_at is not None,
        suspended=account.suspended_at is not None,
        administrator=account.administrator,
        created_at=account.created_at,
        version=account.version,
    )


ROUTES: Final[tuple[Route, ...]] = (list_users, get_user, patch_user)
