"""Two spaces with a thing of every kind in each, and a request for every route of the table, with a body that it takes.

What is refused is then refused for the reason that a test is about, and not for a body that was wrong anyway.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from site_support import ARTICLE, PASSWORD, PERSON, Site

from maydan.events.dead_letters import letter_statement
from maydan.http.routing import Route
from maydan.http.surface import core_routes
from maydan.storage.log import read_after

_POLICY = {"effect": "allow", "type": "article", "actions": ["read"]}
_WORKFLOW = {"name": "flow", "states": ["new", "done"], "initial": "new", "final": ["done"], "transitions": [
    {"name": "finish", "from": ["new"], "to": "done"}]}  # fmt: skip
BODIES: dict[str, Any] = {
    "register": {"email": "new@example.org", "password": PASSWORD, "name": "New"},
    "login": {"email": "nobody@example.org", "password": "not the password"},
    "refresh": {"refresh_token": "mdn_rt_nothing"},
    "verify": {"token": "mdn_mt_nothing"},
    "forgot_password": {"email": "nobody@example.org"},
    "reset_password": {"token": "mdn_mt_nothing", "password": PASSWORD},
    "patch_me": {"name": "Another name"},
    "confirm_totp": {"code": "000000"},
    "create_token": {"name": "mine", "actions": ["read"], "expires_in": 3600},
    "patch_user": {"suspended": True},
    "create_space": {"name": "third", "locales": ["en"]},
    "patch_space": {"title": "Changed"},
    "put_member_route": {"roles": ["editor"]},
    "create_invitation": {"email": "guest@example.org", "roles": ["editor"]},
    "accept_invitation": {"name": "Guest", "password": PASSWORD},
    "put_role_route": {"policies": [_POLICY]},
    "simulate_access": {"actor": {"roles": ["editor"]}, "action": "read", "type": "article"},
    "create_type": {"name": "another", "fields": [{"name": "a", "kind": "string"}]},
    "patch_type": {"title": "Changed"},
    "create_entry": {"title": {"en": "Made"}},
    "patch_entry": {"rating": 4},
    "put_entry": {"title": {"en": "Replaced"}},
    "query_entries": {"limit": 1},
    "put_workflow_route": _WORKFLOW,
    "lock_entry": {"ttl": 60},
    "create_preview": {"ttl": 60},
    "create_share": {"link": True, "rights": "view"},
    "write_bulk": b'{"op": "create", "type": "article", "data": {"title": {"en": "Many"}}}\n',
    "create_comment": {"text": "Well"},
    "patch_comment": {"text": "Better"},
    "create_webhook": {"url": "http://127.0.0.1:19999/", "events": ["entry.updated"]},
    "patch_webhook": {"active": False},
    "replay_webhook": {"since": "0"},
}
"""By the route's name; routes that are not here take no body, or none that they need."""
LOOPBACK = {"webhooks": {"allow_private": True}}
"""Settings with which a site takes the webhooks of this table."""
QUERIES = {"explain_access": "action=read&type=article"}
HEADERS = {"write_bulk": {"prefer": "atomic"}}
"""So that the status of the answer is that of its line."""
_VARYING = frozenset({"content-length", "date", "x-request-id"})
MEDIA_TYPES = {"write_bulk": "application/x-ndjson"}


class Space(NamedTuple):
    """A space, and what the parameters of paths are called in it."""

    values: dict[str, str]
    """By the name of the parameter; ``entry`` is published."""
    draft: str
    """An entry that was never published."""
    gone: str
    """An entry in the trash."""

    def values_of(self, route: Route) -> dict[str, str]:
        """Return the values with which a route has something to do."""
        return {**self.values, "entry": self.gone} if route.name == "restore_entry" else self.values


async def made(site: Site, method: str, path: str, body: Any = None) -> Any:
    """Do something as the administrator, who may."""
    headers = {**site.admin, **({"if-match": "*"} if method == "PATCH" else {})}
    got = await site.client.request(method, path, json=body, headers=headers)
    assert got.is_success, f"{method} {path}: {got.text}"
    return got.json() if got.content else None


async def two_spaces(site: Site, *, works: bool = False) -> tuple[Space, Space]:
    """Fill the spaces ``demo`` and ``other`` alike; where the background work runs there is an audit as well."""
    await made(site, "POST", "/api/spaces", {"name": "other", "locales": ["en", "ar"]})
    for definition in (PERSON, {**ARTICLE, "workflow": _WORKFLOW}):
        for space in ("demo", "other"):
            await made(site, "POST", f"/api/spaces/{space}/types", definition)
    return await _fill(site, "demo", works=works), await _fill(site, "other", works=works)


