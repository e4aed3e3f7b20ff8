"""Tokens that nobody gave out: 401, whatever they look like, and never a fault of ours."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from site_support import open_site  # pyright: ignore[reportMissingImports] - tests/support
from streams_support import listening  # pyright: ignore[reportMissingImports] - tests/support

from maydan.accounts.tokens import TokenKind, new_token

pytestmark = pytest.mark.anyio


def _part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _made_up() -> dict[str, bytes]:
    claims = {"sub": "admin", "administrator": True, "exp": 4102444800, "iat": 4102441200}
    signed = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("a secret of somebody else's own making"))
    other = jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048))
    deep = f"{_part('[' * 70_000 + ']' * 70_000)}.{_part({})}."
    objects = '{"a":' * 70_000 + "1" + "}" * 70_000
    deeper = f"{_part(objects)}.{_part({})}."
    later = jwt.encode({"alg": "HS256"}, {**claims, "iat": 4102441200, "nbf": 4102441200}, OctKey.import_key("x" * 32))
    tokens = {
        "alg none": f"{_part({'alg': 'none'})}.{_part(claims)}.",
        "another key": signed,
        "another algorithm": other,
        "a deep header": deep,
        "a deep header of objects": deeper,
        "a short deep header": deep[:4000],
        "from the future": later,
        "expired": jwt.encode({"alg": "HS256"}, {**claims, "exp": 1}, OctKey.import_key("x" * 32)),
        "no base64": f"{_part({'alg': 'HS256'})}!.***.%%%",
        "many parts": "a." * 2000,
        "huge": "a" * 900_000,
        "an access token of nobody": new_token(TokenKind.ACCESS),
        "an API token of nobody": new_token(TokenKind.API),
        "a token of another kind": new_token(TokenKind.REFRESH),
        "a mail's token": new_token(TokenKind.MAIL),
        "nothing": "",
    }
    sent = {name: f"Bearer {token}".encode() for name, token in tokens.items()}
    return {
        **sent,
        "NUL": b"Bearer mdn_at_\x00",
        "no scheme": new_token(TokenKind.ACCESS).encode(),
        "basic": b"Basic YWRtaW46YWRtaW4=",
        "two": b"Bearer a, Bearer b",
        "not ASCII": "Bearer mdn_at_é".encode(),
    }


async def test_made_up_tokens_are_401_on_public_and_closed_routes(sqlite_url: str) -> None:
    """Also where nobody needs a token: who shows one is asked who they are, at the price of one statement at most."""
    async with open_site(sqlite_url, more={"server": {"development": True}}) as site:
        for name, header in _made_up().items():
            for path in ("/api/me", "/api/spaces/demo/content/article"):
                answer = await site.client.get(path, headers=[(b"authorization", header)])
                assert answer.status_code == 401, (name, answer.text)
                assert answer.headers["www-authenticate"].startswith("Bearer ")
                assert int(answer.headers["x-db-statements"]) <= 1, name
        posted = await site.client.post("/api/auth/refresh", json={"refresh_token": new_token(TokenKind.ACCESS)})
        assert posted.status_code == 401


async def test_a_token_of_any_length_is_401_on_a_real_server_too(sqlite_url: str) -> None:
    """And the connection goes on; more than a mebibyte is no head of a request any more."""
    async with open_site(sqlite_url) as site, listening(site.application) as (client, _port):
        for name, header in _made_up().items():
            if name not in ("NUL", "not ASCII", "nothing"):  # which the client does not send
                answer = await client.get("/api/me", headers=[(b"authorization", header)])
                assert answer.status_code == 401, (name, answer.text)
        other = await client.get("/api/me", headers={"x-other": "a" * 70_000})
        assert other.status_code == 431


async def test_a_token_is_good_for_its_time_alone(sqlite_url: str) -> None:
    """Expired ones are 401; and one that was made by a clock that ran ahead lives no longer than its time."""
    async with open_site(sqlite_url) as site:
        now = site.admin
        site.clock.forward(days=1)
        assert (await site.get("/api/me", headers=now)).status_code == 401
        ahead = await site.log_in("admin@example.org")
        assert (await site.get("/api/me", headers=ahead)).status_code == 200
        site.clock.forward(days=-1)
        assert (await site.get("/api/me", headers=ahead)).status_code == 200
        site.clock.forward(days=1, seconds=901)
        assert (await site.get("/api/me", headers=ahead)).status_code == 401
