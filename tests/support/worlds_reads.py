"""Every way to read a world, and a client that keeps every byte of what is answered."""

from __future__ import annotations

import json
import random
from typing import Any, NamedTuple
from urllib.parse import quote

from worlds import LOCALES, WORDS, World

from maydan.content.types import ContentType
from maydan.http.routing import Route
from maydan.http.surface import core_routes

VARYING = frozenset({b"x-request-id", b"date", b"server-timing"})
_REQUEST_ID = b"the-same-each-time"
UNASKED = {
    "/api/auth/oidc/{provider}/start": "makes a secret for each flow",
    "/api/auth/oidc/{provider}/callback": "takes part in a flow, and reads nothing of a space",
    "/health/ready": "tells of the machine at the moment",
}
"""Routes that answer differently each time, and why."""


class Ask(NamedTuple):
    """One request that changes nothing."""

    path: str
    """With its query."""
    method: str = "GET"
    body: Any = None

    def __hash__(self) -> int:
        """Have requests with a body be keys too."""
        return hash((self.path, self.method, str(self.body)))


async def answer(application: Any, ask: Ask, headers: dict[str, str]) -> bytes:
    """Return status, headers and body as they leave the application, without what differs from request to request."""
    path, _, query = ask.path.partition("?")
    body = b"" if ask.body is None else json.dumps(ask.body).encode()
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    lines += [(b"host", b"maydan.test"), (b"x-request-id", _REQUEST_ID)]
    if body:
        lines += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": ask.method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": lines,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            shown = sorted((name, value) for name, value in message["headers"] if name not in VARYING)
            assert message["status"] < 500, f"{ask.method} {ask.path}: {message['status']}"
            parts.append(repr((message["status"], shown)).encode())
        else:
            parts.append(message.get("body", b""))

    await application(scope, receive, send)
    return b"\n".join(parts)


def asks(dice: random.Random, world: World, ids: dict[str, list[str]], slugs: dict[str, list[str]]) -> list[Ask]:
    """Return requests for every route that reads a space, and for lists in many shapes; ids and slugs are by type."""
    found: list[Ask] = []
    for content_type in world.types:
        place = f"/api/spaces/{world.space.name}/content/{content_type.name}"
        found += [_list(dice, content_type, place) for _ in range(8)]
        found += [Ask(f"{place}/query", "POST", _query(dice, content_type)) for _ in range(5)]
        for entry_id in dice.sample(ids[content_type.name], min(3, len(ids[content_type.name]))):
            found += _entry(dice, content_type, f"{place}/{entry_id}")
        found += [Ask(f"{place}/{slug}") for name, slug in world.things.former if name == content_type.name]
        known = slugs.get(content_type.name, [])
        for slug in dice.sample(known, min(3, len(known))):
            more = dice.choice(["", "?perspective=draft", "?locale=ar", "?locale=*", "/status", "/versions",
                                "/comments", "/references"])  # fmt: skip
            found.append(Ask(f"{place}/{quote(slug)}{more}"))
    for place in dice.sample(world.things.shared, 2):
        found += [Ask(f"{place}/shares"), Ask(f"{place}/lock")]
    found += [Ask(path) for path in dice.sample(world.things.single, min(8, len(world.things.single)))]
    return [*found, *_routes(dice, world, ids), *_explanations(dice, world, ids)]


def followed(asked: list[Ask], answered: list[bytes]) -> list[Ask]:
    """Return requests for the pages that follow, where an answer tells how to get them."""
    found: list[Ask] = []
    for ask, told in zip(asked, answered, strict=True):
        start = told.find(b'"next":"')
        if start < 0:
            continue
        cursor = told[start + 8 :].partition(b'"')[0].decode()
        if ask.method == "POST":
            found.append(Ask(ask.path, "POST", {**ask.body, "cursor": cursor}))
        else:
            name = "since" if "/changes" in ask.path else "cursor"
            found.append(Ask(f"{ask.path}{'&' if '?' in ask.path else '?'}{name}={cursor}"))
    return found


