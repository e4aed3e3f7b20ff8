"""Answers that are put together of texts are what their parts say, whatever the texts look like."""

from __future__ import annotations

import random
from typing import Any

import pytest
from site_support import Site  # pyright: ignore[reportMissingImports] - tests/support

pytestmark = pytest.mark.anyio
SPACE = "/api/spaces/demo"
LIST = f"{SPACE}/content/note"

PERSON: dict[str, Any] = {"name": "friend", "drafts": False, "fields": [
    {"name": "name", "kind": "string", "localized": True},
    {"name": "extra", "kind": "json"},
    {"name": "friend", "kind": "relation", "to": ["friend"]},
]}  # fmt: skip
NOTE: dict[str, Any] = {"name": "note", "drafts": False, "fields": [
    {"name": "title", "kind": "string", "localized": True},
    {"name": "author", "kind": "relation", "to": ["friend"]},
    {"name": "text", "kind": "text"},
    {"name": "readers", "kind": "relation", "to": ["friend", "note"], "many": True, "on_delete": "nullify"},
    {"name": "extra", "kind": "json"},
    {"name": "part", "kind": "component", "many": True, "of": [
        {"name": "author", "kind": "relation", "to": ["friend"]}, {"name": "readers", "kind": "string"}]},
    {"name": "memo", "kind": "text", "private": True},
]}  # fmt: skip
PATHS = "author.friend,readers,part.author"
ONE, TWO = f"{LIST}?include=author", f"{LIST}?include=author.friend"


