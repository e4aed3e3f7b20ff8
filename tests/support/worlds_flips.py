"""Changes one value of an entry where it is stored, and nothing beside it: no version, no time, no event."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from worlds import LOCALES, STATES, World
from worlds_sight import Eyes, State, States
from worlds_values import knew

from maydan.content.links import links
from maydan.content.secrets import split_secrets
from maydan.content.stored import slugs_of
from maydan.content.types import ContentType
from maydan.operations.rendering import document_keys, document_rows
from maydan.operations.writing import unique_claims
from maydan.storage import documents, entries, names
from maydan.storage.entries import EntryRow
from maydan.storage.links import link_statements
from maydan.storage.ports import Statement, Store

PLACES = (
    "draft", "draft", "draft", "published", "published", "past", "slug", "tags", "author", "author", "times", "state",
    "gone",
)  # fmt: skip


TRIES = 10
"""How often a change of one entry is made up that the reader may not see; those that they may see are left out."""
_GONE = 0.4
"""How often one of all entries goes: a world must not run empty."""
_HOPS = 3
"""As many relations as conditions go through, at most, and one more."""


class Flip(NamedTuple):
    """What one value becomes."""

    what: str
    """For the message of a failure."""
    after: State | None
    """``None``: the entry is not there any more."""
    size: int = 1
    """How many values it changes."""

    def after_another(self, before: Flip) -> Flip:
        """Return this change and one that was made before it as one."""
        return Flip(f"{before.what}, {self.what}", self.after, before.size + 1)


class Witness(NamedTuple):
    """An entry as it was until an event, which the log keeps."""

    type_name: str
    text: str


class Mentions:
    """Which entries name which, however far away."""

    def __init__(self, states: States) -> None:
        """Look at everything that is stored."""
        self._states = states
        self._texts: dict[str, tuple[State, str]] = {}

    def near(self, entry_id: str) -> set[str]:
        """Return the entries from which relations lead to one."""
        reached, edge = {entry_id}, {entry_id}
        for _ in range(_HOPS):
            edge = {one for one in self._states if one not in reached and any(to in self._text(one) for to in edge)}
            reached |= edge
        return reached - {entry_id}

    def _text(self, entry_id: str) -> str:
        state = self._states[entry_id][1]
        known = self._texts.get(entry_id)
        if known is None or known[0] is not state:
            bodies = [state.entry.body, state.entry.published, *(body for body, _ in state.versions.values())]
            known = self._texts[entry_id] = state, msgspec.json.encode(bodies).decode()
        return known[1]


class Recalled:
    """What the reader could know of entries as they were until an event: relations lead from there too."""

    def __init__(self, eyes: Eyes, witnesses: Sequence[Witness]) -> None:
        """Look at witnesses with the states of now."""
        self._eyes = eyes
        deep = (each for each in witnesses if each.type_name in eyes.looks_through)
        self._known = {each: knew(eyes, each.type_name, each.text) for each in deep}

    def is_other(self, ids: set[str]) -> bool:
        """Tell whether anything is known otherwise by now that names one of these entries."""
        return any(
            knew(self._eyes, each.type_name, each.text) != known
            for each, known in self._known.items()
            if any(to in each.text for to in ids)
        )


def unseen_flips(
    dice: random.Random, eyes: Eyes, people: list[str], witnesses: Sequence[Witness] = ()
) -> dict[str, Flip]:
    """Make up changes that the reader may not see, some for each entry, and do them in what the eyes look at.

    Args:
        dice: By what they are made up.
        eyes: Of the reader.
        people: Accounts that may have written an entry.
        witnesses: Of the events in the log.
    """
    states, recalled = eyes.states, Recalled(eyes, witnesses)
    mentions, made = Mentions(states), dict[str, Flip]()
    pools: dict[str, list[dict[str, Any]]] = {}
    for content_type, state in states.values():
        pool = pools.setdefault(content_type.name, [])
        pool += [state.entry.body, *([state.entry.published.body] if state.entry.published else [])]
    truths = {each: eyes.truths(each) for each in states}
    may_go = dice.random() < _GONE
    for entry_id in list(states):
        seen, content_type = eyes.sight(entry_id), states[entry_id][0]
        for _ in range(TRIES):
            before = states[entry_id]
            flip = make_flip(dice, content_type, before[1], pools[content_type.name], people)
            # What is shared with the reader stays: its shares end with it, and so do the rights that they give.
            if flip is None or (flip.after is None and (not may_go or entry_id in eyes.reader.shared)):
                continue
            near = mentions.near(entry_id) if eyes.looks_through else set[str]()
            _put(states, entry_id, content_type, flip.after)
            near |= mentions.near(entry_id) if eyes.looks_through else set[str]()
            is_other = any(eyes.truths(each) != truths[each] for each in near) or recalled.is_other({entry_id, *near})
            if eyes.sight(entry_id) != seen or is_other:
                states[entry_id] = before
                continue
            known = made.get(entry_id)
            made[entry_id] = flip if known is None else flip.after_another(known)
            truths[entry_id] = eyes.truths(entry_id)
            if flip.after is None:
                may_go = False
                break
            pools[content_type.name].append(flip.after.entry.body)
    return made


def _put(states: States, entry_id: str, content_type: ContentType, after: State | None) -> None:
    if after is None:
        states.pop(entry_id, None)
    else:
        states[entry_id] = (content_type, after)


async def load_states(store: Store, world: World) -> States:
    """Read every entry of a world."""
    found: States = {}
    rows = await store.fetch_all(
        "SELECT entry_id, version, body, created_by FROM maydan_versions WHERE space_key = ?", world.space.key
    )
    versions: dict[str, dict[int, tuple[dict[str, Any], str | None]]] = {}
    for entry_id, number, body, by in rows:
        versions.setdefault(str(entry_id), {})[number] = (msgspec.json.decode(body), by)
    for content_type in world.types:
        all_of = await entries.list_entries(
            store, store, world.space.key, content_type.key, after="00000000-0000-0000-0000-000000000000", limit=1000
        )
        for entry in all_of:
            found[entry.id] = (content_type, State(entry, versions[entry.id]))
    return found


async def load_witnesses(store: Store, world: World) -> list[Witness]:
    """Read what the log keeps of a world's entries."""
    rows = await store.fetch_all(
        "SELECT subject_type, witness FROM maydan_log WHERE space_key = ? AND witness IS NOT NULL"
        " AND subject_type LIKE 'kind%'",
        world.space.key,
    )
    return [Witness(*row) for row in rows]


