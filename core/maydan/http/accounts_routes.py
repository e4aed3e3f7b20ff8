"""Logging in and out, registering, and getting back in, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from maydan.accounts.logins import TokenPair
from maydan.http.answers import Answer, Cache
from maydan.http.routing import LOGGED_IN, Route, route

if TYPE_CHECKING:
    from maydan.http.call import Call


class RegisterInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to register."""

    email: str
    password: str
    name: str


class LoginInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to log in."""

    email: str
    password: str
    code: str | None = None
    """Of the second factor, where the account has one."""


class RefreshInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to stay logged in."""

    refresh_token: str


class MailTokenInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token from a mail."""

    token: str


class ForgotInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose password is forgotten."""

    email: str


class ResetInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token from a mail, and the new password."""

    token: str
    password: str


class Done(Struct, frozen=True, kw_only=True):
    """It happened; there is nothing more to say."""

    status: str


_ACCEPTED: Final = Done(status="accepted")
_DONE: Final = Done(status="done")


@route(
    "POST", "/api/auth/register", public=True, body=RegisterInput, answer=Done, status=202, errors=(429,),
    tags=("accounts",),
)  # fmt: skip
async def register(call: Call, body: RegisterInput) -> Answer:
    """Register an account.

    The answer is the same for an address that has an account; what happened is told by mail.
    """
    await call.core.accounts.registration.register(
        email=body.email, password=body.password, name=body.name, address=call.address, locale=_language(call)
    )
    return Answer.json(_ACCEPTED, tag="")


@route(
    "POST", "/api/auth/login", public=True, body=LoginInput, answer=TokenPair, errors=(401, 403, 429, 503),
    secret_answer=True, tags=("accounts",),
)  # fmt: skip
async def login(call: Call, body: LoginInput) -> Answer:
    """Log in.

    403 ``email_not_verified`` and 401 ``code_required`` come only with the right password. After too many failures for
    one account or from one network address: 429.
    """
    pair = await call.core.accounts.logins.log_in(
        body.email,
        body.password,
        code=body.code,
        address=call.address,
        user_agent=call.header("user-agent") or "",
    )
    return Answer.json(pair, cache=Cache.SECRET, tag="")


@route(
    "POST", "/api/auth/refresh", public=True, body=RefreshInput, answer=TokenPair, errors=(401,),
    secret_answer=True, tags=("accounts",),
)  # fmt: skip
async def refresh(call: Call, body: RefreshInput) -> Answer:
    """Exchange a refresh token for new tokens.

    Each is good once. One that is used again ends its session, as one of the two who have it is a thief.
    """
    pair = await call.core.accounts.logins.refresh(body.refresh_token)
    return Answer.json(pair, cache=Cache.SECRET, tag="")


@route("POST", "/api/auth/logout", permission=LOGGED_IN, answer=Done, tags=("accounts",))
async def logout(call: Call) -> Answer:
    """End the session of the access token; an API token is not a session and stays."""
    await call.core.accounts.logins.log_out(call.actor)
    return Answer.json(_DONE, tag="")


@route("POST", "/api/auth/verify", public=True, body=MailTokenInput, answer=Done, errors=(409,), tags=("accounts",))
async def verify(call: Call, body: MailTokenInput) -> Answer:
    """Verify an e-mail address with the token from the mail."""
    await call.core.accounts.registration.verify(body.token)
    return Answer.json(_DONE, tag="")


@route(
    "POST", "/api/auth/password/forgot", public=True, body=ForgotInput, answer=Done, status=202, errors=(429,),
    tags=("accounts",),
)  # fmt: skip
async def forgot_password(call: Call, body: ForgotInput) -> Answer:
    """Ask for the mail with which a new password is set; the answer is the same for every address."""
    await call.core.accounts.registration.forgot(email=body.email, address=call.address, locale=_language(call))
    return Answer.json(_ACCEPTED, tag="")


@route("POST", "/api/auth/password/reset", public=True, body=ResetInput, answer=Done, errors=(503,), tags=("accounts",))
async def reset_password(call: Call, body: ResetInput) -> Answer:
    """Set a new password with the token from the mail; ends every session."""
    await call.core.accounts.registration.reset(body.token, body.password)
    return Answer.json(_DONE, tag="")


def _language(call: Call) -> str:
    return next(iter(call.caller.languages), "")


ROUTES: Final[tuple[Route, ...]] = (
    register, login, refresh, logout, verify, forgot_password, reset_password,
)  # fmt: skip
