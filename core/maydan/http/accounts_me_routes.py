"""The caller's own account and sessions over HTTP."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from maydan.errors import Forbidden, NotFound
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer
from maydan.http.conditions import tag_of
from maydan.http.routing import LOGGED_IN, PageQuery, Route, route

if TYPE_CHECKING:
    from maydan.accounts.people import Account
    from maydan.accounts.sessions import Session
    from maydan.http.call import Call


class MeView(Struct, frozen=True, kw_only=True):
    """The caller's own account."""

    id: str
    email: str
    name: str
    locale: str | None
    administrator: bool
    roles: dict[str, tuple[str, ...]]
    """By the name of the space."""


class MePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to change one's own account; what is absent stays."""

    name: str | UnsetType = UNSET
    locale: str | UnsetType | None = UNSET
    email: str | UnsetType = UNSET
    """Needs ``current_password``; where addresses are verified, it counts once the mail to it was answered."""
    password: str | UnsetType = UNSET
    """Needs ``current_password``; ends the other sessions."""
    current_password: str | UnsetType = UNSET


class SessionView(Struct, frozen=True, kw_only=True):
    """One place in which the caller is logged in."""

    id: str
    created_at: datetime
    last_used_at: datetime
    """When it was last refreshed."""
    expires_at: datetime
    user_agent: str
    address: str
    current: bool
    """Whether it is the one that asks."""


class SessionPage(Struct, frozen=True, kw_only=True):
    """One page of sessions, the newest first."""

    items: list[SessionView]
    next: str | None
    total: int | None = None


@route("GET", "/api/me", permission=LOGGED_IN, answer=MeView, tags=("accounts",))
async def get_me(call: Call) -> Answer:
    """Get your own account."""
    return _answer(call, await account_of(call))


@route(
    "PATCH", "/api/me", permission=LOGGED_IN, body=MePatch, answer=MeView, if_match=True, errors=(403, 429, 503),
    tags=("accounts",),
)  # fmt: skip
async def patch_me(call: Call) -> Answer:
    """Change your own account."""
    require_session(call)
    account = await account_of(call)
    call.require_match(_tag(call, account))
    given = call.body(MePatch)
    changed = await call.core.accounts.profiles.change(
        account,
        name=_or_none(given.name),
        locale="" if given.locale is None else _or_none(given.locale),
        email=_or_none(given.email),
        password=_or_none(given.password),
        current_password=_or_none(given.current_password),
        session_id=call.actor.credential_id,
    )
    return _answer(call, changed)


@route(
    "GET", "/api/me/sessions", permission=LOGGED_IN, query=PageQuery, answer=SessionPage, errors=(403,),
    tags=("accounts",),
)  # fmt: skip
async def list_sessions(call: Call) -> Answer:
    """List where you are logged in."""
    account_id = require_session(call)
    sessions = call.core.accounts.sessions
    current = call.actor.credential_id
    return await newest_first(
        call,
        partial(sessions.list_of, account_id),
        key=lambda session: session.id,
        view=lambda session: _session_view(session, current),
        count=partial(sessions.count_of, account_id),
    )


@route("DELETE", "/api/me/sessions/{id}", permission=LOGGED_IN, status=204, errors=(403, 404), tags=("accounts",))
async def delete_session(call: Call) -> Answer:
    """Log out somewhere else."""
    await call.core.accounts.sessions.revoke(require_session(call), call.path["id"])
    return Answer.empty()


def require_session(call: Call) -> str:
    """Return the caller's account id; an API token does not look after its maker's account.

    Raises:
        Forbidden: The caller came with an API token.
    """
    if call.actor.kind != "account" or call.actor.id is None:
        raise Forbidden("An API token cannot do this; log in with the password.")
    return call.actor.id


async def account_of(call: Call) -> Account:
    """Return the caller's account.

    Raises:
        NotFound: Whoever calls has none.
    """
    if call.actor.id is None:
        raise NotFound
    return await call.core.accounts.people.get(call.actor.id)


def _answer(call: Call, account: Account) -> Answer:
    return Answer.json(_view(call, account))


def _tag(call: Call, account: Account) -> str:
    return tag_of(msgspec.json.encode(_view(call, account)))


def _view(call: Call, account: Account) -> MeView:
    names = {space.key: space.name for space in call.core.registry.spaces()}
    roles = {names[key]: tuple(sorted(held)) for key, held in call.actor.roles.items() if key in names}
    return MeView(
        id=account.id,
        email=account.email,
        name=account.name,
        locale=account.locale or None,
        administrator=account.administrator,
        roles=dict(sorted(roles.items())),
    )


def _session_view(session: Session, current: str | None) -> SessionView:
    return SessionView(
        id=session.id,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        user_agent=session.user_agent,
        address=session.address,
        current=session.id == current,
    )


def _or_none(given: str | UnsetType) -> str | None:
    return None if given is UNSET else given


ROUTES: Final[tuple[Route, ...]] = (get_me, patch_me, list_sessions, delete_session)
