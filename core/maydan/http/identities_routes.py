"""The identities with which the caller signs in through providers, over HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.accounts.identities import LinkedIdentity
from maydan.http.accounts_me_routes import require_session
from maydan.http.accounts_paging import newest_first
from maydan.http.answers import Answer
from maydan.http.routing import LOGGED_IN, PageQuery, Route, route

if TYPE_CHECKING:
    from maydan.http.call import Call


class IdentityPage(Struct, frozen=True, kw_only=True):
    """One page of identities, the newest first."""

    items: list[LinkedIdentity]
    next: str | None
    total: int | None = None


@route(
    "GET", "/api/me/identities", permission=LOGGED_IN, query=PageQuery, answer=IdentityPage, errors=(403,),
    tags=("accounts",),
)  # fmt: skip
async def list_identities(call: Call) -> Answer:
    """List the identities of providers with which you sign in."""
    account_id, identities = require_session(call), call.core.accounts.identities
    return await newest_first(
        call,
        partial(identities.list_of, account_id),
        key=lambda one: one.id,
        view=lambda one: one,
        count=partial(identities.count_of, account_id),
    )


@route(
    "DELETE", "/api/me/identities/{id}", permission=LOGGED_IN, status=204, errors=(403, 404, 409), tags=("accounts",)
)  # fmt: skip
async def delete_identity(call: Call) -> Answer:
    """Unlink an identity; not the last way in which you can sign in."""
    await call.core.accounts.identities.unlink(require_session(call), call.path["id"])
    return Answer.empty()


ROUTES: Final[tuple[Route, ...]] = (list_identities, delete_identity)
