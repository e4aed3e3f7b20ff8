"""Worlds made up at random: types of all kinds, entries in all states, roles with conditions and denials, and readers.

Each world is a space of its own in a site, so that what happens in one may show in no other.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from site_support import Site
from worlds_furnishing import Furniture, furnish, make_strangers
from worlds_sending import send

from maydan.content.spaces import Space
from maydan.content.types import ContentType
from maydan.operations import spaces, types
from maydan.operations.core import as_system

LOCALES = ("en", "ar", "ku")
WORDS = ("alpha", "beta", "Alphabet", "سلام", "gamma delta", "zeta")
CONDITIONS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    {"rank": {"gte": 2}},
    {"not": {"rank": {"gte": 2}}},
    {"category": {"eq": "news"}},
    {"category": {"ne": "news"}},
    {"created_by": {"eq": "$actor.id"}},
    {"title": {"startswith": "a"}},
    {"tags": {"eq": "a"}},
    {"or": [{"rank": {"eq": 1}}, {"category": {"in": ["guide"]}}]},
    {"and": [{"title": {"exists": True}}, {"created_at": {"lt": "$now"}}]},
    {"note": {"exists": False}},
    {"not": {"or": [{"category": {"exists": False}}, {"title": {"icontains": "ALPHA"}}]}},
    {"tags": {"nin": ["a", "b"]}},
)
"""Of policies; every type has what they name."""
THROUGH: tuple[dict[str, Any], ...] = (
    {"one": {"rank": {"gte": 2}}},
    {"one.created_by": {"eq": "$actor.id"}},
    {"one": {"one": {"category": {"eq": "news"}}}},
    {"not": {"one.rank": {"gte": 1}}},
    {"several.category": {"ne": "guide"}},
    {"or": [{"several.one.rank": {"lt": 2}}, {"created_by": {"eq": "$actor.id"}}]},
    {"and": [{"one.note": {"exists": False}}, {"rank": {"exists": True}}]},
    {"one.tags": {"in": ["a", "c"]}},
)
"""Conditions that look at what relations lead to; every type has what they name, and so have the targets."""
WORKFLOW: dict[str, Any] = {
    "name": "flow", "states": ["new", "open", "closed"], "initial": "new", "final": ["closed"],
    "transitions": [
        {"name": "open", "from": ["new"], "to": "open", "required": ["note"]},
        {"name": "close", "from": ["new", "open"], "to": "closed"},
    ],
}  # fmt: skip
STATES = ("new", "open", "closed")
MANAGING = ("manage:members", "manage:webhooks", "manage:space", "manage:roles", "manage:types", "read:audit")


class Reader(NamedTuple):
    """Somebody who reads."""

    id: str | None
    roles: frozenset[str]
    """All that count, the inherited ones and those of everybody too."""
    headers: dict[str, str]
    shared: frozenset[str] = frozenset()
    """Entries that an administrator lets them see."""


class World(NamedTuple):
    """One space with everything in it."""

    space: Space
    types: list[ContentType]
    policies: list[dict[str, Any]]
    """As they were written, with the ``role``."""
    readers: list[Reader]
    things: Furniture
    """What else there is."""


_ONE: dict[str, Callable[[random.Random], Any]] = {
    "string": lambda dice: dice.choice(WORDS),
    "text": lambda dice: dice.choice(WORDS),
    "richtext": lambda dice: f"<p>{dice.choice(WORDS)}</p>",
    "integer": lambda dice: dice.randrange(4),
    "number": lambda dice: dice.choice([0.5, 1.5, 2.5]),
    "decimal": lambda dice: dice.choice(["0.10", "1.2", "3"]),
    "money": lambda dice: {"amount": dice.randrange(3) * 100, "currency": dice.choice(["USD", "IQD"])},
    "boolean": lambda dice: dice.random() < 0.5,
    "date": lambda dice: f"2026-0{dice.randrange(1, 4)}-01",
    "datetime": lambda dice: f"2026-0{dice.randrange(1, 4)}-01T10:00:00Z",
    "time": lambda dice: f"1{dice.randrange(3)}:00:00",
    "enum": lambda dice: dice.choice(["news", "guide"]),
    "email": lambda dice: f"{dice.choice('abc')}@example.org",
    "url": lambda dice: f"https://example.org/{dice.choice('abc')}",
    "phone": lambda dice: f"+96475012345{dice.randrange(10, 13)}",
    "color": lambda dice: dice.choice(["#aa0000", "#00bb00"]),
    "json": lambda dice: {"inner": [dice.choice(WORDS), dice.randrange(3)]},
    "geo": lambda dice: {"lat": dice.choice([36.1, 36.2]), "lng": 44.0},
    "secret": lambda dice: f"secret {dice.choice(WORDS)}",
}
"""By kind, how to make up a value as a client sends it."""
_LOCALIZED = ("string", "text", "richtext", "integer", "boolean", "json")
_MANY = ("string", "integer", "email", "date")
_INDEXED = ("string", "integer", "enum", "date", "boolean")


async def make_world(site: Site, name: str, dice: random.Random, *, denying: bool = True) -> World:
    """Make a space of that name and fill it; unless it is ``denying``, nobody is denied anything there."""
    core = site.core
    space = await spaces.create_space(
        core,
        as_system("test"),
        spaces.SpaceInput(name=name, title=name, locales=LOCALES, default_locale="en", fallbacks={"ku": ("ar",)}),
    )
    names = [f"kind{number}" for number in range(dice.choice([2, 3]))]
    made: list[ContentType] = []
    for type_name in names:
        wanted = msgspec.convert(_definition(dice, type_name, names), ContentType)
        made.append(await types.create_type(core, as_system("test"), space, wanted))
    await make_strangers(site, space)
    ids = await _fill(site, space, made, dice)
    policies = await _write_role(site, space, made, dice, "one")
    policies += await _write_role(site, space, made, dice, "two")
    readers = await _readers(site, space)
    things = await furnish(site, space, made, ids, [reader.id for reader in readers if reader.id], dice)
    readers = [reader._replace(shared=things.shared_with.get(reader.id or "", frozenset())) for reader in readers]
    # Last: what everybody is denied, the administrator does not hold any more either, and could not give away.
    if denying:
        policies += await _write_role(site, space, made, dice, "anonymous")
    inherited = [{**policy, "role": "two"} for policy in policies if policy["role"] == "one"]
    return World(space, made, policies + inherited, readers, things)


def _definition(dice: random.Random, name: str, names: list[str]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {"name": "title", "kind": "string", "localized": dice.random() < 0.6, "searchable": True},
        {"name": "rank", "kind": "integer", "indexed": dice.random() < 0.5},
        {"name": "category", "kind": "enum", "values": ["news", "guide"]},
        {"name": "note", "kind": "text", "private": True},
        {"name": "key", "kind": "secret"},
        {"name": "code", "kind": "string", "unique": True, "private": dice.random() < 0.3},
        # A type must be there before another points at it.
        {"name": "one", "kind": "relation", "to": names[: names.index(name) + 1], "on_delete": _on_delete(dice)},
        {"name": "several", "kind": "relation", "to": [name], "many": True, "on_delete": _on_delete(dice),
         "private": dice.random() < 0.3},
    ]  # fmt: skip
    fields += [_field(dice, f"extra{number}", kind) for number, kind in enumerate(dice.sample(sorted(_ONE), 5))]
    inner = [
        {"name": "line", "kind": "string"},
        {"name": "who", "kind": "relation", "to": [name], "on_delete": "nullify"},
    ]
    if dice.random() < 0.6:
        fields.append({"name": "parts", "kind": "component", "many": dice.random() < 0.5, "of": inner})
    if dice.random() < 0.4:
        fields.append({"name": "blocks", "kind": "blocks", "of": {"quote": inner}, "private": dice.random() < 0.3})
    made = {
        "name": name,
        "drafts": dice.random() < 0.75,
        "slug_from": "title",
        "fields": fields,
        "engagement": ["comments"],
    }
    return {**made, "workflow": WORKFLOW} if dice.random() < 0.5 else made


def _on_delete(dice: random.Random) -> str:
    return dice.choice(["nullify", "nullify", "restrict", "cascade"])


def _field(dice: random.Random, name: str, kind: str) -> dict[str, Any]:
    field: dict[str, Any] = {"name": name, "kind": kind}
    if kind == "enum":
        field["values"] = ["news", "guide"]
    if kind == "secret":
        return field
    if kind in _LOCALIZED and dice.random() < 0.5:
        field["localized"] = True
    elif kind in _MANY and dice.random() < 0.3:
        field["many"] = True
    elif kind in _INDEXED and dice.random() < 0.3:
        field["indexed"] = True
    if dice.random() < 0.25:
        field["private"] = True
    return field


async def _fill(site: Site, space: Space, made: list[ContentType], dice: random.Random) -> list[tuple[str, str]]:
    """Make entries, change some, publish some in some locales, and throw some away; returns types and ids."""
    ids: list[tuple[str, str]] = []
    for content_type in made:
        path = f"/api/spaces/{space.name}/content/{content_type.name}"
        for _ in range(dice.choice([4, 5, 6])):
            entry = await send(site, "POST", path, entry_input(dice, content_type, ids))
            place = f"{path}/{entry['id']}"
            ids.append((content_type.name, entry["id"]))
            if content_type.drafts and dice.random() < 0.75:
                await send(site, "POST", f"{place}/publish", {"locales": sorted(dice.sample(LOCALES, 2))})
                if dice.random() < 0.15:
                    await send(site, "POST", f"{place}/unpublish", None)
            for _ in range(dice.choice([0, 0, 1, 2])):
                await send(site, "PATCH", place, entry_input(dice, content_type, ids))
            for text in ("Well said", "Not so"):
                if not content_type.drafts or entry["status"] == "published" or dice.random() < 0.5:
                    comment = await site.post(f"{place}/comments", {"text": text}, headers=site.admin)
                    if comment.is_success and dice.random() < 0.5:
                        verb = dice.choice(["reject", "spam"])
                        await send(site, "POST", f"{place}/comments/{comment.json()['id']}/{verb}", None)
            if content_type.workflow and dice.random() < 0.3:
                await send(site, "POST", f"{place}/transitions/close", None)
            plan = await send(site, "DELETE", f"{place}?plan=1&on_reference=nullify", None)
            if dice.random() < 0.12 and len(plan["deletes"]) == 1 and not plan["refused_by"]:
                await send(site, "DELETE", f"{place}?on_reference=nullify", None)
                ids.pop()
    return ids


def entry_input(dice: random.Random, content_type: ContentType, ids: list[tuple[str, str]]) -> dict[str, Any]:
    """Make up an entry as a client sends it."""
    data: dict[str, Any] = {"title": _value(dice, content_type, "title", ids)}
    for field in content_type.fields:
        if dice.random() < 0.75:
            value = _value(dice, content_type, field.name, ids)
            if value is not None:
                data[field.name] = value
    if dice.random() < 0.5:
        data["tags"] = sorted(dice.sample(["a", "b", "c"], 2))
    return data


def _value(dice: random.Random, content_type: ContentType, name: str, ids: list[tuple[str, str]]) -> Any:
    field = content_type.field(name)
    assert field is not None
    kind = field.kind.value

    def one() -> Any:
        if kind == "component":
            return _inner(dice, content_type, ids)
        return f"{dice.choice(WORDS)} {dice.randrange(10**9)}" if name == "code" else _ONE[kind](dice)

    if kind == "relation":
        targets = [entry_id for type_name, entry_id in ids if type_name in field.to]
        if not targets:
            return None
        return dice.sample(targets, min(2, len(targets))) if field.many else dice.choice(targets)
    if kind == "blocks":
        return [{"type": "quote", **_inner(dice, content_type, ids)}]
    if field.localized:
        return {locale: one() for locale in dice.sample(LOCALES, dice.choice([1, 2, 3]))}
    return [one() for _ in range(2)] if field.many else one()


def _inner(dice: random.Random, content_type: ContentType, ids: list[tuple[str, str]]) -> dict[str, Any]:
    targets = [entry_id for type_name, entry_id in ids if type_name == content_type.name]
    return {"line": dice.choice(WORDS), **({"who": dice.choice(targets)} if targets else {})}


async def _write_role(
    site: Site, space: Space, made: list[ContentType], dice: random.Random, role: str
) -> list[dict[str, Any]]:
    policies = [_policy(dice, made) for _ in range(dice.choice([1, 2, 3, 4]))]
    if role != "anonymous" and dice.random() < 0.6:
        managing = sorted(dice.sample(MANAGING, dice.choice([1, 2, 3])))
        policies.append({"effect": "allow", "type": "*", "actions": managing, "fields": ["*"]})
    body = {"policies": policies, "inherits": ["one"] if role == "two" else []}
    await send(site, "PUT", f"/api/spaces/{space.name}/roles/{role}", body)
    return [{**policy, "role": role} for policy in policies]


def _policy(dice: random.Random, made: list[ContentType]) -> dict[str, Any]:
    content_type = dice.choice(made)
    deny = dice.random() < 0.25
    actions = dice.choice(
        [["read"], ["read"], ["read", "read_draft"], ["read_draft"], ["read", "read_draft", "comment"],
         ["read", "read_draft", "update"], ["read", "read_draft", "delete"], ["delete"],
         ["read_draft", "transition:close"], ["transition:*"]]
    )  # fmt: skip
    whole = dice.random() < (0.3 if deny else 0.35)
    names = [field.name for field in content_type.fields if field.kind != "secret"] + ["slug", "tags"]
    policy: dict[str, Any] = {
        "effect": "deny" if deny else "allow",
        "type": content_type.name,
        "actions": actions,
        "fields": ["*"] if whole else sorted(dice.sample(names, dice.choice([1, 3, 6]))),
    }
    condition = dice.choice(THROUGH if dice.random() < 0.3 else CONDITIONS)
    if condition is not None:
        return {**policy, "condition": condition}
    return {**policy, "type": "*"} if not deny and whole and dice.random() < 0.5 else policy


async def _readers(site: Site, space: Space) -> list[Reader]:
    readers = [Reader(None, frozenset({"anonymous"}), {})]
    for roles in (["one"], ["two"]):
        email = f"{space.name}-{len(readers)}@example.org"
        account = await site.core.accounts.people.create(email=email, password="a long walk at dusk", name="R")
        await send(site, "PUT", f"/api/spaces/{space.name}/members/{account.id}", {"roles": roles})
        held = frozenset({"anonymous", *roles})
        readers.append(Reader(account.id, held, await site.log_in(email)))
    return readers
