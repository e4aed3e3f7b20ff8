"""Identity tokens: what must hold before a provider's word is taken (OpenID Connect Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from maydan.accounts.addresses import is_address
from maydan.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from joserfc.jwk import KeySetSerialization

    from maydan.accounts.settings import OidcProvider

LEEWAY_S: Final = 60
"""Seconds by which the provider's clock may differ from ours."""
MAX_AGE_S: Final = 600
"""Seconds after which a token is too old to be the answer to a login that has just been made."""
MAX_TOKEN_LENGTH: Final = 16_384


class Identity(Struct, frozen=True, kw_only=True):
    """Who somebody is to a provider."""

    issuer: str
    subject: str
    email: str | None
    """Only where the provider says that it verified it."""
    name: str


class _Claims(Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None


class UnknownKey(Exception):
    """The token is signed with a key that the provider did not publish (yet)."""


def read_identity_token(
    token: str, keys: Mapping[str, Any], provider: OidcProvider, *, nonce: str, now: datetime
) -> dict[str, Any]:
    """Verify a token's signature and claims, and return the claims.

    Args:
        token: As the provider sent it, straight to us.
        keys: The provider's key set (RFC 7517).
        provider: Whose issuer, client and algorithms must be those of the token.
        nonce: What this login began with.
        now: The time.
    Raises:
        UnknownKey: No published key fits.
        Unauthenticated: It is not a token for us, from this provider, for this login.
    """
    from joserfc import jwt
    from joserfc.errors import InvalidKeyIdError, JoseError, MissingKeyError
    from joserfc.jwk import KeySet

    if len(token) > MAX_TOKEN_LENGTH:
        raise refused()
    try:
        claims = jwt.decode(token, KeySet.import_key_set(_public(keys)), algorithms=list(provider.algorithms)).claims
    except (InvalidKeyIdError, MissingKeyError) as error:
        raise UnknownKey from error
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise refused() from error
    _check_claims(claims, provider, nonce=nonce, now=int(now.timestamp()))
    return claims


def identity_of(claims: Mapping[str, Any], issuer: str) -> Identity:
    """Return who the claims are about; an address counts only where ``email_verified`` is ``true``."""
    email, name = claims.get("email"), claims.get("name")
    verified = claims.get("email_verified") is True and isinstance(email, str) and is_address(email)
    shown = name if isinstance(name, str) and name.isprintable() and len(name) <= 200 else ""
    return Identity(issuer=issuer, subject=str(claims["sub"]), email=email if verified else None, name=shown)


def refused() -> Unauthenticated:
    """Return the refusal of what a provider, or somebody in its name, said; the same for every reason."""
    return Unauthenticated("The login with this provider could not be verified; begin again.", code="provider_refused")


def _check_claims(found: Mapping[str, Any], provider: OidcProvider, *, nonce: str, now: int) -> None:
    try:
        claims = msgspec.convert(found, _Claims)
    except msgspec.ValidationError as error:
        raise refused() from error
    good = (
        claims.iss == provider.issuer
        and claims.aud in (provider.client_id, [provider.client_id])
        and claims.azp in (None, provider.client_id)
        and claims.nonce == nonce
        and now - LEEWAY_S < claims.exp
        and now - MAX_AGE_S < claims.iat < now + LEEWAY_S
        and 1 <= len(claims.sub) <= 255
    )
    if not good:
        raise refused()


def _public(keys: Mapping[str, Any]) -> KeySetSerialization:
    """Leave out keys that are not there to verify signatures; a shared secret is none that a provider publishes."""
    try:
        listed = msgspec.convert(keys.get("keys"), list[dict[str, Any]])
    except msgspec.ValidationError as error:
        raise refused() from error
    kept = [key for key in listed if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"]
    if not kept:
        raise refused()
    return {"keys": kept}