def _routes(dice: random.Random, world: World, ids: dict[str, list[str]]) -> list[Ask]:
    """Return a request for every GET of the route table, so that none is forgotten when it is added."""
    found: list[Ask] = []
    for route in core_routes():
        if route.method != "GET" or route.path in UNASKED:
            continue
        content_type = dice.choice([name for name, known in ids.items() if known])
        path = _filled(dice, route, world, content_type, dice.choice(ids[content_type]))
        found.append(Ask(path))
        if path.endswith("/changes"):
            found += [Ask(f"{path}?limit=100"), Ask(f"{path}?events=entry.updated&limit=100"),
                      Ask(f"{path}?types={content_type}&limit=3"), Ask(f"{path}?since=10&limit=20")]  # fmt: skip
        elif path.endswith(("/audit", "/jobs", "/members", "/dead-letters", "/roles", "/types")):
            found.append(Ask(f"{path}?limit=2&count=exact"))
    return found


def _filled(dice: random.Random, route: Route, world: World, content_type: str, entry_id: str) -> str:
    """Return a route's path with something that there is in the place of every name."""
    things = world.things.by_name
    values = {"space": world.space.name, "type": content_type, "entry": entry_id, "version": "1", "other": "2"}
    path = route.path
    for name in route.names:
        known = things.get(route.path if name == route.names[-1] else name) or things.get(name)
        path = path.replace(f"{{{name}}}", dice.choice(known) if known else values.get(name, entry_id))
    return path


def _explanations(dice: random.Random, world: World, ids: dict[str, list[str]]) -> list[Ask]:
    """Return questions about what somebody may do, their own and those of who looks after roles."""
    found: list[Ask] = []
    place = f"/api/spaces/{world.space.name}/access"
    people = [reader.id for reader in world.readers if reader.id]
    for _ in range(6):
        content_type = dice.choice([each for each in world.types if ids[each.name]])
        asked: dict[str, Any] = {"action": dice.choice(["read", "read_draft", "update", "delete", "transition:close"]),
                                 "type": content_type.name}  # fmt: skip
        if dice.random() < 0.8:
            asked["id"] = dice.choice(ids[content_type.name])
        if asked["action"] in ("read", "read_draft", "update") and dice.random() < 0.6:
            asked["field"] = dice.choice([*content_type.fields]).name
        whom = dice.choice(["", "", f"&user={dice.choice(people)}", "&role=one", "&role=anonymous"])
        query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
        found.append(Ask(f"{place}/explain?{query}{whom}"))
        attrs = {"attrs": {"id": dice.choice(people)}} if dice.random() < 0.7 else {}
        imagined = {"roles": [dice.choice(["one", "two"])], **attrs}
        found.append(Ask(f"{place}/simulate", "POST", {**asked, "actor": imagined}))
    return found


def _entry(dice: random.Random, content_type: ContentType, place: str) -> list[Ask]:
    include = _include(content_type)
    shapes = [
        place, f"{place}?perspective=draft", f"{place}?locale=*", f"{place}?perspective=draft&locale=*",
        f"{place}?locale=ku&fallback=none", f"{place}?include={include}",
        f"{place}?perspective=draft&include={include}",
        f"{place}?fields=title,{dice.choice(content_type.fields).name}", f"{place}/status", f"{place}/versions",
        f"{place}/versions/1", f"{place}/versions/2?locale=*", f"{place}/versions/1/diff/2",
        f"{place}/versions/2/diff/1", f"{place}/references?count=exact", f"{place}/comments?count=exact",
        f"{place}/transitions", f"{place}?include={_portion(dice)}",
        f"{place}?include={include}&fields=one.title,one.rank", f"{place}/lock", f"{place}/shares",
    ]  # fmt: skip
    plans = [Ask(f"{place}?plan=1", "DELETE"), Ask(f"{place}?plan=1&on_reference=nullify", "DELETE")]
    return [*(Ask(path) for path in dice.sample(shapes, 10)), dice.choice(plans)]


def _portion(dice: random.Random) -> str:
    """Return an include of a relation to many, of which so many targets are taken in an order."""
    order = dice.choice(["rank", "-title", "-one.rank", "note", "one.title", "created_by"])
    return f"several&include[several][limit]={dice.choice([1, 2])}&include[several][sort]={order}"


def _include(content_type: ContentType) -> str:
    return ",".join(["one", "several", "one.one", *(["parts.who"] if content_type.field("parts") else [])])


