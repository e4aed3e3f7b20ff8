"""What a reader may see of an entry, worked out the slow and plain way from the policies as they were written.

It shares nothing with the compiler of policies and nothing with the queries; documents alone are rendered by the code
that renders them for everybody. Whatever is not in a sight may change no answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from naive_filters import Naive
from worlds import Reader, World

from maydan.content.stored import slugs_of
from maydan.content.types import ContentType
from maydan.operations.publication import locale_status
from maydan.operations.rendering import document_keys, document_row, maps_document
from maydan.storage.documents import DRAFT, PUBLISHED
from maydan.storage.entries import EntryRow, Publication

ENVELOPE = ("id", "type", "status", "version", "locale", "created_at", "updated_at", "published_at", "state")
AUTHORS = frozenset({"created_by", "updated_by"})
VERBS = ("update", "delete", "publish", "comment", "transition:open", "transition:close")
_OPERATORS = frozenset(
    {"eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "contains", "icontains", "startswith", "exists"}
)
_NOBODY = "nobody at all"
_MOST_LOOKS = 200
"""Looks that are kept at once."""


class State(NamedTuple):
    """Everything that is stored of one entry, but for its names and links, which follow from it."""

    entry: EntryRow
    versions: dict[int, tuple[dict[str, Any], str | None]]
    """By number the stored form and who saved it, the newest too."""


States = dict[str, tuple[ContentType, State]]
"""Every entry of a world, by its id."""


class Shown(NamedTuple):
    """One document of an entry, with everything in it."""

    label: str
    perspective: int
    locale: str
    is_past: bool
    """Whether it is an earlier version, which only who reads drafts may see."""
    document: dict[str, Any]
    notes: dict[str, Any]
    """From which locale a field comes that has nothing of its own."""
    translated: bool
    status: str


class Told(NamedTuple):
    """What the maps of all locales and the differences of versions are made of."""

    label: str
    perspective: int
    maps: dict[str, Any]
    stored: dict[str, Any]


class Looks(NamedTuple):
    """All that there is to see of one entry."""

    documents: list[Shown]
    told: list[Told]


class Rule(NamedTuple):
    """A policy as one reader meets it: with their own id in its condition."""

    effect: str
    actions: frozenset[str]
    fields: frozenset[str]
    condition: dict[str, Any] | None
    is_deep: bool


def looks_of(world: World, content_type: ContentType, state: State) -> Looks:
    """Render everything of an entry, whoever may see it."""
    looks = Looks([], [])
    _render(looks, world, content_type, "now", state.entry, is_past=False)
    for number, (body, by) in state.versions.items():
        past = _past(state.entry, number, body, by)
        _render(looks, world, content_type, f"version {number}", past, is_past=True)
    return looks


class Eyes:
    """One reader before a world, whose entries may change under their eyes."""

    def __init__(self, world: World, reader: Reader, states: States) -> None:
        """Look at what there is; ``states`` may be changed afterwards."""
        self.world = world
        self.reader = reader
        self.states = states
        self._rules = {content_type.name: list(self._read(content_type)) for content_type in world.types}
        self._looks: dict[int, tuple[State, Looks]] = {}
        self.looks_through = {name for name, rules in self._rules.items() if any(rule.is_deep for rule in rules)}
        """The types of which relations decide what the reader sees."""

    def manages(self, action: str) -> bool:
        """Tell whether the reader may do something that is about the whole space."""
        held = (policy for policy in self.world.policies if policy["role"] in self.reader.roles)
        return any(action in policy["actions"] for policy in held)

    def may_ever(self, action: str, type_name: str) -> bool:
        """Tell whether some policy lets the reader do this with some entry of the type."""
        return any(rule.effect == "allow" and action in rule.actions for rule in self._rules[type_name])

    def may(self, action: str, entry_id: str) -> bool:
        """Tell whether the reader may do this with an entry as it is in the default locale, whatever is shared."""
        known = self.states.get(entry_id)
        if known is None:
            return False
        content_type, locale = known[0], self.world.space.default_locale
        newest = (
            shown.document for shown in self._looks_of(entry_id).documents
            if shown.label == "now" and shown.locale == locale
            and (shown.perspective != PUBLISHED or not content_type.drafts)
        )  # fmt: skip
        return any(self._own(content_type, action, document) for document in newest)

    def fields_ever(self, content_type: ContentType, *actions: str) -> frozenset[str]:
        """Return the fields that some policy grants for one of the actions on some entry of the type."""
        granted = frozenset(ENVELOPE)
        for rule in self._rules[content_type.name]:
            if rule.effect == "allow" and rule.actions & set(actions):
                granted |= _shared(content_type) if "*" in rule.fields else rule.fields
        if self.reader.shared:
            granted |= _shared(content_type)
        return granted | {"slug"} if "title" in granted else granted

    def sight(self, entry_id: str) -> dict[str, Any]:
        """Return everything that the reader may learn from an entry."""
        known = self.states.get(entry_id)
        if known is None:
            return {}
        content_type = known[0]
        seen: dict[str, Any] = {}
        found = self._looks_of(entry_id)
        everywhere: dict[tuple[str, int, str], frozenset[str]] = {}
        for shown in found.documents:
            if shown.is_past and not any(key.startswith("now") for key in seen):
                break
            if shown.is_past and shown.perspective == PUBLISHED and content_type.drafts:
                continue
            newest = shown.is_past or shown.perspective != PUBLISHED
            for action in ("read_draft",) if newest else ("read", "read_draft"):
                fields = self._look(content_type, action, shown, seen)
                key = shown.label, shown.perspective, action
                everywhere[key] = everywhere.get(key, fields) & fields
        for told in found.told:
            for action in ("read", "read_draft"):
                fields = everywhere.get((told.label, told.perspective, action), frozenset())
                if fields:
                    seen[f"{told.label} {told.perspective} * {action}"] = [
                        [told.maps.get(name), name in told.stored, told.stored.get(name)] for name in sorted(fields)
                    ]
        return seen

    def _look(self, content_type: ContentType, action: str, shown: Shown, seen: dict[str, Any]) -> frozenset[str]:
        """Add what one action shows of one document; returns its fields."""
        place = f"{shown.label} {shown.perspective} {shown.locale}"
        fields = self.fields(content_type, action, shown.document)
        verbs = () if shown.is_past else VERBS
        # Who may update an entry may ask which of its fields.
        updated = sorted(self.fields(content_type, "update", shown.document))
        allowed = [
            updated if verb == "update" else bool(self.fields(content_type, verb, shown.document)) for verb in verbs
        ]
        if any(allowed):
            seen[f"may {place}"] = allowed
        if fields:
            values = {name: shown.document.get(name) for name in sorted(fields)}
            told = {name: shown.notes[name] for name in sorted(shown.notes) if name in fields}
            # Whether a locale has content of its own is told like its status, whatever may be read of that content.
            seen[f"{place} {action}"] = [values, told, shown.translated]
            if shown.perspective != PUBLISHED:
                seen[f"status {shown.label} {shown.locale}"] = shown.status
        return fields

    def fields(self, content_type: ContentType, action: str, document: dict[str, Any]) -> frozenset[str]:
        """Return what may be read of one document; nothing where it may not be read at all."""
        own = self._own(content_type, action, document)
        if document["id"] in self.reader.shared and action in ("read", "read_draft"):
            own |= self._by_share(content_type, action, document)
        if not own:
            return own
        secret = {field.name for field in content_type.fields if field.kind == "secret"}
        return (own - secret) | frozenset(ENVELOPE)

    def _own(self, content_type: ContentType, action: str, document: dict[str, Any]) -> frozenset[str]:
        rules = self._holding(content_type, action, document)
        denied = frozenset[str]().union(*(rule.fields for rule in rules if rule.effect == "deny"))
        allows = [rule for rule in rules if rule.effect == "allow"]
        if "*" in denied or not allows:
            return frozenset()
        granted: set[str] = set()
        for rule in allows:
            granted |= _shared(content_type) if "*" in rule.fields else rule.fields
            if "title" in granted:
                granted.add("slug")
        fields = frozenset(granted) - denied
        if action == "read":
            fields -= AUTHORS - self._own(content_type, "read_draft", document)
        return fields | frozenset(ENVELOPE)

    def _by_share(self, content_type: ContentType, action: str, document: dict[str, Any]) -> frozenset[str]:
        """Return what an administrator lets the reader see: all but private fields, and but what they are denied."""
        rules = self._holding(content_type, action, document)
        denied = frozenset[str]().union(*(rule.fields for rule in rules if rule.effect == "deny"))
        if "*" in denied:
            return frozenset()
        fields = _shared(content_type) - denied
        if action == "read":
            fields -= AUTHORS - self._by_share(content_type, "read_draft", document)
        return fields | frozenset(ENVELOPE)

    def _holding(self, content_type: ContentType, action: str, document: dict[str, Any]) -> list[Rule]:
        return [
            rule
            for rule in self._rules[content_type.name]
            if action in rule.actions and self._holds(rule, document, published=action == "read")
        ]

    def truths(self, entry_id: str) -> list[bool]:
        """Return which conditions that go through relations hold for each document of an entry."""
        known = self.states.get(entry_id)
        if known is None:
            return []
        rules = [rule for rule in self._rules[known[0].name] if rule.is_deep]
        return [
            self._holds(rule, shown.document, published=published)
            for shown in self._looks_of(entry_id).documents
            for rule in rules
            for published in (True, False)
        ]

    def _holds(self, rule: Rule, document: dict[str, Any], *, published: bool) -> bool:
        if rule.condition is None:
            return True

        def find(entry_id: str) -> dict[str, Any] | None:
            return self._target(entry_id, str(document["locale"]), published=published)

        return Naive(find=find, decimals=frozenset(), folded=str.casefold).holds(rule.condition, document)

    def _target(self, entry_id: str, locale: str, *, published: bool) -> dict[str, Any] | None:
        """Return what a relation leads to: for readers what is published, for everybody else the newest version."""
        known = self.states.get(entry_id)
        if known is None:
            return None
        perspective = PUBLISHED if published or not known[0].drafts else DRAFT
        documents = self._looks_of(entry_id).documents
        found = (each for each in documents if (each.label, each.perspective) == ("now", perspective))
        return next((each.document for each in found if each.locale == locale), None)

    def _looks_of(self, entry_id: str) -> Looks:
        content_type, state = self.states[entry_id]
        known = self._looks.get(id(state))
        if known is None:
            if len(self._looks) > _MOST_LOOKS:
                self._looks.clear()
            # The state is held, so that no other one gets its identity.
            known = self._looks[id(state)] = state, looks_of(self.world, content_type, state)
        return known[1]

    def _read(self, content_type: ContentType) -> list[Rule]:
        rules: list[Rule] = []
        for policy in self.world.policies:
            if policy["role"] not in self.reader.roles or policy["type"] not in ("*", content_type.name):
                continue
            for_all = policy["type"] == "*" and policy["role"] == "anonymous" and policy["effect"] == "allow"
            if for_all and not content_type.drafts:
                continue
            rules.append(self._rule(policy))
        return rules

    def _rule(self, policy: dict[str, Any]) -> Rule:
        condition = policy.get("condition")
        text = msgspec.json.encode(condition).decode()
        is_deep = any(f'"{name}' in text for name in ("one", "several", "parts"))
        if condition is not None:
            bound = text.replace("$actor.id", self.reader.id or _NOBODY).replace("$now", "9999-12-31T00:00:00Z")
            condition = _dotted(msgspec.json.decode(bound))
        steps = VERBS if "transition:*" in policy["actions"] else ()
        actions = frozenset(policy["actions"]) | {verb for verb in steps if verb.startswith("transition:")}
        return Rule(policy["effect"], actions, frozenset(policy["fields"]), condition, is_deep)


def _shared(content_type: ContentType) -> frozenset[str]:
    public = {field.name for field in content_type.fields if not field.private}
    return frozenset(public | {"slug", "tags", *AUTHORS})


def _dotted(condition: Any) -> Any:
    """Return a condition with nested members written as paths."""
    if isinstance(condition, list):
        return [_dotted(each) for each in condition]
    if not isinstance(condition, dict):
        return condition
    flat: dict[str, Any] = {}
    for name, inner in condition.items():
        if name in ("and", "or", "not") or not isinstance(inner, dict) or set(inner) <= _OPERATORS:
            flat[name] = _dotted(inner)
        else:
            flat |= {f"{name}.{rest}": each for rest, each in _dotted(inner).items()}
    return flat


def _render(
    looks: Looks, world: World, content_type: ContentType, label: str, entry: EntryRow, *, is_past: bool
) -> None:
    keys = sorted(document_keys(content_type, world.space, entry))
    for perspective, locale in keys:
        row = document_row(content_type, world.space, entry, perspective, locale)
        body, private = msgspec.json.decode(row.body), msgspec.json.decode(row.private)
        notes = {**body.pop("_locales", {}), **private.pop("_locales", {})}
        state = locale_status(content_type, entry, locale)
        looks.documents.append(
            Shown(label, perspective, locale, is_past, {**body, **private}, notes, row.translated, state)
        )
    for perspective in sorted({perspective for perspective, _ in keys}):
        maps = maps_document(content_type, world.space, entry, perspective)
        looks.told.append(Told(label, perspective, maps, _stored(content_type, entry, perspective)))


def _stored(content_type: ContentType, entry: EntryRow, perspective: int) -> dict[str, Any]:
    """Return the stored form by names: a difference of versions tells what is absent from what is null."""
    published = perspective == PUBLISHED and content_type.drafts and entry.published is not None
    body = entry.published.body if published and entry.published else entry.body
    names = {field.id: field.name for field in content_type.fields}
    return {names.get(key, key): value for key, value in body.items()}


def _past(entry: EntryRow, number: int, body: dict[str, Any], by: str | None) -> EntryRow:
    shown = entry.published.locales if entry.published else {}
    locales = {locale: part for locale, part in shown.items() if part.version == number}
    published = Publication(locales=locales, body=body) if locales else None
    return msgspec.structs.replace(entry, version=number, body=body, published=published, updated_by=by)


def slugs_in(states: States) -> dict[str, list[str]]:
    """Return by type every slug that an entry has or that readers know it by."""
    found: dict[str, set[str]] = {}
    for content_type, state in states.values():
        known = found.setdefault(content_type.name, set())
        known.update(slugs_of(state.entry.body).values())
        if state.entry.published:
            known.update(slugs_of(state.entry.published.body).values())
    return {name: sorted(slugs) for name, slugs in found.items()}
