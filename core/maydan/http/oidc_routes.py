"""Signing in through a provider, over HTTP."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from maydan.accounts.logins import TokenPair
from maydan.accounts.oidc import FLOW_S
from maydan.errors import BadParameter, InputError
from maydan.http.answers import Answer, Cache
from maydan.http.routing import AnyQuery, Parameter, Route, route

if TYPE_CHECKING:
    from maydan.http.call import Call

_COOKIE: Final = "maydan_oidc"
_PATH: Final = "/api/auth/oidc/{provider}"
_MAX_LENGTH: Final = 4096
_SCHEMA: Final[dict[str, Any]] = {"type": "string", "maxLength": _MAX_LENGTH}


class Arrival(Struct, frozen=True, kw_only=True):
    """What a provider sends a browser back with."""

    state: str
    """Empty where it is missing: the answer to no login."""
    code: str | None
    """``None`` where it refused."""
    issuer: str | None


def read_arrival(pairs: list[tuple[str, str]]) -> Arrival:
    """Read a provider's answer; what else it adds is left alone, as RFC 6749, section 4.1.2, demands.

    Raises:
        BadParameter: One of ours comes twice or is too long.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in ("code", "error", "iss", "state"):
            continue
        if name in found or len(value) > _MAX_LENGTH:
            raise BadParameter(f"{name} is not acceptable.", errors=(InputError(name, "invalid", "is not acceptable"),))
        found[name] = value
    code = None if "error" in found else found.get("code")
    return Arrival(state=found.get("state", ""), code=code, issuer=found.get("iss"))


@route("GET", f"{_PATH}/start", public=True, status=302, errors=(404, 429, 503), tags=("accounts",))
async def start_oidc(call: Call) -> Answer:
    """Send a browser to a provider.

    It gets a cookie, without which nobody can finish the login that it began.
    """
    left = await call.core.accounts.providers.start(call.path["provider"], address=call.address)
    return Answer(
        status=302, location=left.url, cache=Cache.SECRET, tag="", headers=(_cookie(call, left.browser, FLOW_S),)
    )


@route(
    "GET", f"{_PATH}/callback", public=True, query=AnyQuery, parse=read_arrival, answer=TokenPair,
    parameters=(
        Parameter(name="state", description="As the provider gave it back.", schema=_SCHEMA),
        Parameter(name="code", description="What stands for the login at the provider.", schema=_SCHEMA),
        Parameter(name="error", description="Instead of a code, where the provider refused.", schema=_SCHEMA),
        Parameter(name="iss", description="Who answers (RFC 9207).", schema=_SCHEMA),
    ),
    errors=(401, 403, 404, 503), secret_answer=True, tags=("accounts",),
)  # fmt: skip
async def finish_oidc(call: Call) -> Answer:
    """Log in with a provider's answer, in the browser that asked for it.

    Other parameters that the provider adds are left alone.
    """
    arrival: Arrival = call.query
    pair = await call.core.accounts.providers.finish(
        call.path["provider"],
        state=arrival.state,
        code=arrival.code,
        browser=_browser(call),
        issuer=arrival.issuer,
        address=call.address,
        user_agent=call.header("user-agent") or "",
    )
    return Answer.json(pair, cache=Cache.SECRET, tag="", headers=(_cookie(call, "", 0),))


def _browser(call: Call) -> str:
    try:
        found = SimpleCookie(call.header("cookie") or "").get(_COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _cookie(call: Call, value: str, lives_s: int) -> tuple[str, str]:
    secure = "; Secure" if call.around.server.base_url.startswith("https:") else ""
    return (
        "set-cookie", f"{_COOKIE}={value}; Path=/api/auth/oidc; Max-Age={lives_s}; HttpOnly; SameSite=Lax{secure}",
    )  # fmt: skip


ROUTES: Final[tuple[Route, ...]] = (start_oidc, finish_oidc)
