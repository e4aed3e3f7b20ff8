"""The wall between spaces: ids of another one are missing ones on every route, and every statement has the space."""

from __future__ import annotations

import re
from typing import Any

import pytest
from site_support import ARTICLE, PERSON, Site, open_site  # pyright: ignore[reportMissingImports] - tests/support
from worlds_reads import Ask, answer  # pyright: ignore[reportMissingImports] - tests/support

from maydan.http.routing import Route
from maydan.http.surface import core_routes
from maydan.ids import new_id
from maydan.storage.dialects import Dialect

pytestmark = pytest.mark.anyio

MAKES = {
    ("PUT", "role"): "makes the role",
    ("PUT", "user"): "makes a member of the space; accounts belong to the instance",
}
"""What a name that is not there yet may be used for, by method and the parameter that names it."""
BODIES: dict[str, dict[str, Any]] = {"replay_webhook": {"since": "2026-01-01T00:00:00Z"}}
"""Of routes that look at the body before they look for what the path names."""
OF_INSTANCE = frozenset({"key", "plugin", "provider", "token"})
"""Parameters that do not name something of a space."""
_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(maydan_\w+)", re.IGNORECASE)
_PREDICATE = re.compile(r"\bspace_key\s*(?:=|IN\b|IS NOT DISTINCT)", re.IGNORECASE)


async def _fill(site: Site, space: str) -> dict[str, str]:
    """Make a thing of each kind in a space, and return how the paths of routes name them."""
    base = f"/api/spaces/{space}"
    person = await _made(site, "POST", f"{base}/content/person", {"name": "Ann"})
    entry = await _made(site, "POST", f"{base}/content/article", {"title": {"en": "One"}, "author": person["id"]})
    place = f"{base}/content/article/{entry['id']}"
    await _made(site, "POST", f"{place}/publish", {})
    await _made(site, "PATCH", place, {"rating": 3})
    comment = await _made(site, "POST", f"{place}/comments", {"text": "Well said"})
    await _made(site, "POST", f"{place}/publish", {"at": "2099-01-01T00:00:00Z"})
    jobs = await _made(site, "GET", f"{base}/jobs", None)
    webhook = await _made(
        site, "POST", f"{base}/webhooks", {"url": "https://93.184.215.14/", "events": ["entry.updated"]}
    )
    policy = {"effect": "allow", "type": "article", "actions": ["read"]}
    await _made(site, "PUT", f"{base}/roles/role-{space}", {"policies": [policy]})
    account = await site.core.accounts.people.create(email=f"{space}@example.org", password="a long walk", name="A")
    await _made(site, "PUT", f"{base}/members/{account.id}", {"roles": [f"role-{space}"]})
    await _made(site, "POST", f"{base}/types", {"name": f"type_{space}", "fields": [{"name": "a", "kind": "string"}]})
    return {
        "space": space, "type": "article", "entry": entry["id"], "version": "1", "other": "2", "user": account.id,
        "comment": comment["id"], "webhook": webhook["id"], "role": f"role-{space}", "job": jobs["items"][0]["id"],
    }  # fmt: skip


async def _made(site: Site, method: str, path: str, body: Any) -> Any:
    headers = {**site.admin, **({"if-match": "*"} if method == "PATCH" else {})}
    made = await site.client.request(method, path, json=body, headers=headers)
    assert made.is_success, f"{method} {path}: {made.text}"
    return made.json() if made.content else None


async def _two_spaces(site: Site) -> tuple[dict[str, str], dict[str, str]]:
    await _made(site, "POST", "/api/spaces", {"name": "other", "locales": ["en", "ar"]})
    for definition in (PERSON, ARTICLE):
        for space in ("demo", "other"):
            await _made(site, "POST", f"/api/spaces/{space}/types", definition)
    return await _fill(site, "demo"), await _fill(site, "other")


def _path(route: Route, values: dict[str, str]) -> str:
    path = route.path
    for name in route.names:
        path = path.replace(f"{{{name}}}", values.get(name, "nothing"))
    return path


async def _ask(site: Site, route: Route, values: dict[str, str]) -> bytes:
    """Return an answer in which the values of the path stand as their names."""
    path = _path(route, values)
    body = BODIES.get(route.name, {}) if route.method in ("POST", "PUT", "PATCH") else None
    headers = {**site.admin, "if-match": "*"} if route.method != "POST" else site.admin
    shown = await answer(site.application, Ask(path, route.method, body), headers)
    for name, value in values.items():
        if value in path and len(value) > 7:
            shown = shown.replace(value.encode(), name.encode())
    return re.sub(rb"b'content-length', b'\d+'", b"", shown)


