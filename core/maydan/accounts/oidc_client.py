"""Asking a provider: where its endpoints are, what its keys are, and who a code stands for."""

from __future__ import annotations

from base64 import b64encode
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from maydan.accounts.oidc_tokens import UnknownKey, identity_of, read_identity_token, refused
from maydan.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maydan.accounts.oidc_tokens import Identity
    from maydan.accounts.settings import OidcProvider

_KEPT_S: Final = 3600.0
"""Seconds for which a provider's endpoints and keys are not asked for again."""
_KEYS_AGAIN_S: Final = 60.0
"""Seconds before an unknown key makes us ask for the keys again, so that made-up ones cannot."""


class Ask(Protocol):
    """Sends one request to another server, guarded."""

    async def __call__(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes = b"", allow_private: bool
    ) -> tuple[int, bytes]:
        """Return the status and the body.

        Raises:
            Unavailable: There is no answer.
        """
        ...


class Endpoints(Struct, frozen=True, kw_only=True):
    """What of a provider's own description (OpenID Connect Discovery 1.0) is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class ProviderClient:
    """Speaks to one provider; endpoints and keys are kept for an hour."""

    def __init__(self, provider: OidcProvider, ask: Ask) -> None:
        """Ask this provider through ``ask``."""
        self._provider = provider
        self._ask = ask
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    async def endpoints(self) -> Endpoints:
        """Return where the provider listens.

        Raises:
            Unavailable: It cannot be reached, or describes somebody else.
        """
        if self._endpoints is None or self._endpoints[0] < monotonic():
            url = f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            try:
                found = msgspec.convert(await self._json("GET", url), Endpoints)
            except msgspec.ValidationError as error:
                raise _unavailable() from error
            secure = urlsplit(self._provider.issuer).scheme == "https"
            listed = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            if found.issuer != self._provider.issuer or (secure and any(urlsplit(u).scheme != "https" for u in listed)):
                raise _unavailable()
            self._endpoints = (monotonic() + _KEPT_S, found)
        return self._endpoints[1]

    async def identify(self, code: str, *, verifier: str, nonce: str, redirect_uri: str, now: datetime) -> Identity:
        """Exchange a code for who somebody is.

        Raises:
            Unauthenticated: The provider does not know the code, or what it says does not verify.
            Unavailable: It cannot be reached.
        """
        answer = await self._exchange(code, verifier, redirect_uri)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise refused()
        claims = await self._claims(token, nonce, now)
        if "email" not in claims:
            claims = {**await self._more(answer.get("access_token"), claims["sub"]), **claims}
        return identity_of(claims, self._provider.issuer)

    async def _claims(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        keys = await self._published_keys(older_than_s=_KEPT_S)
        try:
            return read_identity_token(token, keys, self._provider, nonce=nonce, now=now)
        except UnknownKey:
            keys = await self._published_keys(older_than_s=_KEYS_AGAIN_S)
        try:
            return read_identity_token(token, keys, self._provider, nonce=nonce, now=now)
        except UnknownKey as error:
            raise refused() from error

    async def _published_keys(self, *, older_than_s: float) -> dict[str, Any]:
        if self._keys is None or monotonic() - self._keys[0] > older_than_s:
            self._keys = (monotonic(), await self._json("GET", (await self.endpoints()).jwks_uri))
        return self._keys[1]

    async def _exchange(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        endpoints, provider = await self.endpoints(), self._provider
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        secret = provider.client_secret.reveal()
        methods = endpoints.token_endpoint_auth_methods_supported
        if secret and ("client_secret_basic" in methods or "client_secret_post" not in methods):
            # RFC 6749, section 2.3.1: both parts are form-encoded first.
            pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": provider.client_id, **({"client_secret": secret} if secret else {})}
        return await self._json("POST", endpoints.token_endpoint, headers=headers, content=urlencode(form).encode())

    async def _more(self, access_token: object, subject: object) -> dict[str, Any]:
        """Ask for what is not in the token; only what is said of the same person counts."""
        url = (await self.endpoints()).userinfo_endpoint
        if not url or not isinstance(access_token, str) or not access_token.isascii():
            return {}
        told = await self._json("GET", url, headers={"authorization": f"Bearer {access_token}"})
        return told if told.get("sub") == subject else {}

    async def _json(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> dict[str, Any]:
        sent = {"accept": "application/json", **(headers or {})}
        private = self._provider.allow_private
        status, body = await self._ask(method, url, headers=sent, content=content, allow_private=private)
        if method == "POST" and 400 <= status < 500:
            raise refused()
        try:
            found: object = msgspec.json.decode(body) if status == 200 else None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise _unavailable() from error
        if not isinstance(found, dict):
            raise _unavailable()
        return cast("dict[str, Any]", found)


def _unavailable() -> Unavailable:
    return Unavailable("The provider does not answer as it should; try again later.", retry_after_s=30)
