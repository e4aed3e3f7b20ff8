"""Accounts and their sessions over HTTP, on a whole instance without plugins."""

from __future__ import annotations

from typing import Any

import pytest
from accounts_site import PASSWORD, Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio


async def test_somebody_registers_verifies_logs_in_and_out(site: Site) -> None:
    """The whole way, with the token from the mail."""
    given = {"email": "ann@site.example", "password": PASSWORD, "name": "Ann"}
    first = await site.call("", "POST", "/api/auth/register", given)
    again = await site.call("", "POST", "/api/auth/register", given)
    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    early = await site.call("", "POST", "/api/auth/login", {"email": "ann@site.example", "password": PASSWORD})
    assert early.status_code == 403
    await site.core.accounts.outbox.deliver_due()
    verified = await site.call("", "POST", "/api/auth/verify", {"token": site.letterbox.token()})
    assert verified.status_code == 200
    login = await site.call("", "POST", "/api/auth/login", {"email": "ANN@site.example", "password": PASSWORD})
    assert login.status_code == 200
    pair = login.json()
    assert pair.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert login.headers["cache-control"] == "no-store"
    me = await site.call(pair["access_token"], "GET", "/api/me")
    assert me.json()["email"] == "ann@site.example"
    assert me.json()["roles"] == {}
    renewed = await site.call("", "POST", "/api/auth/refresh", {"refresh_token": pair["refresh_token"]})
    token = renewed.json()["access_token"]
    assert (await site.call(token, "POST", "/api/auth/logout")).status_code == 200
    assert (await site.call(token, "GET", "/api/me")).status_code == 401
    assert (await site.call("", "GET", "/api/me")).status_code == 401