class Notes:
    """Friends and notes at random."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.chance = random.Random(6)
        self.friends: list[str] = []
        self.notes: list[str] = []

    async def fill(self) -> None:
        """Write them; texts and free JSON look like the documents themselves."""
        for number in range(6):
            data = {"name": {"en": f"F{number}", "ar": "ص"}, "friend": self._one(self.friends), "extra": self._extra()}
            self.friends.append((await self.site.entry(data, type="friend", publish=False))["id"])
        for number in range(12):
            author, readers = self._one(self.friends), self._some([*self.friends, *self.notes])
            part = [{"author": self._one(self.friends), "readers": f'"author":"{author}"'}, {"author": author}]
            text = self.chance.choice(('"author":null', f'"author":"{author}"', "\u2028\\", '{"readers":[', "🙂é"))
            data = {"title": {"en": f"N{number} {text}"}, "author": author, "text": text, "readers": readers}
            data |= {"extra": self._extra(author, readers), "part": self._some(part), "memo": text}
            self.notes.append((await self.site.entry(data, type="note", publish=False))["id"])

    def _one(self, ids: list[str]) -> str | None:
        return self.chance.choice([*ids, None]) if ids else None

    def _some(self, items: list[Any]) -> list[Any]:
        return self.chance.sample(items, self.chance.randrange(min(len(items), 4) + 1))

    def _extra(self, author: str | None = None, readers: list[str] | None = None) -> Any:
        like = {"author": author, "readers": readers, 'x"author': author, "friend": self._one(self.friends)}
        return self.chance.choice((None, like, [like, {"author": None}], {"extra": {"readers": []}}, "author"))


@pytest.fixture
async def notes(site: Site) -> Notes:
    """Everybody may read everything but what is private."""
    for definition in (PERSON, NOTE):
        await site.define(definition)
    policies = [{"effect": "allow", "type": name, "actions": ["read"], "fields": ["*"]} for name in ("friend", "note")]
    path = f"{SPACE}/roles/anonymous"
    assert (await site.put(path, {"policies": policies}, headers={**site.admin, "if-match": "*"})).is_success
    made = Notes(site)
    await made.fill()
    return made


async def test_an_answer_with_includes_is_its_entries_in_the_place_of_their_ids(notes: Notes) -> None:
    """For readers, who get stored texts, for administrators, who get more, for some fields, and in every locale."""
    admin, site = notes.site.admin, notes.site
    for headers, more in (({}, ""), (admin, ""), ({}, "&locale=ar"), ({}, "&locale=*"), (admin, "&locale=*")):
        plain = await _read(site, f"{LIST}?limit=50{more}", headers)
        friends = await _read(site, f"{SPACE}/content/friend?limit=50{more}", headers)
        known = {one["id"]: one for one in (*plain, *friends)}
        expected = [_included(one, known) for one in plain]
        assert await _read(site, f"{LIST}?limit=50&include={PATHS}{more}", headers) == expected, more
        assert await _read(site, f"{LIST}?limit=50&include=author,readers{more}", headers) == [
            {**with_all, "author": known.get(one["author"]), "part": one["part"]}
            for one, with_all in zip(plain, expected, strict=True)
        ], more
        some = await _read(site, f"{LIST}?limit=50&include=author&fields=extra,author.name,author.extra{more}", headers)
        assert some == [
            {name: value for name, value in {**one, "author": _cut(known.get(one["author"]))}.items()
             if name in ("id", "author", "extra")}
            for one in plain
        ]  # fmt: skip


def _included(one: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    author = known.get(one["author"])
    return {
        **one,
        "author": author and {**author, "friend": known.get(author["friend"])},
        "readers": [known[reader] for reader in one["readers"]],
        "part": [{**part, "author": known.get(part["author"])} for part in one["part"]],
    }


def _cut(author: dict[str, Any] | None) -> dict[str, Any] | None:
    if author is None:
        return None
    notes = {name: locale for name, locale in author.get("_locales", {}).items() if name == "name"}
    return {name: author[name] for name in author if name in ("id", "name", "extra")} | (
        {"_locales": notes} if notes else {}
    )


async def _read(site: Site, path: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await site.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_list_that_was_asked_before_follows_the_rights_of_now_and_of_who_asks(site: Site) -> None:
    """What was worked out for a list with includes is for those who may read the same of every type behind them."""
    for definition in (PERSON, NOTE):
        await site.define(definition)
    ann = await site.entry({"name": {"en": "Ann"}}, type="friend", publish=False)
    ben = await site.entry({"name": {"en": "Ben"}, "friend": ann["id"]}, type="friend", publish=False)
    await site.entry({"title": {"en": "N"}, "author": ben["id"]}, type="note", publish=False)
    await _is_for_those_who_read_both_types(site)
    allowed = [{"effect": "allow", "type": name, "actions": ["read"], "fields": ["*"]} for name in ("friend", "note")]
    narrow = [{**allowed[0], "fields": ["name"]}, allowed[1]]
    for rules, statuses, names in (
        (allowed, (200, 200), {"Ann", "Ben"}),
        (narrow, (200, 400), {"Ben"}),
        (allowed, (200, 200), {"Ann", "Ben"}),
        (allowed[1:], (200, 400), set[str]()),
    ):
        role = f"{SPACE}/roles/anonymous"
        tag = (await site.get(role, headers=site.admin)).headers["etag"]
        put = await site.put(role, {"policies": rules}, headers={**site.admin, "if-match": tag})
        assert put.is_success, put.text
        for _ in range(2):
            answers = [await site.get(path) for path in (ONE, TWO)]
            assert tuple(answer.status_code for answer in answers) == statuses
            text = "".join(answer.text for answer in answers if answer.is_success)
            assert {name for name in ("Ann", "Ben") if f'"{name}"' in text} == names


async def _is_for_those_who_read_both_types(site: Site) -> None:
    """An administrator's token that is for one type alone reads the same notes with the same roles, and no friends."""
    wanted = {"name": "notes", "space": "demo", "actions": ["read"], "types": ["note"], "expires_in": 600}
    made = await site.post("/api/tokens", wanted, headers=site.admin)
    assert made.status_code == 201, made.text
    token = {"authorization": f"Bearer {made.json()['token']}"}
    for _ in range(2):
        assert (await _read(site, TWO, site.admin))[0]["author"]["friend"]["name"] == "Ann"
        assert (await _read(site, ONE, site.admin))[0]["author"]["name"] == "Ben"
        assert (await site.get(TWO, headers=token)).status_code == 400
        assert (await _read(site, ONE, token))[0]["author"] is None
