"""Identity tokens: what is taken as a provider's word, and everything else that is not."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from maydan.accounts.oidc_tokens import UnknownKey, identity_of, read_identity_token
from maydan.accounts.settings import OidcProvider
from maydan.errors import Unauthenticated

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
PROVIDER = OidcProvider(issuer="https://id.example", client_id="maydan")
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
CURVE = ECKey.generate_key("P-256", {"kid": "two"})
KEYS: dict[str, Any] = {"keys": [KEY.as_dict(private=False), CURVE.as_dict(private=False)]}
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example", "aud": "maydan", "sub": "ann-1", "nonce": "n", "iat": AT - 1, "exp": AT + 300,
}  # fmt: skip


def read(token: str, keys: Any = None) -> dict[str, Any]:
    """Read a token as this login's answer."""
    return read_identity_token(token, keys or KEYS, PROVIDER, nonce="n", now=NOW)


def signed(changes: dict[str, Any] | None = None, *, without: str = "") -> str:
    """Return a token by the provider, with other claims than a good one has."""
    claims = {name: value for name, value in {**CLAIMS, **(changes or {})}.items() if name != without}
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY)


def _hmac(secret: bytes) -> str:
    """Return a token that is signed with a text, as a careless library would verify it."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "one"}, CLAIMS)]
    signing = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret, signing, "sha256")
    return (signing + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.mark.parametrize("changes", [{}, {"aud": ["maydan"]}, {"azp": "maydan"}, {"exp": AT - 30}, {"iat": AT + 30}])
def test_a_token_for_this_login_is_taken(changes: dict[str, Any]) -> None:
    """With clocks that differ by less than a minute; by each algorithm that is listed."""
    assert read(signed(changes))["sub"] == "ann-1"
    assert read(jwt.encode({"alg": "ES256", "kid": "two"}, CLAIMS, CURVE))["sub"] == "ann-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://id.example/"}, {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": ["maydan", "other"]},
        {"aud": []}, {"azp": "other"}, {"nonce": "m"}, {"nonce": None}, {"exp": AT - 60}, {"exp": str(AT + 9)},
        {"exp": True}, {"exp": float("nan")}, {"iat": AT + 60}, {"iat": AT - 601}, {"sub": ""}, {"sub": 7},
        {"sub": "x" * 256},
    ],
)  # fmt: skip
def test_a_token_with_another_claim_is_refused(changes: dict[str, Any]) -> None:
    """Of another provider, for another client or another login, too old, from the future, about nobody."""
    with pytest.raises(Unauthenticated):
        read(signed(changes))


@pytest.mark.parametrize("without", sorted(CLAIMS))
def test_a_token_without_a_claim_is_refused(without: str) -> None:
    """Each of them is needed."""
    with pytest.raises(Unauthenticated):
        read(signed(without=without))


def test_a_signature_that_proves_nothing_is_refused() -> None:
    """None, another key, the public key as a shared secret, another algorithm, bytes changed, and mere noise."""
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    shared = OctKey.import_key("a secret that everybody knows by now")
    head, body, signature = signed().split(".")
    tokens = {
        "another key": jwt.encode({"alg": "RS256", "kid": "one"}, CLAIMS, stranger),
        "public key as a secret": _hmac(KEY.as_pem(private=False)),
        "shared": jwt.encode({"alg": "HS256", "kid": "one"}, CLAIMS, shared),
        "not listed": jwt.encode({"alg": "RS512", "kid": "one"}, CLAIMS, KEY, algorithms=["RS512"]),
        "none": f"eyJhbGciOiJub25lIn0.{body}.",
        "cut": f"{head}.{body}.",
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "noise": "x",
        "deep": "W1tb" * 4000,
        "long": "a" * 20_000,
    }
    for token in tokens.values():
        with pytest.raises(Unauthenticated):
            read(token)
    with pytest.raises(Unauthenticated):
        read(signed(), {"keys": [shared.as_dict()]})
    with pytest.raises(UnknownKey):
        read(jwt.encode({"alg": "RS256", "kid": "three"}, CLAIMS, KEY))


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "a@b.example", "email_verified": True}, "a@b.example"),
        ({"email": "a@b.example", "email_verified": "true"}, None),
        ({"email": "a@b.example", "email_verified": False}, None),
        ({"email": "a@b.example"}, None),
        ({"email": "no address", "email_verified": True}, None),
        ({"email": ["a@b.example"], "email_verified": True}, None),
    ],
)
def test_an_address_counts_only_where_the_provider_verified_it(claims: dict[str, Any], email: str | None) -> None:
    """Anybody may write any address into a profile."""
    assert identity_of({**CLAIMS, **claims, "name": "Ann"}, "https://id.example").email == email


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("RS256", "HS256")])
def test_settings_take_no_algorithm_that_proves_nothing(algorithms: tuple[str, ...]) -> None:
    """A shared secret would let whoever knows it be anybody."""
    with pytest.raises(ValueError, match="algorithms"):
        OidcProvider(issuer="https://id.example", client_id="m", algorithms=algorithms)