def _list(dice: random.Random, content_type: ContentType, place: str) -> Ask:
    parts: list[str] = []
    if dice.random() < 0.5:
        parts.append(dice.choice(["perspective=draft", "status=trashed", "perspective=draft&status=changed",
                                  "perspective=draft&status=draft"]))  # fmt: skip
    if dice.random() < 0.6:
        parts.append(f"locale={dice.choice([*LOCALES, '*'])}")
    if dice.random() < 0.3:
        parts.append("fallback=none")
    if dice.random() < 0.5:
        parts.append("count=exact")
    if dice.random() < 0.5:
        parts.append(f"sort={dice.choice(['', '-'])}{_name(dice, content_type)}")
    if dice.random() < 0.4:
        parts.append(f"include={dice.choice([_include(content_type), _portion(dice)])}")
    if dice.random() < 0.3:
        parts.append(f"fields=title,{_name(dice, content_type)}")
    if dice.random() < 0.4:
        parts.append(f"limit={dice.choice([1, 2, 3])}")
    if dice.random() < 0.7:
        name, op, value = _filter(dice, content_type)
        parts.append(f"filter[{name}][{op}]={quote(value if isinstance(value, str) else json.dumps(value))}")
    return Ask(f"{place}?{'&'.join(parts)}")


def _query(dice: random.Random, content_type: ContentType) -> dict[str, Any]:
    filters: list[dict[str, Any]] = []
    for _ in range(dice.choice([1, 2])):
        name, op, value = _filter(dice, content_type)
        one = {name: {op: value}}
        filters.append({"not": one} if dice.random() < 0.25 else one)
    query: dict[str, Any] = {"filter": {dice.choice(["and", "or"]): filters}, "count": "exact"}
    if dice.random() < 0.5:
        query["sort"] = [f"{dice.choice(['', '-'])}{_name(dice, content_type)}"]
    if dice.random() < 0.4:
        query["perspective"] = "draft"
    if dice.random() < 0.3:
        order = [f"{dice.choice(['', '-'])}{dice.choice(['rank', 'title', 'one.rank', 'code'])}"]
        query["include"] = ["one", {"path": "several", "limit": dice.choice([1, 2]), "sort": order}, "several.one"]
    if dice.random() < 0.3:
        query["fields"] = ["title", _name(dice, content_type)]
    if dice.random() < 0.4:
        query["limit"] = dice.choice([1, 2, 3])
    if dice.random() < 0.3:
        query |= {"locale": dice.choice([*LOCALES, "*"])} | ({"fallback": "none"} if dice.random() < 0.5 else {})
    return query


def _name(dice: random.Random, content_type: ContentType) -> str:
    own = [field.name for field in content_type.fields if field.kind not in ("component", "blocks", "json")]
    system = ["created_by", "updated_by", "slug", "created_at", "version", "tags"]
    return dice.choice([*own, *own, *own, *system, "one.title", "one.rank", "one.note",
                        "several.rank", "one.one.title", "several.one.category", "one.created_by"])  # fmt: skip


def _filter(dice: random.Random, content_type: ContentType) -> tuple[str, str, Any]:
    name = _name(dice, content_type)
    last = name.rpartition(".")[2]
    field = content_type.field(last)
    kind = field.kind.value if field else "string"
    if dice.random() < 0.25 or kind in ("money", "geo", "secret"):
        return name, "exists", dice.random() < 0.5
    if kind in ("integer", "number"):
        return name, dice.choice(["eq", "gte", "lt", "ne"]), dice.randrange(4)
    if kind == "boolean":
        return name, "eq", True
    if kind == "richtext":
        return name, "contains", dice.choice("abz")
    if kind in ("string", "text"):
        return name, dice.choice(["eq", "contains", "icontains", "startswith", "ne"]), dice.choice([*WORDS, "a", "Alp"])
    return name, dice.choice(["eq", "ne"]), {"enum": "news", "date": "2026-02-01", "time": "11:00:00",
        "datetime": "2026-02-01T10:00:00Z", "email": "a@example.org", "url": "https://example.org/a",
        "color": "#aa0000", "decimal": "1.2", "phone": "+964750123451"}.get(kind, "x")  # fmt: skip
