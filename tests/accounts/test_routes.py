"""Accounts, members, roles and tokens over HTTP, on a whole instance without plugins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from maydan.app import create_core, load_plugins, running
from maydan.http.accounts_me_routes import ROUTES as ME_ROUTES
from maydan.http.accounts_routes import ROUTES as ACCOUNT_ROUTES
from maydan.http.application import build_app
from maydan.http.members_routes import ROUTES as MEMBER_ROUTES
from maydan.http.roles_routes import ROUTES as ROLE_ROUTES
from maydan.http.spaces_routes import ROUTES as SPACE_ROUTES
from maydan.http.surroundings import Surroundings
from maydan.http.tokens_routes import ROUTES as TOKEN_ROUTES
from maydan.http.types_routes import ROUTES as TYPE_ROUTES
from maydan.http.users_routes import ROUTES as USER_ROUTES
from maydan.operations.core import Core
from maydan.settings import read

pytestmark = pytest.mark.anyio

PASSWORD = "a long walk at dusk"
ROUTES = (
    *SPACE_ROUTES, *TYPE_ROUTES, *ACCOUNT_ROUTES, *ME_ROUTES, *MEMBER_ROUTES, *ROLE_ROUTES, *TOKEN_ROUTES, *USER_ROUTES,
)  # fmt: skip
ARTICLE = {
    "name": "article",
    "fields": [{"name": "title", "kind": "string"}, {"name": "note", "kind": "text", "private": True}],
}


class Site:
    """An instance with a space, and people who are logged in."""

    def __init__(self, core: Core, client: httpx.AsyncClient, letterbox: Any) -> None:
        self.core = core
        self.client = client
        self.letterbox = letterbox

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request with a token, or with none for ``""``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who:
            sent["authorization"] = f"Bearer {who}"
        return await self.client.request(method, path, json=body, headers=sent)

    async def person(self, name: str, *roles: str, administrator: bool = False) -> tuple[str, str]:
        """Make an account with roles in the space, and return its id and an access token."""
        email = f"{name}@site.example"
        accounts = self.core.accounts
        made = await accounts.people.create(email=email, password=PASSWORD, name=name, administrator=administrator)
        if roles:
            space = await self.core.registry.find_space("demo")
            assert space
            await accounts.members.put(space.key, made.id, roles, known=None)
        return made.id, (await accounts.logins.log_in(email, PASSWORD)).access_token


@pytest.fixture
async def site(database_url: str, letterbox: Any) -> AsyncIterator[Site]:
    """An instance with the space ``demo`` and the type ``article``."""
    settings = read(
        {
            "database": {"url": database_url},
            "server": {"base_url": "https://site.example"},
            "auth": {"hash_memory_kib": 64, "hash_passes": 1},
        }
    )
    core = create_core(settings, load_plugins(settings), mailer=letterbox)
    async with running(core):
        around = Surroundings(core, settings.server, settings.log)
        transport: Any = httpx.ASGITransport(build_app(around, ROUTES), raise_app_exceptions=True)  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            made = Site(core, client, letterbox)
            _, root = await made.person("root", administrator=True)
            space = {"name": "demo", "title": "Demo", "locales": ["en"]}
            assert (await made.call(root, "POST", "/api/spaces", space)).status_code == 201
            assert (await made.call(root, "POST", "/api/spaces/demo/types", ARTICLE)).status_code == 201
            await core.revisions.settled()
            yield made
        await core.accounts.stop()


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
    """With If-Match; a new password needs the present one and ends the other sessions."""
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
    assert (await site.call(ann, "GET", "/api/me")).status_code == 200
    own = await site.call(root, "PATCH", f"/api/users/{root_id}", {"suspended": True}, if_match="*")
    assert own.status_code == 409
    assert (await site.call(root, "GET", "/api/users/nonsense")).status_code == 404


async def test_members_are_administered_within_ones_own_rights(site: Site) -> None:
    """A manager makes editors and unmakes them, but neither makes an owner nor touches one."""
    _, manager = await site.person("manager", "manager")
    owner_id, owner = await site.person("owner", "owner")
    ann_id, ann = await site.person("ann")
    path = f"/api/spaces/demo/members/{ann_id}"
    assert (await site.call(ann, "PUT", path, {"roles": ["editor"]})).status_code == 403
    assert (await site.call(manager, "GET", path)).status_code == 404
    made = await site.call(manager, "PUT", path, {"roles": ["editor"]})
    assert (made.status_code, made.headers["location"], made.json()["roles"]) == (201, path, ["editor"])
    assert (await site.call(ann, "GET", "/api/me")).json()["roles"] == {"demo": ["editor"]}
    tag = made.headers["etag"]
    assert (await site.call(manager, "PUT", path, {"roles": []})).status_code == 428
    assert (await site.call(manager, "PUT", path, {"roles": ["owner"]}, if_match=tag)).status_code == 403
    unknown = await site.call(manager, "PUT", path, {"roles": ["nobody"]}, if_match=tag)
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/roles/0")
    back = {**made.json(), "roles": ["manager"]}
    changed = await site.call(manager, "PUT", path, back, if_match=tag)
    assert (changed.status_code, changed.json()["roles"]) == (200, ["manager"])
    assert (await site.call(manager, "PUT", path, {"roles": []}, if_match=tag)).status_code == 412
    forged = {**changed.json(), "email": "x@y.example"}
    refused = await site.call(manager, "PUT", path, forged, if_match="*")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/email")
    assert (await site.call(manager, "DELETE", f"/api/spaces/demo/members/{owner_id}")).status_code == 403
    assert (await site.call(owner, "PUT", path, {"roles": ["owner"]}, if_match="*")).status_code == 200
    assert (await site.call(owner, "DELETE", path)).status_code == 204
    assert (await site.call(owner, "DELETE", path)).status_code == 404
    listed = (await site.call(manager, "GET", "/api/spaces/demo/members?count=exact")).json()
    assert (listed["total"], listed["items"][0]["id"]) == (2, owner_id)
    nobody = "/api/spaces/demo/members/00000000-0000-7000-8000-000000000000"
    assert (await site.call(owner, "PUT", nobody, {"roles": []})).status_code == 404


async def test_roles_are_written_within_ones_own_rights(site: Site) -> None:
    """Read, write, read back, delete; nobody grants what they do not hold."""
    _, owner = await site.person("owner", "owner")
    ann_id, ann = await site.person("ann")
    path = "/api/spaces/demo/roles/desk"
    policy = {
        "effect": "allow",
        "type": "article",
        "actions": ["read_draft", "update", "manage:roles"],
        "condition": {"created_by": {"eq": "$actor.id"}},
    }
    wide = {"effect": "allow", "type": "*", "actions": ["manage:roles"]}
    assert (await site.call(ann, "PUT", path, {"policies": []})).status_code == 403
    made = await site.call(owner, "PUT", path, {"policies": [policy, wide]})
    assert made.status_code == 201
    assert made.json()["policies"][0] == {**policy, "fields": ["*"]}
    same = await site.call(owner, "PUT", path, made.json(), if_match=made.headers["etag"])
    assert (same.status_code, same.json()["version"]) == (200, 2)
    member = {"roles": ["desk"]}
    assert (await site.call(owner, "PUT", f"/api/spaces/demo/members/{ann_id}", member)).status_code == 201
    assert (await site.call(ann, "GET", path)).status_code == 200
    mine = {"policies": [{**policy, "actions": ["update"]}]}
    assert (await site.call(ann, "PUT", "/api/spaces/demo/roles/mine", mine)).status_code == 201
    for more in (
        {"policies": [{"effect": "allow", "type": "article", "actions": ["update"]}]},
        {"policies": [{"effect": "allow", "type": "article", "actions": ["publish"]}]},
        {"policies": [], "inherits": ["editor"]},
    ):
        assert (await site.call(ann, "PUT", "/api/spaces/demo/roles/more", more)).status_code == 403
    private = {"policies": [{"effect": "allow", "type": "article", "actions": ["read"], "fields": ["note"]}]}
    assert (await site.call(owner, "PUT", "/api/spaces/demo/roles/auditor", private)).status_code == 201
    circle = {"policies": [], "inherits": ["desk"]}
    refused = await site.call(owner, "PUT", path, circle, if_match="*")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "circle")
    for role in ("editor", "anonymous"):
        assert (await site.call(owner, "DELETE", f"/api/spaces/demo/roles/{role}")).status_code == 409
    assert (await site.call(owner, "DELETE", path)).status_code == 204
    assert (await site.call(owner, "GET", path)).status_code == 404
    names = [role["name"] for role in (await site.call(owner, "GET", "/api/spaces/demo/roles")).json()["items"]]
    assert names == ["anonymous", "auditor", "editor", "manager", "member", "mine", "owner"]


async def test_what_everybody_may_read_can_be_written(site: Site) -> None:
    """The start of `anonymous` is replaced, and is in force with the next request."""
    _, owner = await site.person("owner", "owner")
    path = "/api/spaces/demo/roles/anonymous"
    start = (await site.call(owner, "GET", path)).json()
    assert start["policies"][0]["actions"] == ["read"]
    assert (await site.call("", "GET", "/api/spaces/demo")).status_code == 200
    closed = await site.call(owner, "PUT", path, {"policies": []})
    assert closed.status_code == 200
    assert (await site.call("", "GET", "/api/spaces/demo")).status_code == 404
    opened = {**closed.json(), "policies": start["policies"]}
    assert (await site.call(owner, "PUT", path, opened, if_match=closed.headers["etag"])).status_code == 200
    assert (await site.call("", "GET", "/api/spaces/demo")).status_code == 200


async def test_api_tokens_are_made_used_and_ended(site: Site) -> None:
    """For no more than their maker may do, in one space, shown once."""
    _, ann = await site.person("ann", "manager")
    body = {"name": "ci", "space": "demo", "actions": ["read", "manage:members"], "expires_in": 3600}
    made = await site.call(ann, "POST", "/api/tokens", body)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    token = made.json()["token"]
    assert (await site.call(token, "GET", "/api/spaces/demo/members")).status_code == 200
    assert (await site.call(token, "GET", "/api/spaces/demo/roles")).status_code == 200
    assert (await site.call(token, "GET", "/api/me")).status_code == 200
    for method, path, sent in (
        ("PATCH", "/api/me", {"name": "x"}),
        ("POST", "/api/tokens", body),
        ("GET", "/api/me/sessions", None),
    ):
        assert (await site.call(token, method, path, sent, if_match="*")).status_code == 403
    over = await site.call(ann, "POST", "/api/tokens", {**body, "actions": ["manage:roles"]})
    assert over.status_code == 403
    for wrong, pointer in (({"space": "nowhere"}, "/space"), ({"types": ["none"]}, "/types/0")):
        refused = await site.call(ann, "POST", "/api/tokens", {**body, **wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    listed = (await site.call(ann, "GET", "/api/tokens")).json()["items"]
    assert [each["name"] for each in listed] == ["ci"]
    assert "token" not in listed[0]
    assert (await site.call(ann, "DELETE", f"/api/tokens/{listed[0]['id']}")).status_code == 204
    assert (await site.call(token, "GET", "/api/me")).status_code == 401


async def test_an_administrators_limited_token_does_not_administer(site: Site) -> None:
    """Within its scope it does what administrators do in spaces; the instance is beyond it."""
    _, root = await site.person("boss", administrator=True)
    body = {"name": "ci", "space": "demo", "actions": ["*"], "expires_in": 3600}
    limited = (await site.call(root, "POST", "/api/tokens", body)).json()["token"]
    assert (await site.call(limited, "GET", "/api/spaces/demo/roles")).status_code == 200
    assert (await site.call(limited, "GET", "/api/users")).status_code == 403
    space = {"name": "more", "title": "More", "locales": ["en"]}
    assert (await site.call(limited, "POST", "/api/spaces", space)).status_code == 403
    full = {"name": "ci", "actions": ["*"], "expires_in": 3600}
    unlimited = (await site.call(root, "POST", "/api/tokens", full)).json()["token"]
    assert (await site.call(unlimited, "GET", "/api/users")).status_code == 200


async def test_a_token_is_made_once_for_one_idempotency_key(site: Site) -> None:
    """The same answer again, with the same token."""
    _, ann = await site.person("ann", "editor")
    body = {"name": "ci", "actions": ["read"], "expires_in": 3600}
    first = await site.call(ann, "POST", "/api/tokens", body, idempotency_key="k1")
    again = await site.call(ann, "POST", "/api/tokens", body, idempotency_key="k1")
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await site.call(ann, "GET", "/api/tokens")).json()["items"]) == 1


async def test_other_spaces_do_not_exist(site: Site) -> None:
    """Their members and roles are 404 to an owner of another space."""
    _, root = await site.person("boss", administrator=True)
    await site.call(root, "POST", "/api/spaces", {"name": "other", "title": "Other", "locales": ["en"]})
    closed = await site.call(root, "PUT", "/api/spaces/other/roles/anonymous", {"policies": []})
    assert closed.status_code == 200
    _, owner = await site.person("owner", "owner")
    for path in ("members", "roles", "roles/editor"):
        answers = [await site.call(owner, "GET", f"/api/spaces/{name}/{path}") for name in ("other", "nowhere")]
        assert [answer.status_code for answer in answers] == [404, 404]
