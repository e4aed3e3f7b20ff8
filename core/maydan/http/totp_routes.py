"""The caller's second factor over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET, Struct, UnsetType

from maydan.accounts.totp import wrong_code
from maydan.errors import InputError, InvalidInput, NotFound
from maydan.http.accounts_me_routes import account_of, require_session
from maydan.http.answers import Answer, Cache
from maydan.http.routing import LOGGED_IN, Route, route

if TYPE_CHECKING:
    from maydan.http.call import Call

_PATH: Final = "/api/me/totp"


class TotpView(Struct, frozen=True, kw_only=True):
    """What an authenticator app needs, shown this once."""

    secret: str
    """Base 32."""
    otpauth_url: str
    """What goes into a QR code."""


class CodeInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code that the app shows now."""

    code: str


class TotpProof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proof that it is really the person: one of the two."""

    current_password: str | UnsetType = UNSET
    code: str | UnsetType = UNSET


class TotpDone(Struct, frozen=True, kw_only=True):
    """It happened; there is nothing more to say."""

    status: str


@route("POST", _PATH, permission=LOGGED_IN, answer=TotpView, errors=(403, 409), secret_answer=True, tags=("accounts",))
async def begin_totp(call: Call) -> Answer:
    """Begin to use a second factor.

    It counts once a code of it was confirmed; asking again before that gives a new secret.
    """
    require_session(call)
    made = await call.core.accounts.totp.begin(await account_of(call))
    view = TotpView(secret=made.secret, otpauth_url=made.otpauth_url)
    return Answer.json(view, cache=Cache.SECRET, tag="")


@route(
    "POST", f"{_PATH}/confirm", permission=LOGGED_IN, body=CodeInput, answer=TotpDone, errors=(403, 404, 409, 429),
    tags=("accounts",),
)  # fmt: skip
async def confirm_totp(call: Call, body: CodeInput) -> Answer:
    """Demand a code at every login from now on."""
    require_session(call)
    await call.core.accounts.totp.confirm(await account_of(call), body.code)
    return Answer.json(TotpDone(status="done"), tag="")


@route(
    "DELETE", _PATH, permission=LOGGED_IN, body=TotpProof, body_required=False, status=204, errors=(403, 404, 429, 503),
    tags=("accounts",),
)  # fmt: skip
async def delete_totp(call: Call) -> Answer:
    """Let the password alone be enough again; needs the password or a code."""
    require_session(call)
    accounts = call.core.accounts
    account = await account_of(call)
    if not await accounts.totp.is_on(account.id):
        raise NotFound
    proof = call.body(TotpProof)
    if proof.code is not UNSET:
        if not await accounts.totp.use(account.id, proof.code):
            raise wrong_code()
    elif proof.current_password is not UNSET:
        await accounts.profiles.check_current(account, proof.current_password)
    else:
        error = InputError("/current_password", "required", "Send the current password, or a code.")
        raise InvalidInput("Send the current password, or a code.", errors=(error,))
    await accounts.totp.remove(account)
    return Answer.empty()


ROUTES: Final[tuple[Route, ...]] = (begin_totp, confirm_totp, delete_totp)