async def test_what_belongs_to_another_space_is_missing_and_every_statement_names_the_space(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each route is tried with ids of another space in each place of its path: 404, as with ids of nothing."""
    statements: set[str] = set()
    translate = Dialect.translate

    def note(self: Dialect, sql: str) -> str:
        statements.add(sql)
        return translate(self, sql)

    monkeypatch.setattr(Dialect, "translate", note)
    tried = 0
    async with open_site(sqlite_url) as site:
        own, foreign = await _two_spaces(site)
        for route in core_routes():
            names = [name for name in route.names if name not in OF_INSTANCE]
            if "space" not in names or len(names) < 2:
                continue
            if route.method == "GET":
                await _ask(site, route, own)
            for index, name in enumerate(names[1:], 1):
                if name in ("version", "other", "transition") or (route.method, name) in MAKES:
                    continue
                inner = {**own, **{each: foreign.get(each, new_id()) for each in names[index:]}}
                if name == "type":
                    inner["type"] = "type_other"
                missing = {**inner, name: "absent_type" if name == "type" else new_id()}
                there, nowhere = await _ask(site, route, inner), await _ask(site, route, missing)
                told = f"{route.method} {route.path} with {name} of another space: {there!r} and not {nowhere!r}"
                assert there == nowhere, told
                assert there.startswith(b"(404"), told
                tried += 1
        tables = await _tables_of_spaces(site)
    assert tried > 50
    open_statements = sorted(sql for sql in statements if _misses_space(sql, tables))
    told = [sql for sql in open_statements if not any(re.search(known, sql) for known in WITHOUT_SPACE)]
    assert not told, "\n".join(told)


async def _tables_of_spaces(site: Site) -> frozenset[str]:
    rows = await site.core.store.fetch_all(
        "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c ON c.name = 'space_key'"
        " WHERE m.type = 'table'"
    )
    return frozenset(str(row[0]) for row in rows)


def _misses_space(sql: str, tables: frozenset[str]) -> bool:
    """Tell whether a statement looks at tables of spaces more often than it names the space."""
    if sql.lstrip().upper().startswith(("CREATE", "DROP", "ALTER", "PRAGMA")):
        return False
    found = [name for name in _TABLE.findall(sql) if name in tables]
    inserted = len(re.findall(r"INTO\s+maydan_\w+\s*\([^)]*space_key", sql, re.IGNORECASE))
    return len(_PREDICATE.findall(sql)) + inserted < len(found)


WITHOUT_SPACE = {
    r"SELECT MAX\(key\) AS taken": "the number of a new space is one that none has had",
    r"MAX\(key\), 0\) \+ 1 FROM maydan_types": "the number of a new type, of whatever space",
    r"FROM maydan_types AS t, maydan_spaces AS s WHERE t\.key = \?": "a guard: are type and space what they were",
    r"^SELECT key, space_key, name, definition, version FROM maydan_types$": "every worker keeps the types of all",
    r"^SELECT max\(position\) FROM maydan_log": "how far the log of all goes; tells nothing of what is in it",
    r"^SELECT space_key, roles FROM maydan_members WHERE account_id": "the caller's own memberships",
}
"""Statements that look over the wall, as patterns, and why each may."""


async def test_a_refused_write_changes_no_byte(sqlite_url: str) -> None:
    """Whatever refuses it, and on whichever route: every table is as it was."""
    refused = 0
    async with open_site(sqlite_url) as site:
        own, _ = await _two_spaces(site)
        reader = await site.account("reader@example.org", "role-demo")
        editor = await site.account("editor@example.org", "editor")
        before = await _dump(site)
        for route in core_routes():
            if route.method == "GET" or route.path.startswith("/api/auth/"):
                continue
            path = _path(route, {**own, "id": own["user"]})
            for headers in ({}, reader, editor, site.admin):
                for more, body in _BAD:
                    asked = {**headers, **more}
                    got = await site.client.request(route.method, path, content=body, headers=asked)
                    if got.is_success and route.method in ("POST", "DELETE"):
                        pytest.fail(f"{route.method} {path} takes {body!r} {more}: {got.text}")
                    after = await _dump(site)
                    changed = [name for name in after if after[name] != before.get(name)]
                    assert not changed, f"{route.method} {path} {body!r} {more}: {got.status_code} changed {changed}"
                    refused += 1
    assert refused > 500


_JSON = {"content-type": "application/json"}
_BAD: tuple[tuple[dict[str, str], bytes], ...] = (
    (_JSON, b"{"),
    ({"content-type": "text/csv"}, b"a,b"),
    ({**_JSON, "if-match": '"999"'}, b'{"bogus": 1}'),
)
"""Headers and a body that no route takes."""


async def _dump(site: Site) -> dict[str, Any]:
    """Return the rows of every table, but for those that count what is refused and when somebody was last there."""
    store = site.core.store
    names = await store.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return {name: await store.fetch_all(f"SELECT * FROM {name}") for (name,) in names if name not in _COUNTERS}


_COUNTERS = frozenset({"maydan_attempts", "sqlite_sequence"})