def make_flip(
    dice: random.Random, content_type: ContentType, state: State, pool: list[dict[str, Any]], people: list[str]
) -> Flip | None:
    """Make up a change of one value.

    Args:
        dice: By what it is made up.
        content_type: Of the entry.
        state: Of the entry.
        pool: Stored forms of entries of the type, to take values from.
        people: Who may have written it.
    Returns:
        ``None`` where nothing would be different.
    """
    place, entry = dice.choice(PLACES), state.entry
    if place == "gone":
        return Flip("not there", None)
    if place == "author":
        return _author(dice, state, people)
    if place in ("state", "times"):
        return _head(dice, content_type, state, place)
    if place == "published" and entry.published is not None:
        body = _changed(dice, content_type, entry.published.body, pool, with_slug=True)
        if body is None:
            return None
        after = msgspec.structs.replace(entry, published=msgspec.structs.replace(entry.published, body=body[1]))
        return Flip(f"published {body[0]}", State(after, state.versions))
    if place == "past" and len(state.versions) > 1:
        return _past(dice, content_type, state, pool)
    return _draft(dice, content_type, state, pool, place)


def _head(dice: random.Random, content_type: ContentType, state: State, place: str) -> Flip | None:
    entry = state.entry
    if place == "times":
        later = msgspec.structs.replace(entry, created_at=entry.created_at.replace(microsecond=dice.randrange(10**6)))
        return Flip("created_at", State(later, state.versions))
    if content_type.workflow is None:
        return None
    return Flip("state", State(msgspec.structs.replace(entry, state=dice.choice(STATES)), state.versions))


def _past(dice: random.Random, content_type: ContentType, state: State, pool: list[dict[str, Any]]) -> Flip | None:
    number = dice.choice([each for each in state.versions if each != state.entry.version])
    before, by = state.versions[number]
    body = _changed(dice, content_type, before, pool, with_slug=False)
    if body is None:
        return None
    return Flip(f"version {number} {body[0]}", State(state.entry, {**state.versions, number: (body[1], by)}))


def _author(dice: random.Random, state: State, people: list[str]) -> Flip:
    name, by = dice.choice(["created_by", "updated_by"]), dice.choice([*people, f"somebody {dice.randrange(10**6)}"])
    entry = msgspec.structs.replace(state.entry, **{name: by})
    versions = dict(state.versions)
    if name == "updated_by":
        versions[entry.version] = (versions[entry.version][0], by)
    return Flip(name, State(entry, versions))


def _draft(
    dice: random.Random, content_type: ContentType, state: State, pool: list[dict[str, Any]], place: str
) -> Flip | None:
    entry = state.entry
    if place == "slug":
        change = ("slug", {**entry.body, "slug": _slugs(dice, slugs_of(entry.body), pool)})
    elif place == "tags":
        change = ("tags", {**entry.body, "tags": dice.sample(["a", "b", "c", "d"], 2)})
    else:
        change = _changed(dice, content_type, entry.body, pool, with_slug=False)
    if change is None:
        return None
    public, _ = split_secrets(content_type, change[1])
    by = state.versions[entry.version][1]
    after = msgspec.structs.replace(entry, body=change[1])
    return Flip(f"draft {change[0]}", State(after, {**state.versions, entry.version: (public, by)}))


