"""API tokens over HTTP."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import asdict

from maydan.accounts.administration import Granter
from maydan.accounts.api_tokens import ApiToken, check_token
from maydan.errors import Forbidden, InputError, InvalidInput
from maydan.http.accounts_me_routes import require_session
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer, created_secret
from maydan.http.routing import LOGGED_IN, PageQuery, Route, route
from maydan.operations.snapshots import brought_roles

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.http.call import Call


_ONE: Final = "/api/tokens/{id}"


class TokenInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to make an API token."""

    name: str
    space: str | None = None
    """The only space in which it works; absent: every space of its maker."""
    actions: tuple[str, ...]
    """What it may do, as long as its maker may; ``*`` is everything."""
    types: tuple[str, ...] | None = None
    """The only types that it may touch; absent: all."""
    expires_in: int
    """Seconds."""


class TokenView(Struct, frozen=True, kw_only=True):
    """An API token, without what it takes to use it."""

    id: str
    name: str
    prefix: str
    """Its first characters."""
    space: str | None
    actions: tuple[str, ...]
    types: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class NewTokenView(TokenView, frozen=True, kw_only=True):
    """An API token that was just made."""

    token: str
    """What goes into ``Authorization: Bearer …``; shown this once."""


class TokenPage(Struct, frozen=True, kw_only=True):
    """One page of API tokens, the newest first."""

    items: list[TokenView]
    next: str | None
    total: int | None = None


@route("GET", "/api/tokens", permission=LOGGED_IN, query=PageQuery, answer=TokenPage, errors=(403,), tags=("accounts",))
async def list_tokens(call: Call) -> Answer:
    """List your API tokens."""
    account_id = require_session(call)
    tokens, names = call.core.accounts.tokens, _space_names(call)
    return await newest_first(
        call,
        partial(tokens.list_of, account_id),
        key=lambda token: token.id,
        view=lambda token: _view(token, names.get(token.space_key or 0)),
        count=partial(tokens.count_of, account_id),
    )


@route(
    "POST", "/api/tokens", permission=LOGGED_IN, body=TokenInput, answer=NewTokenView, status=201, errors=(403,),
    secret_answer=True, tags=("accounts",),
)  # fmt: skip
async def create_token(call: Call, body: TokenInput) -> Answer:
    """Make an API token, for no more than you may do yourself."""
    account_id = require_session(call)
    check_token(name=body.name, actions=body.actions, types=body.types, expires_in_s=body.expires_in)
    space = None if body.space is None else await _find_space(call, body.space)
    await _check_held(call, body, space)
    seal = call.seal(partial(_created, space=body.space))
    made = await call.core.accounts.tokens.create(
        account_id,
        name=body.name,
        actions=body.actions,
        types=body.types,
        expires_in_s=body.expires_in,
        space_key=None if space is None else space.key,
        seal=seal.statements,
    )
    return seal.answer(made)


@route("GET", _ONE, permission=LOGGED_IN, answer=TokenView, errors=(403, 404), tags=("accounts",))
async def get_token(call: Call) -> Answer:
    """Show one of your API tokens."""
    token = await call.core.accounts.tokens.get(require_session(call), call.path["id"])
    return Answer.json(_view(token, _space_names(call).get(token.space_key or 0)))


@route("DELETE", _ONE, permission=LOGGED_IN, status=204, errors=(403, 404), tags=("accounts",))
async def delete_token(call: Call) -> Answer:
    """End one of your API tokens."""
    await call.core.accounts.tokens.revoke(require_session(call), call.path["id"])
    return Answer.empty()


def _space_names(call: Call) -> dict[int, str]:
    return {space.key: space.name for space in call.core.registry.spaces()}


async def _find_space(call: Call, name: str) -> Space:
    space = await call.core.registry.find_space(name)
    if space is None or not (await call.core.snapshots.get(space)).sees_space(call.actor):
        raise InvalidInput("There is no such space.", errors=(InputError("/space", "unknown_space", "is no space"),))
    return space


async def _check_held(call: Call, body: TokenInput, only: Space | None) -> None:
    """Each action must be held in some space in which the token works."""
    spaces = call.core.registry.spaces()
    reached = [only] if only else [space for space in spaces if call.actor.administrator or _is_in(call, space)]
    granters = [await _granter(call, space) for space in reached]
    if only is not None and body.types is not None:
        _check_types(body.types, {each.name for each in granters[0].types})
    for action in body.actions:
        if action in ("read", "*") and not reached:
            continue
        _check_action(granters, action, body.types)


def _check_action(granters: list[Granter], action: str, types: tuple[str, ...] | None) -> None:
    refusal = Forbidden(f"You cannot give away what you do not hold: {action}.")
    for granter in granters:
        try:
            granter.check_token([action], types)
        except Forbidden as error:
            refusal = error
        else:
            return
    raise refusal


def _check_types(types: tuple[str, ...], known: set[str]) -> None:
    errors = [
        InputError(f"/types/{place}", "unknown_type", "is no type of this space")
        for place, name in enumerate(types)
        if name not in known
    ]
    if errors:
        raise InvalidInput("There is no such type in this space.", errors=tuple(errors))


def _is_in(call: Call, space: Space) -> bool:
    return call.actor.is_member(space.key)


async def _granter(call: Call, space: Space) -> Granter:
    core = call.core
    return Granter(
        actor=call.actor,
        space_key=space.key,
        snapshot=await core.snapshots.get(space),
        types=core.registry.types(space),
        brought=brought_roles(core.host, space),
    )


def _created(made: tuple[ApiToken, str], *, space: str | None) -> Answer:
    token, text = made
    shown = _view(token, space)
    view = NewTokenView(**asdict(shown), token=text)
    return created_secret(view, f"/api/tokens/{token.id}", shown=shown)


def _view(token: ApiToken, space: str | None) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        space=space,
        actions=token.actions,
        types=token.types,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


ROUTES: Final[tuple[Route, ...]] = (list_tokens, create_token, get_token, delete_token)
