"""Every way to read a world, and a client that keeps every byte of what is answered."""

from __future__ import annotations

import json
import random
from typing import Any, NamedTuple
from urllib.parse import quote

from worlds import LOCALES, WORDS, World

from maydan.content.types import ContentType
from maydan.http.surface import core_routes

VARYING = frozenset({b"x-request-id", b"date", b"server-timing"})
_REQUEST_ID = b"the-same-each-time"
_INSTANCE = ("/api/audit", "/api/users", "/api/plugins", "/health", "/metrics", "/docs", "/openapi.json")
"""Of the whole instance; readers of a space are refused there, and what is measured changes each time."""


class Ask(NamedTuple):
    """One request that changes nothing."""

    path: str
    """With its query."""
    method: str = "GET"
    body: Any = None


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
        found += [Ask(f"{place}/query", "POST", _query(dice, content_type)) for _ in range(4)]
        for entry_id in dice.sample(ids[content_type.name], min(3, len(ids[content_type.name]))):
            found += _entry(dice, content_type, f"{place}/{entry_id}")
        for slug in dice.sample(slugs[content_type.name], min(3, len(slugs[content_type.name]))):
            more = dice.choice(["", "?perspective=draft", "?locale=ar", "?locale=*", "/status", "/versions",
                                "/comments", "/references"])  # fmt: skip
            found.append(Ask(f"{place}/{quote(slug)}{more}"))
    return [*found, *_routes(dice, world, ids)]


def _routes(dice: random.Random, world: World, ids: dict[str, list[str]]) -> list[Ask]:
    """Return a request for every GET of the route table, so that none is forgotten when it is added."""
    found: list[Ask] = []
    for route in core_routes():
        if route.method != "GET" or route.path.startswith(_INSTANCE):
            continue
        content_type = dice.choice(world.types).name
        values = {"space": world.space.name, "type": content_type, "entry": dice.choice(ids[content_type]),
                  "version": "1", "other": "2", "role": "one", "user": dice.choice(ids[content_type])}  # fmt: skip
        path = route.path
        for name in route.names:
            path = path.replace(f"{{{name}}}", values.get(name, values["entry"]))
        if path.startswith(("/api/me", "/api/tokens")):
            continue
        found.append(Ask(path))
        if path.endswith("/changes"):
            found += [Ask(f"{path}?limit=100"), Ask(f"{path}?events=entry.updated&limit=100"),
                      Ask(f"{path}?types={content_type}&limit=100")]  # fmt: skip
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
        f"{place}/transitions",
    ]  # fmt: skip
    return [Ask(path) for path in dice.sample(shapes, 9)]


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
    if dice.random() < 0.3:
        parts.append(f"include={_include(content_type)}")
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
        query["include"] = ["one", "several"]
    return query


def _name(dice: random.Random, content_type: ContentType) -> str:
    own = [field.name for field in content_type.fields if field.kind not in ("component", "blocks", "json")]
    system = ["created_by", "updated_by", "slug", "created_at", "version", "tags"]
    return dice.choice([*own, *own, *own, *system, "one.title", "one.rank", "one.note"])


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
