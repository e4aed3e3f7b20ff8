"""Read one entry, under a perspective and in a locale, as far as the caller may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from maydan.access.actions import Action
from maydan.content.checking import check_fields, check_include, check_portions
from maydan.content.render import project, with_private
from maydan.errors import NotFound
from maydan.ids import is_id
from maydan.locales.normalizing import normalized
from maydan.operations.entries.branches import branch_of
from maydan.operations.entries.including import include
from maydan.operations.entries.locales import reading_locale
from maydan.operations.entries.reaching import Perspective, Reaching, decision_on
from maydan.operations.entries.shared import shares, tags_of_entry
from maydan.operations.entries.views import (
    MAPS,
    EntryView,
    decode,
    encode,
    may_learn_version,
    reading_action,
    whole_document,
)
from maydan.operations.rendering import document_keys, maps_document
from maydan.storage.document_places import Where
from maydan.storage.document_queries import find_document, find_documents
from maydan.storage.documents import DRAFT, PUBLISHED, TRASH
from maydan.storage.entries import find_entries, newest_version
from maydan.storage.names import find_slugs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.decisions import Decision
    from maydan.content.includes import Portion
    from maydan.operations.entries.branches import Branch
    from maydan.operations.entries.reaching import Judged
    from maydan.operations.scopes import Scope
    from maydan.storage.names import SlugHit


class Reading(Struct, frozen=True, kw_only=True):
    """How an entry is to be read."""

    draft: bool = False
    """Under ``perspective=draft``: the newest version of every entry."""
    locale: str | None = None
    """``None`` leaves it to the caller's languages; ``*`` is the maps of all locales."""
    fallback: bool = True
    """Whether other locales stand in for a missing one."""
    fields: tuple[str, ...] | None = None
    """``None`` is all that may be read; with ``include`` also of the targets: ``author.name``."""
    include: tuple[tuple[str, ...], ...] = ()
    """The relations in whose place their targets are put."""
    portions: tuple[Portion, ...] = ()
    """Of the relations to many among them."""
    by_link: bool = False
    """By a link to this entry alone: what it links to is included as the caller reads it, published."""


AS_PUBLISHED = Reading()
_NO_TYPES: Final[Judged] = {}


async def find(scope: Scope, id_or_slug: str, reading: Reading = AS_PUBLISHED) -> EntryView:
    """Return an entry as the caller may read it.

    Raises:
        NotFound: It does not exist, is not published, or the caller may not read it.
        BadParameter: The locale is not the space's, or ``fields`` names what the caller may not read.
    """
    locale = reading_locale(scope.space, scope.caller, reading.locale)
    decision = decision_on(scope, draft=reading.draft)
    if decision.denied:
        raise NotFound
    asked: Judged = _NO_TYPES
    if reading.fields is not None or reading.include:
        reading, asked = await _checked(scope, decision, reading)
    by_id = is_id(id_or_slug)
    found = _Found(id_or_slug) if by_id else await _id_of(scope, decision, id_or_slug, reading, locale)
    if found is None:
        raise NotFound
    entry_id, tags = found.entry_id, ()
    if shares(scope) and not reading.draft:
        branch = branch_of(reading.include, None)
        tags = tags_of_entry(scope, decision, branch, asked, entry_id, is_certain=found.is_certain)
    if locale == MAPS:
        view = replace(await _maps(scope, decision, entry_id, reading), tags=tags)
        slug = await _moved(scope, decision, id_or_slug, found, reading, locale) if found.former_in else None
        return replace(view, slug=slug)
    where = where_of(scope, locale, draft=reading.draft, translated_only=not reading.fallback)
    parts = await find_document(scope.core.store, where, entry_id)
    if parts is None:
        raise NotFound
    body = await _shown(scope, decision, parts, reading, locale)
    version = await _version(scope, entry_id)
    slug = await _moved(scope, decision, id_or_slug, found, reading, locale) if found.former_in else None
    return EntryView(id=entry_id, body=body, locale=locale, version=version, slug=slug, tags=tags)