async def test_a_password_is_reset_by_mail(site: Site) -> None:
    """And the answer does not tell whether the address is known."""
    await site.person("ann")
    known = await site.call("", "POST", "/api/auth/password/forgot", {"email": "ann@site.example"})
    unknown = await site.call("", "POST", "/api/auth/password/forgot", {"email": "nobody@site.example"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, known.content)
    await site.core.accounts.outbox.deliver_due()
    body = {"token": site.letterbox.token(), "password": "an even longer walk"}
    assert (await site.call("", "POST", "/api/auth/password/reset", body)).status_code == 200
    used = await site.call("", "POST", "/api/auth/password/reset", body)
    assert (used.status_code, used.json()["errors"][0]["pointer"]) == (422, "/token")
    login = {"email": "ann@site.example", "password": "an even longer walk"}
    assert (await site.call("", "POST", "/api/auth/login", login)).status_code == 200


async def test_too_many_wrong_logins_are_429(site: Site) -> None:
    """With the seconds to wait; neither a header nor another spelling gets round it."""
    answers = [
        await site.call(
            "",
            "POST",
            "/api/auth/login",
            {"email": ["ann@site.example", "ANN@site.example"][number % 2], "password": "wrong one"},
            x_forwarded_for=f"10.0.0.{number}",
        )
        for number in range(11)
    ]
    assert [answer.status_code for answer in answers] == [*[401] * 10, 429]
    told = answers[-1].headers
    assert int(told["retry-after"]) > 0
    assert (told["ratelimit-limit"], told["ratelimit-remaining"]) == ("10", "0")
    assert told["ratelimit-reset"] == told["retry-after"]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/api/auth/register", {"email": "x", "password": PASSWORD, "name": ""}, "/email"),
        ("/api/auth/register", {"email": "a@b.example", "password": PASSWORD}, "/name"),
        ("/api/auth/register", {"email": "a@b.example", "password": PASSWORD, "name": "", "administrator": True},
         "/administrator"),
        ("/api/auth/login", {"email": 1, "password": PASSWORD}, "/email"),
        ("/api/auth/verify", {"token": ""}, "/token"),
    ],
)  # fmt: skip
async def test_bodies_are_taken_strictly(site: Site, path: str, body: dict[str, Any], pointer: str) -> None:
    """What is unknown, missing or of another type is 422 with its place."""
    answer = await site.call("", "POST", path, body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\u202e", "a" * 5000, "'; DROP TABLE maydan_accounts; --"])
async def test_odd_texts_are_refused_everywhere(site: Site, text: str) -> None:
    """NUL, a lone surrogate, a turned direction, far too long: a 4xx on every route that takes texts."""
    root_id, root = await site.person("boss", administrator=True)
    texts = ("email", "password", "name", "token", "refresh_token", "current_password", "locale")
    routes = {
        "/api/auth/register": ("POST", texts[:3]),
        "/api/auth/login": ("POST", texts[:2]),
        "/api/auth/refresh": ("POST", ("refresh_token",)),
        "/api/auth/verify": ("POST", ("token",)),
        "/api/auth/password/reset": ("POST", ("token", "password")),
        "/api/me": ("PATCH", ("name", "locale", "email", "password", "current_password")),
    }
    for path, (method, names) in routes.items():
        body = "{" + ", ".join(f'"{name}": "{text}"' for name in names) + "}"
        headers = {"content-type": "application/json", "authorization": f"Bearer {root}", "if-match": "*"}
        answer = await site.client.request(method, path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (path, answer.text)
    forgot = f'{{"email": "{text}"}}'
    headers = {"content-type": "application/json"}
    assert (await site.client.post("/api/auth/password/forgot", content=forgot, headers=headers)).status_code < 500
    assert (await site.call(root, "GET", f"/api/users/{root_id}")).status_code == 200


async def test_people_change_their_own_account(site: Site) -> None:
    """With If-Match; a new password needs the present one, which must be right wherever it is given."""
    _, token = await site.person("ann", "editor")
    login = {"email": "ann@site.example", "password": PASSWORD}
    other = (await site.call("", "POST", "/api/auth/login", login)).json()["access_token"]
    me = await site.call(token, "GET", "/api/me")
    assert me.json()["roles"] == {"demo": ["editor"]}
    assert (await site.call(token, "PATCH", "/api/me", {"name": "A"})).status_code == 428
    assert (await site.call(token, "PATCH", "/api/me", {"name": "A"}, if_match='"old"')).status_code == 412
    renamed = await site.call(token, "PATCH", "/api/me", {"name": "A", "locale": "ar"}, if_match=me.headers["etag"])
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["locale"]) == (200, "A", "ar")
    wrong = {"password": "an even longer walk", "current_password": "not it at all"}
    refused = await site.call(token, "PATCH", "/api/me", wrong, if_match=renamed.headers["etag"])
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/current_password")
    alone = await site.call(token, "PATCH", "/api/me", {"current_password": "not it at all"}, if_match="*")
    assert (alone.status_code, alone.json()["errors"][0]["code"]) == (422, "wrong_password")
    named = {"name": "B", "current_password": "not it at all"}
    assert (await site.call(token, "PATCH", "/api/me", named, if_match="*")).status_code == 422
    assert (await site.call(token, "GET", "/api/me")).json()["name"] == "A"
    right = {**wrong, "current_password": PASSWORD}
    assert (await site.call(token, "PATCH", "/api/me", right, if_match="*")).status_code == 200
    assert (await site.call(token, "GET", "/api/me")).status_code == 200
    assert (await site.call(other, "GET", "/api/me")).status_code == 401


async def test_sessions_are_listed_and_ended(site: Site) -> None:
    """One's own; another's does not exist."""
    _, ann = await site.person("ann")
    _, bea = await site.person("bea")
    login = {"email": "ann@site.example", "password": PASSWORD}
    other = (await site.call("", "POST", "/api/auth/login", login)).json()["access_token"]
    listed = (await site.call(ann, "GET", "/api/me/sessions?count=exact&limit=1")).json()
    assert listed["total"] == 2
    rest = (await site.call(ann, "GET", f"/api/me/sessions?limit=1&cursor={listed['next']}")).json()
    assert (listed["items"][0]["current"], rest["items"][0]["current"], rest["next"]) == (False, True, None)
    path = f"/api/me/sessions/{listed['items'][0]['id']}"
    assert (await site.call(bea, "DELETE", path)).status_code == 404
    assert (await site.call(ann, "DELETE", path)).status_code == 204
    assert (await site.call(other, "GET", "/api/me")).status_code == 401


async def test_administrators_look_after_accounts(site: Site) -> None:
    """Nobody else; a suspended account is out at once; nobody suspends themselves."""
    root_id, root = await site.person("boss", administrator=True)
    ann_id, ann = await site.person("ann", "owner")
    assert (await site.call(ann, "GET", "/api/users")).status_code == 403
    assert (await site.call("", "GET", "/api/users")).status_code == 401
    users = (await site.call(root, "GET", "/api/users?count=exact")).json()
    assert users["total"] == 3
    assert users["items"][0]["id"] == ann_id
    path = f"/api/users/{ann_id}"
    tag = (await site.call(root, "GET", path)).headers["etag"]
    assert (await site.call(root, "PATCH", path, {"suspended": True})).status_code == 428
    assert (await site.call(root, "PATCH", path, {"suspended": 1}, if_match=tag)).status_code == 422
    suspended = await site.call(root, "PATCH", path, {"suspended": True}, if_match=tag)
    assert suspended.json()["suspended"] is True
    assert (await site.call(ann, "GET", "/api/me")).status_code == 401
    assert (await site.call(root, "PATCH", path, {"suspended": False}, if_match=tag)).status_code == 412
    back = await site.call(root, "PATCH", path, {"suspended": False}, if_match=suspended.headers["etag"])
    assert back.status_code == 200
    own = await site.call(root, "PATCH", f"/api/users/{root_id}", {"suspended": True}, if_match="*")
    assert own.status_code == 409
    assert (await site.call(root, "GET", "/api/users/nonsense")).status_code == 404