def _slugs(dice: random.Random, before: dict[str, str], pool: list[dict[str, Any]]) -> dict[str, str]:
    """Give one locale another slug: a new one, or one that some entry has in another locale."""
    locale = dice.choice(LOCALES)
    taken = {slugs_of(body)[locale] for body in pool if locale in slugs_of(body)}
    others = {slug for body in pool for slug in slugs_of(body).values()} - taken
    if others and dice.random() < 0.6:
        return {**before, locale: dice.choice(sorted(others))}
    return {**before, locale: f"new-{dice.randrange(10**9)}"}


def _changed(
    dice: random.Random, content_type: ContentType, body: dict[str, Any], pool: list[dict[str, Any]], *, with_slug: bool
) -> tuple[str, dict[str, Any]] | None:
    if with_slug and dice.random() < 0.15:
        return "slug", {**body, "slug": _slugs(dice, slugs_of(body), pool)}
    field = dice.choice(content_type.fields)
    value = f"code {dice.randrange(10**9)}" if field.unique else dice.choice(pool).get(field.id)
    after = {key: one for key, one in body.items() if key != field.id}
    if value is not None and dice.random() < 0.85:
        after[field.id] = value
    return None if after == body else (field.name, after)


async def rewrite(store: Store, world: World, content_type: ContentType, before: State, after: State | None) -> None:
    """Put what is stored of an entry in the place of what was, with the names, links and documents that follow."""
    old = before.entry
    keys = document_keys(content_type, world.space, old)
    batch = documents.drop(content_type, old.space_key, old.id, keys)
    if after is None:
        free = Statement("DELETE FROM maydan_locks WHERE space_key = ? AND entry_id = ?", (old.space_key, old.id))
        batch += [free, *entries.purge(old, writer=None)]
    else:
        batch += _removals(old)
        batch += [*_rows(content_type, after), *_names(content_type, after.entry), *_links(content_type, after.entry)]
        rows = document_rows(content_type, world.space, after.entry)
        batch += documents.put(content_type, old.space_key, old.id, rows)
    async with store.write_transaction() as transaction:
        for statement in batch:
            await transaction.execute(statement.sql, *statement.args)


def _removals(old: EntryRow) -> list[Statement]:
    where = (old.space_key, old.id)
    return [
        Statement(
            "DELETE FROM maydan_slugs WHERE space_key = ? AND entry_id = ?"
            " AND (in_draft = TRUE OR in_published = TRUE)", where,
        ),
        Statement("DELETE FROM maydan_unique_values WHERE space_key = ? AND entry_id = ?", where),
        Statement("DELETE FROM maydan_links WHERE space_key = ? AND source_id = ?", where),
    ]  # fmt: skip


def _rows(content_type: ContentType, after: State) -> list[Statement]:
    entry = after.entry
    _, secrets = split_secrets(content_type, entry.body)
    row = Statement(
        "UPDATE maydan_entries SET published = ?, secrets = ?, created_by = ?, updated_by = ?, created_at = ?,"
        " state = ?"
        " WHERE space_key = ? AND id = ?",
        (
            entries.json_text(entry.published) if entry.published else None,
            entries.json_text(secrets) if secrets else None,
            entry.created_by, entry.updated_by, entry.created_at, entry.state, entry.space_key, entry.id,
        ),
    )  # fmt: skip
    return [
        row,
        *(
            Statement(
                "UPDATE maydan_versions SET body = ?, created_by = ? WHERE space_key = ? AND entry_id = ?"
                " AND version = ?",
                (entries.json_text(body), by, entry.space_key, entry.id, number),
            )
            for number, (body, by) in after.versions.items()
        ),
    ]


def _names(content_type: ContentType, entry: EntryRow) -> list[Statement]:
    if entry.trashed_at:
        return []
    where = (entry.space_key, entry.type_key, entry.id)
    published = slugs_of(entry.published.body) if entry.published else {}
    claims = names.Claims(draft=frozenset(slugs_of(entry.body).items()), published=frozenset(published.items()))
    return [
        *names.slug_statements(*where, names.NOTHING, claims),
        *names.unique_statements(*where, names.NOTHING, unique_claims(content_type, entry)),
    ]


def _links(content_type: ContentType, entry: EntryRow) -> list[Statement]:
    published = entry.published.body if entry.published else {}
    return [
        statement
        for perspective, body in ((documents.DRAFT, entry.body), (documents.PUBLISHED, published))
        for statement in link_statements(
            entry.space_key, entry.id, perspective, before=(), after=links(content_type, body)
        )
    ]