async def _checked(scope: Scope, decision: Decision, reading: Reading) -> tuple[Reading, Judged]:
    """Refuse fields and relations that do not exist or that the caller may not read, with the same words.

    Returns:
        The reading with its portions resolved, and the types that its paths lead through.
    """
    reach = Reaching(scope, draft=reading.draft and not reading.by_link)
    readable = frozenset(decision.filterable)

    def check() -> Reading:
        check_include(reading.include, scope.type, readable, reach)
        check_fields(reading.fields or (), scope.type, readable, include=reading.include, reach=reach)
        return replace(reading, portions=check_portions(reading.portions, scope.type, reach))

    return await reach.checked(check), reach.asked


def where_of(scope: Scope, locale: str, *, draft: bool, translated_only: bool = False) -> Where:
    """Return which documents a perspective means."""
    return Where(
        type=scope.type,
        space_key=scope.space.key,
        perspective=DRAFT if draft and scope.type.drafts else PUBLISHED,
        locale=locale,
        translated_only=translated_only,
    )


async def _shown(scope: Scope, decision: Decision, parts: tuple[str, str], reading: Reading, locale: str) -> bytes:
    """Return the bytes that the caller gets of a document; as they are stored where that is right."""
    whole = reading.fields is None and decision.row is None and whole_document(decision)
    if whole and not reading.include:
        return parts[0].encode()
    branch = branch_of(reading.include, reading.fields, reading.portions)
    shown = parts[0].encode()
    if not whole:
        document = with_private(decode(parts[0]), decode(parts[1]))
        await scope.foresee([document])
        if not decision.permits(document):
            raise NotFound
        shown = encode(project(document, branch.shown(decision.fields_for(document))))
    return await _with_included(scope, shown, branch, reading, locale)


async def _with_included(scope: Scope, body: bytes, branch: Branch, reading: Reading, locale: str) -> bytes:
    if not reading.include:
        return body
    included = await include(scope, [body.decode()], branch, _perspective(reading, locale))
    return included.texts[0].encode()


def _perspective(reading: Reading, locale: str) -> Perspective:
    return Perspective(draft=reading.draft and not reading.by_link, locale=locale, translated_only=not reading.fallback)


def selected(allowed: frozenset[str], fields: Sequence[str] | None) -> frozenset[str]:
    """Return the members of an answer: what is allowed, narrowed to what was asked for; the id is always there."""
    return allowed if fields is None else allowed & {"id", *fields}


class _Found(Struct, frozen=True):
    """Which entry was asked for."""

    entry_id: str
    former_in: str | None = None
    """The locale in which it had the slug once, where it has it no more."""
    is_certain: bool = True
    """Whether no other entry can take its place while it is as it is: by a slug, as long as it has that in the locale
    that is looked at first."""


async def _id_of(scope: Scope, decision: Decision, slug: str, reading: Reading, locale: str) -> _Found | None:
    """Return the entry of a slug in the locale that is read, else in another; ``None`` where there is none.

    Only entries whose slug the caller may read are looked at: what may not be read is neither found by a guess, nor
    does it stand before another entry with that slug in another locale.
    """
    locales = scope.space.locales if locale == MAPS else (locale, *scope.space.locales)
    where = (scope.core.store, scope.space.key, scope.type.key)
    hits = await find_slugs(*where, normalized("NFC", slug), dict.fromkeys(locales))
    newest = reading.draft or not scope.type.drafts
    current = [hit for hit in hits if (hit.in_draft if newest else hit.in_published)]
    former = [hit for hit in hits if hit not in current and (newest or not hit.in_draft)]
    for hit in (*current, *former):
        if await _may_find(scope, decision, hit, reading) and await _may_follow(scope, hit, reading):
            if hit in former:
                return _Found(hit.entry_id, hit.locale, is_certain=False)
            return _Found(hit.entry_id, is_certain=hit.locale == locales[0])
    return None


async def _may_follow(scope: Scope, hit: SlugHit, reading: Reading) -> bool:
    """Tell whether the caller may know that readers go by this slug, where the draft has another one."""
    if hit.in_draft or not hit.in_published or not reading.draft:
        return True
    published = decision_on(scope, draft=False)
    return not published.denied and await _may_find(scope, published, hit, AS_PUBLISHED)


async def _may_find(scope: Scope, decision: Decision, hit: SlugHit, reading: Reading) -> bool:
    """Tell whether the caller may read the slug of an entry."""
    if decision.unconditional:
        return "slug" in decision.fields
    where = where_of(scope, hit.locale, draft=reading.draft)
    parts = await find_document(scope.core.store, where, hit.entry_id)
    if parts is None:
        return False
    document = {**decode(parts[0]), **decode(parts[1])}
    await scope.foresee([document])
    return "slug" in decision.fields_for(document)