async def _fill(site: Site, space: str, *, works: bool) -> Space:
    base = f"/api/spaces/{space}"
    person = await made(site, "POST", f"{base}/content/person", {"name": "Ann"})
    draft, gone = [
        await made(site, "POST", f"{base}/content/article", {"title": {"en": title}}) for title in ("Two", "Three")
    ]
    await made(site, "DELETE", f"{base}/content/article/{gone['id']}")
    entry = await made(site, "POST", f"{base}/content/article", {"title": {"en": "One"}, "author": person["id"]})
    place = f"{base}/content/article/{entry['id']}"
    await made(site, "POST", f"{place}/publish", {})
    await made(site, "PATCH", place, {"rating": 3})
    comment = await made(site, "POST", f"{place}/comments", {"text": "Well said"})
    await made(site, "POST", f"{place}/publish", {"at": "2099-01-01T00:00:00Z"})
    share = await made(site, "POST", f"{place}/shares", {"link": True, "rights": "view"})
    preview = await made(site, "POST", f"{place}/previews", {"ttl": 3600})
    jobs = await made(site, "GET", f"{base}/jobs")
    webhook = await made(site, "POST", f"{base}/webhooks", BODIES["create_webhook"])
    await made(site, "PUT", f"{base}/roles/role-{space}", {"policies": [_POLICY]})
    account = await site.core.accounts.people.create(email=f"{space}@example.org", password=PASSWORD, name="A")
    await made(site, "PUT", f"{base}/members/{account.id}", {"roles": [f"role-{space}"]})
    await made(site, "POST", f"{base}/types", {"name": f"type_{space}", "fields": [{"name": "a", "kind": "string"}]})
    invited = {"email": f"guest@{space}.example", "roles": ["editor"]}
    invitation = await made(site, "POST", f"{base}/invitations", invited)
    return Space(
        {
            "space": space, "type": "article", "entry": entry["id"], "version": "1", "other": "2",
            "transition": "finish", "user": account.id, "comment": comment["id"], "webhook": webhook["id"],
            "role": f"role-{space}", "job": jobs["items"][0]["id"], "share": share["id"], "preview": preview["id"],
            "invitation": invitation["id"], "letter": await _letter(site, space),
            "id": await _audited(site, base) if works else "1",
        },
        draft["id"],
        gone["id"],
    )  # fmt: skip


async def _audited(site: Site, base: str) -> str:
    await site.core.subscriptions.settled()
    return (await made(site, "GET", f"{base}/audit"))["items"][0]["id"]


async def _letter(site: Site, space: str) -> str:
    """Put a dead letter about the space, and return its id."""
    store = site.core.store
    key = site.core.registry.cached_space(space)
    assert key is not None
    event = next(each for each in reversed(await read_after(store, 0, 500)) if each.space_key == key.key)
    await store.commit([letter_statement("plugin.test", event, 5, "LookupError: no")])
    return (await made(site, "GET", f"/api/spaces/{space}/dead-letters"))["items"][0]["id"]


def path_of(route: Route, values: dict[str, str]) -> str:
    """Return the path of a route with these values in it."""
    path = route.path
    for name in route.names:
        path = path.replace(f"{{{name}}}", values.get(name, "nothing"))
    return path


def writes() -> list[Route]:
    """Return the routes that change something, in an order in which none takes away what a later one needs."""
    found = [route for route in core_routes() if route.method != "GET" and route.name not in _READS]
    return sorted(found, key=_turn)


def _turn(route: Route) -> int:
    if route.name == "logout":
        return 1000
    if route.method == "DELETE":
        return 500 - len(route.path)
    return -1 if "/jobs/" in route.path else 0


_READS = frozenset({"query_entries", "simulate_access"})
"""They are POST for their body alone."""


async def ask(site: Site, route: Route, values: dict[str, str], headers: dict[str, str]) -> bytes:
    """Return an answer as bytes, in which the values of the path stand as their names."""
    if route.path.startswith("/api/users/"):
        values = {**values, "id": values["user"]}
    path, body = path_of(route, values), BODIES.get(route.name)
    sent = {"x-request-id": "the-same-each-time", **HEADERS.get(route.name, {}), **headers}
    if route.method not in ("GET", "POST"):
        sent["if-match"] = "*"
    if body is not None:
        sent["content-type"] = MEDIA_TYPES.get(route.name, "application/json")
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{path}?{QUERIES[route.name]}" if route.name in QUERIES else path
    got = await site.client.request(route.method, url, content=body, headers=sent)
    lines = sorted((name, value) for name, value in got.headers.items() if name not in _VARYING)
    shown = f"{got.status_code} {lines}\n".encode() + got.content
    shown = shown.replace(path.encode(), route.path.encode())
    for name in route.names:
        value = values.get(name, "nothing")
        if len(value) > 7:
            shown = shown.replace(value.encode(), name.encode())
    return shown


def status_of(shown: bytes) -> int:
    """Return the status of such an answer."""
    return int(shown[:3])
