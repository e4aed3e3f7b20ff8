"""The verbs of spaces: create, change, delete, list."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import available_timezones

import msgspec
from msgspec import UNSET, Struct, UnsetType

from maydan.access.actions import Action
from maydan.accounts.roles import forget_space
from maydan.content.problems import Problems
from maydan.content.spaces import Space
from maydan.content.text import has_control
from maydan.errors import Forbidden, InputError, LossyChange, NotFound, Unauthenticated, UniqueViolation
from maydan.locales import canonical_locale
from maydan.money import find_exponent
from maydan.operations.losses import find_content_in, named
from maydan.operations.rebuilding import rebuild_space
from maydan.operations.type_tables import clear_type, remove_own_types
from maydan.storage import documents
from maydan.storage.log import Event, event_statement
from maydan.storage.ports import Statement
from maydan.storage.registry import find_space, list_types, settings_json
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from maydan.operations.core import Caller, Core
    from maydan.storage.ports import Transaction

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
MAX_LOCALES: Final = 50
_NEXT_KEY: Final = """
SELECT COALESCE(MAX(taken), 0) + 1 FROM (
    SELECT MAX(key) AS taken FROM maydan_spaces
    UNION ALL SELECT MAX(space_key) FROM maydan_log
    UNION ALL SELECT MAX(chain) FROM maydan_audit_heads
) AS keys
"""
_DELETE_DELIVERIES: Final = (
    "DELETE FROM maydan_deliveries WHERE space_key = ?"
    " AND webhook_id IN (SELECT id FROM maydan_webhooks WHERE space_key = ?)"
)
_TABLES: Final = (
    "maydan_links", "maydan_imports", "maydan_jobs", "maydan_comments", "maydan_locks", "maydan_previews",
    "maydan_shares", "maydan_webhooks", "maydan_dead_letters",
)  # fmt: skip
"""What goes with a space beside its types, their entries, and what its accounts have in it."""
_NO_PLACES: Final = frozenset({"Factory", "localtime"})
"""What the time zone database has beside places: "not set", and whatever the machine is set to."""
MAX_TITLE: Final = 200


class SpaceInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to create a space."""

    name: str
    """``[a-z0-9][a-z0-9-]{1,62}``; never changes."""
    title: str = ""
    locales: tuple[str, ...] = ("en",)
    default_locale: str | None = None
    """The first of the locales when absent."""
    fallbacks: dict[str, tuple[str, ...]] = {}
    timezone: str = "UTC"
    currency: str = "USD"
    plugins: tuple[str, ...] = ()


class SpacePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to change a space; what is absent stays."""

    title: str | UnsetType = UNSET
    locales: tuple[str, ...] | UnsetType = UNSET
    default_locale: str | UnsetType = UNSET
    fallbacks: dict[str, tuple[str, ...] | None] | UnsetType | None = UNSET
    """Merged per locale; ``null`` removes."""
    timezone: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    plugins: tuple[str, ...] | UnsetType = UNSET


async def create_space(core: Core, caller: Caller, given: SpaceInput) -> Space:
    """Create a space.

    Raises:
        Forbidden: Only administrators create spaces.
        InvalidInput: With every value that is not acceptable.
        UniqueViolation: The name is taken.
    """
    require_administrator(caller)
    space = await core.store.retrying(lambda transaction: store_new(core, caller, transaction, given))
    await core.revisions.settled()
    return space


async def store_new(core: Core, caller: Caller, transaction: Transaction, given: SpaceInput) -> Space:
    """Store a new space.

    Raises:
        InvalidInput, UniqueViolation: As :func:`create_space`.
    """
    await transaction.apply([bump("spaces")])  # who makes another one at the same moment waits
    # A deleted space's key is in the log and in the audit for ever, and must never be another's.
    row = await transaction.fetch_one(_NEXT_KEY)
    space = check_input(core, given, key=row[0] if row else 1)
    if await find_space(transaction, space.name):
        raise UniqueViolation(f"There is a space called {space.name} already.")
    insert = Statement(
        "INSERT INTO maydan_spaces (key, name, settings, version, created_at) VALUES (?,?,?,?,?)",
        (space.key, space.name, settings_json(space), space.version, core.clock.now()),
    )
    await transaction.apply([insert, _event(core, caller, space, "space.created")])
    return space


def check_input(core: Core, given: SpaceInput, *, key: int = 0) -> Space:
    """Return the space that an input would make.

    Raises:
        InvalidInput: With every value that is not acceptable.
    """
    return _checked(core, _from_input(given, key=key))


async def change_space(
    core: Core,
    caller: Caller,
    space: Space,
    read_patch: Callable[[], SpacePatch],
    *,
    precondition: Callable[[Space], None],
    allow_drop: bool = False,
) -> Space:
    """Change a space; entries are rendered anew where locales or fallbacks change.

    Raises:
        Forbidden, PreconditionRequired, Stale, InvalidInput: In this order.
        LossyChange: Entries have content in a locale that goes, or are published in it; ``allow_drop`` is not given.
    """
    await require_space_action(core, caller, space, Action.MANAGE_SPACE)

    async def work(transaction: Transaction) -> Space:
        before = await find_space(transaction, space.name, lock=True)
        if before is None:
            raise NotFound
        precondition(before)
        after = _checked(core, _patched(before, read_patch()), kept=before.plugins)
        if not allow_drop:
            await _require_unused(
                core, transaction, before, [one for one in before.locales if one not in after.locales]
            )
        update = Statement(
            "UPDATE maydan_spaces SET settings = ?, version = ? WHERE key = ? AND version = ?",
            (settings_json(after), after.version, after.key, before.version),
            expect=1,
        )
        await transaction.apply([update, _event(core, caller, after, "space.updated"), bump("spaces")])
        if _renders(before) != _renders(after):
            await rebuild_space(core, transaction, before, after)
        return after

    after = await core.store.retrying(work)
    await core.revisions.settled()
    return after


async def _require_unused(core: Core, transaction: Transaction, space: Space, locales: Sequence[str]) -> None:
    """Refuse to let locales go in which entries outside of the trash have something; nobody writes meanwhile."""
    types = await list_types(transaction, space)
    for content_type in types:
        await documents.lock(transaction, content_type, core.store.dialect.name)
    found = await find_content_in(transaction, core.store, space, types, locales)
    errors = tuple(
        InputError("/locales", "dropped", f"Entries have content in {locale}, or are published in it ({named(ids)}).")
        for locale, ids in found.items()
    )
    if errors:
        raise LossyChange(
            f"Entries have content in {', '.join(found)}, or are published there; remove it and unpublish them, or"
            " repeat with allow_drop=true to hide it.",
            errors=errors,
        )


def _renders(space: Space) -> tuple[object, ...]:
    """Return what of a space documents depend on."""
    return space.locales, space.default_locale, space.fallbacks


async def delete_space(core: Core, caller: Caller, space: Space, *, precondition: Callable[[Space], None]) -> None:
    """Remove a space with everything in it, for good: entries, types, members, roles, comments.

    Raises:
        Unauthenticated, Forbidden, NotFound: Only administrators and the space's owners may.
        Stale: It was changed in the meantime.
    """
    await require_space_action(core, caller, space, Action.MANAGE_ROLES)

    async def work(transaction: Transaction) -> None:
        before = await find_space(transaction, space.name, lock=True)
        if before is None:
            raise NotFound
        precondition(before)
        for content_type in await list_types(transaction, before):
            await documents.lock(transaction, content_type, core.store.dialect.name)
            await clear_type(transaction, before.key, content_type)
        await remove_own_types(transaction, before.key)
        await transaction.execute(_DELETE_DELIVERIES, before.key, before.key)
        for table in _TABLES:
            # Also what was stored while the entries were waited for.
            await transaction.execute(f"DELETE FROM {table} WHERE space_key = ?", before.key)
        gone = Statement(
            "DELETE FROM maydan_spaces WHERE key = ? AND version = ?", (before.key, before.version), expect=1
        )
        batch = [gone, _event(core, caller, before, "space.deleted"), bump("spaces"), bump("types")]
        await transaction.apply([*batch, *forget_space(before.key)])

    await core.store.retrying(work)
    await core.revisions.settled()


def require_administrator(caller: Caller) -> None:
    """Refuse everybody but administrators and the system."""
    if caller.actor.kind == "anonymous":
        raise Unauthenticated("Log in first.")
    if not caller.actor.administrator and caller.actor.kind != "system":
        raise Forbidden("Only administrators may do this.")


async def require_space_action(core: Core, caller: Caller, space: Space, action: str) -> None:
    """Refuse callers whose roles in the space do not have an action that is about the space itself."""
    snapshot = await core.snapshots.get(space)
    if snapshot.allows(caller.actor, action):
        return
    if caller.actor.kind == "anonymous":
        raise Unauthenticated("Log in first.")
    if not snapshot.sees_space(caller.actor):
        raise NotFound
    raise Forbidden(f"This needs the right {action} in the space.")


async def list_spaces(core: Core, caller: Caller) -> list[Space]:
    """Return the spaces in which the caller has a role that sees anything, by name; administrators get all."""
    actor = caller.actor
    everywhere = actor.administrator or bool(actor.everywhere) or actor.kind == "system"
    scope = actor.scope.space_key if actor.scope else None
    found = [space for space in core.registry.spaces() if scope in (None, space.key)]
    if everywhere:
        return found
    own = [space for space in found if actor.is_member(space.key)]
    return [space for space in own if (await core.snapshots.get(space)).sees_space(actor)]


def _from_input(given: SpaceInput, *, key: int) -> Space:
    return Space(
        key=key,
        name=given.name,
        title=given.title or given.name,
        locales=given.locales,
        default_locale=given.default_locale or (given.locales[0] if given.locales else ""),
        fallbacks=given.fallbacks,
        timezone=given.timezone,
        currency=given.currency,
        plugins=given.plugins,
    )


def _patched(before: Space, patch: SpacePatch) -> Space:
    values: dict[str, Any] = {
        name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not UNSET
    }
    if "fallbacks" in values:
        merged = {} if values["fallbacks"] is None else {**before.fallbacks, **values["fallbacks"]}
        values["fallbacks"] = {locale: chain for locale, chain in merged.items() if chain is not None}
    return msgspec.structs.replace(before, version=before.version + 1, **values)


def _checked(core: Core, space: Space, *, kept: Collection[str] = ()) -> Space:
    """Return the space with canonical locales.

    Args:
        core: Knows which plugins are loaded.
        space: As it is to be.
        kept: The plugins that it has already, loaded or not.
    Raises:
        InvalidInput: Naming everything that is not acceptable.
    """
    problems = Problems()
    if not _NAME.fullmatch(space.name):
        problems.add("/name", "bad_name", pattern=_NAME.pattern)
    if len(space.title) > MAX_TITLE:
        problems.add("/title", "too_long", max=MAX_TITLE)
    elif has_control(space.title):
        problems.add("/title", "control_character")
    locales = _locales(space, problems)
    if space.timezone not in _time_zones():
        problems.add("/timezone", "unknown_time_zone")
    if find_exponent(space.currency) is None:
        problems.add("/currency", "currency")
    for index, name in enumerate(space.plugins):
        if name not in kept and name not in core.host.loaded():
            problems.add(f"/plugins/{index}", "unknown_plugin")
    problems.raise_if_any()
    return msgspec.structs.replace(space, locales=locales, plugins=tuple(dict.fromkeys(space.plugins)))


@cache
def _time_zones() -> frozenset[str]:
    """Return the names of all places; read once, since each is a file that is looked into."""
    return frozenset(available_timezones() - _NO_PLACES)


def _locales(space: Space, problems: Problems) -> tuple[str, ...]:
    canonical: list[str] = []
    for index, locale in enumerate(space.locales):
        found = canonical_locale(locale)
        if found is None or found != locale:
            problems.add(f"/locales/{index}", "bad_locale")
        elif found in canonical:
            problems.add(f"/locales/{index}", "duplicate")
        else:
            canonical.append(found)
    if not space.locales:
        problems.add("/locales", "too_few", min=1)
    elif len(space.locales) > MAX_LOCALES:
        problems.add("/locales", "too_many", max=MAX_LOCALES)
    if space.default_locale not in space.locales:
        problems.add("/default_locale", "unknown_locale")
    for locale, chain in space.fallbacks.items():
        if locale not in space.locales:
            problems.add(f"/fallbacks/{locale}", "unknown_locale")
        for index, step in enumerate(chain):
            if step not in space.locales:
                problems.add(f"/fallbacks/{locale}/{index}", "unknown_locale")
    return tuple(canonical)


def _event(core: Core, caller: Caller, space: Space, kind: str) -> Statement:
    return event_statement(
        Event(
            type=kind,
            space_key=space.key,
            subject_type="space",
            subject_id=space.name,
            version=space.version,
            actor_id=caller.actor.id,
            at=core.clock.now(),
            request_id=caller.request_id,
        )
    )