async def _moved(
    scope: Scope, decision: Decision, asked: str, found: _Found, reading: Reading, locale: str
) -> str | None:
    """Return by what an entry is to be asked for that was found by a former slug, where it is another.

    That is its present slug, for maps in the locale of the former one; its id where that leads to another entry.
    """
    shown = found.former_in or locale if locale == MAPS else locale
    where = where_of(scope, shown, draft=reading.draft)
    parts = await find_document(scope.core.store, where, found.entry_id)
    slug: str | None = decode(parts[0]).get("slug") if parts else None
    if slug == normalized("NFC", asked):
        return None
    again = await _id_of(scope, decision, slug, reading, locale) if slug else None
    leads_here = again is not None and again.entry_id == found.entry_id and again.former_in is None
    return slug if leads_here else found.entry_id


async def _version(scope: Scope, entry_id: str) -> int:
    if not may_learn_version(scope, entry_id):
        return 0
    return await newest_version(scope.core.store, scope.space.key, entry_id)


async def _maps(scope: Scope, decision: Decision, entry_id: str, reading: Reading) -> EntryView:
    """Read ``locale=*`` of one entry."""
    branch = branch_of(reading.include, reading.fields, reading.portions)
    fields = None if reading.fields is None else (*(branch.fields or ()), *branch.names)
    shown = await maps_of(scope, decision, [entry_id], replace(reading, fields=fields))
    if entry_id not in shown:
        raise NotFound
    body = await _with_included(scope, shown[entry_id], branch, reading, MAPS)
    return EntryView(id=entry_id, body=body, locale=MAPS, version=await _version(scope, entry_id))


async def maps_of(
    scope: Scope, decision: Decision, ids: Sequence[str], reading: Reading, *, trashed: bool = False
) -> dict[str, bytes]:
    """Return the entries with the maps of every locale, from the stored form: documents hold one locale each."""
    perspective = TRASH if trashed else DRAFT if reading.draft and scope.type.drafts else PUBLISHED
    entries = await find_entries(scope.core.store, scope.space.key, scope.type.key, ids)
    allowed = await _allowed_on_maps(scope, decision, ids, perspective)
    shown: dict[str, bytes] = {}
    for entry in entries:
        keys = document_keys(scope.type, scope.space, entry)
        if allowed.get(entry.id) and any(key[0] == perspective for key in keys):
            document = maps_document(scope.type, scope.space, entry, perspective)
            shown[entry.id] = encode(project(document, selected(allowed[entry.id], reading.fields)))
    return shown


async def _allowed_on_maps(
    scope: Scope, decision: Decision, ids: Sequence[str], perspective: int
) -> dict[str, frozenset[str]]:
    """Return per entry the fields that may be read in every one of its locales: maps show them all at once."""
    if decision.unconditional:
        return dict.fromkeys(ids, decision.fields)
    allowed: dict[str, frozenset[str]] = {}
    for locale in scope.space.locales:
        where = replace(where_of(scope, locale, draft=perspective != PUBLISHED), perspective=perspective)
        for entry_id, document in await _foreseen(scope, where, ids):
            fields = decision.fields_for(document)
            allowed[entry_id] = fields & allowed.get(entry_id, fields)
    return allowed


async def _foreseen(scope: Scope, where: Where, ids: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return ids with what the documents hold, ready to be judged."""
    rows = await find_documents(scope.core.store, where, ids)
    documents = [(entry_id, {**decode(body), **decode(private)}) for entry_id, body, private in rows]
    await scope.foresee([document for _, document in documents])
    return documents


async def readable_ids(scope: Scope, ids: Sequence[str]) -> list[str]:
    """Return those of the ids whose entries the caller may read, as readers get them or as drafts."""
    found: set[str] = set()
    for draft, action in ((False, Action.READ), (True, reading_action(scope.type))):
        decision = scope.decide(action)
        if decision.denied:
            continue
        where = where_of(scope, scope.space.default_locale, draft=draft)
        found |= {one for one, document in await _foreseen(scope, where, ids) if decision.permits(document)}
    return [entry_id for entry_id in ids if entry_id in found]
