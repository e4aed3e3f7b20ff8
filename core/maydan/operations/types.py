"""The verbs of content types that integrators define at run time: create, change, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from maydan.access.actions import Action
from maydan.content.changes import renamed
from maydan.content.normal import check_type
from maydan.content.types import SYSTEM_FIELDS, ContentType, Field, Workflow
from maydan.errors import Conflict, InputError, InvalidInput, LossyChange, NotFound, UniqueViolation
from maydan.operations.grant_paths import follow_paths
from maydan.operations.grants import follow_fields, forget_type
from maydan.operations.losses import error_of, find_losses
from maydan.operations.spaces import require_space_action
from maydan.operations.type_tables import add_type, drop_type, next_type_key, replace_type
from maydan.operations.uniqueness import follow_unique
from maydan.operations.workflows import follow_workflow, require_workflow
from maydan.storage import documents
from maydan.storage.log import Event, event_statement
from maydan.storage.ports import GuardFailed
from maydan.storage.registry import find_type, space_guard
from maydan.storage.revisions import bump

if TYPE_CHECKING:
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core
    from maydan.storage.ports import Reader, Statement, Store, Transaction

Precondition = Callable[[ContentType], None]


class TypePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one says to change a type; what is absent stays, ``fields`` and ``indexes`` are replaced as a whole."""

    title: str | UnsetType = UNSET
    drafts: bool | UnsetType = UNSET
    single: bool | UnsetType = UNSET
    slug_from: str | UnsetType | None = UNSET
    indexes: tuple[tuple[str, ...], ...] | UnsetType = UNSET
    fields: tuple[Field, ...] | UnsetType = UNSET
    engagement: tuple[str, ...] | UnsetType = UNSET
    workflow: Workflow | UnsetType | None = UNSET
    rename: dict[str, str] = {}
    """Old field name to new one; the data stays."""


async def create_type(core: Core, caller: Caller, space: Space, wanted: ContentType) -> ContentType:
    """Define a content type in a space.

    Raises:
        Forbidden: The caller may not define types here.
        InvalidInput: With everything that is not acceptable.
        UniqueViolation: The name is taken.
    """
    await require_space_action(core, caller, space, Action.MANAGE_TYPES)
    _refuse_plugin_name(wanted.name)
    checked = check_type(wanted, known_types=None, previous=None)
    made = await core.store.retrying(lambda transaction: store_new(core, caller, transaction, space, checked))
    await core.revisions.settled()
    return made


async def store_new(
    core: Core, caller: Caller, transaction: Transaction, space: Space, checked: ContentType
) -> ContentType:
    """Store a type in its normal form.

    Raises:
        NotFound: The space is gone.
        UniqueViolation: The name is taken.
    """
    try:
        await transaction.apply([space_guard(space.key)])
    except GuardFailed as error:
        raise NotFound from error
    await require_workflow(core, space, checked, None)
    key = await next_type_key(transaction)
    if await find_type(transaction, space.key, checked.name):
        raise UniqueViolation(f"There is a type called {checked.name} in this space already.")
    made = msgspec.structs.replace(checked, key=key, version=1)
    await add_type(core.store, transaction, space.key, made)
    await transaction.apply([_event(core, caller, space, made, "type.created")])
    return made


async def change_type(
    core: Core,
    caller: Caller,
    space: Space,
    name: str,
    read_patch: Callable[[], TypePatch],
    *,
    precondition: Precondition,
    allow_drop: bool = False,
) -> ContentType:
    """Change a content type; entries are rendered anew in the same transaction, no write is lost.

    Args:
        core: The services.
        caller: Who changes it.
        space: Where.
        name: The type.
        read_patch: Gives the change; called after the precondition, so that a stale tag is told before a bad value.
        precondition: Called with the type as it is.
        allow_drop: Go on although values would be lost, or would not be allowed any more.

    Raises:
        NotFound, Forbidden, PreconditionRequired, Stale, InvalidInput: In this order.
        LossyChange: Values would be lost or not be allowed, and ``allow_drop`` is not given; ``errors`` says which.
        UniqueViolation: A field is to be unique, and entries have the same value; or the type is to have one entry,
            and has more.
    """
    await require_space_action(core, caller, space, Action.MANAGE_TYPES)
    own = await _own_type(core, space, name)

    async def work(transaction: Transaction) -> ContentType:
        before = await find_type(transaction, space.key, own.name, lock=True)
        if before is None:
            raise NotFound
        precondition(before)
        after = _patched(before, read_patch())
        await store_changed(core, caller, transaction, space, before, after, allow_drop=allow_drop)
        return after

    after = await core.store.retrying(work)
    await core.revisions.settled()
    return after


async def put_workflow(
    core: Core,
    caller: Caller,
    space: Space,
    name: str,
    read_workflow: Callable[[], Workflow],
    *,
    precondition: Precondition,
) -> tuple[ContentType, bool]:
    """Give a content type a workflow; returns the type, and whether it had none before.

    Args:
        core: The services.
        caller: Who does it.
        space: Where.
        name: The type.
        read_workflow: Gives the workflow; called after the precondition.
        precondition: Called with the type as it is.

    Raises:
        NotFound, Forbidden, PreconditionRequired, Stale, InvalidInput: In this order.
        Conflict: Entries are in states that would be gone, and its mapping says nothing of them (``states_in_use``).
    """
    await require_space_action(core, caller, space, Action.MANAGE_TYPES)
    own = await _own_type(core, space, name)

    async def work(transaction: Transaction) -> tuple[ContentType, bool]:
        before = await find_type(transaction, space.key, own.name, lock=True)
        if before is None:
            raise NotFound
        precondition(before)
        after = msgspec.structs.replace(before, workflow=read_workflow(), version=before.version + 1)
        await require_workflow(core, space, after, before, at="")
        await store_changed(core, caller, transaction, space, before, after, allow_drop=False)
        return after, before.workflow is None

    after, is_new = await core.store.retrying(work)
    await core.revisions.settled()
    return after, is_new


async def store_changed(
    core: Core,
    caller: Caller,
    transaction: Transaction,
    space: Space,
    before: ContentType,
    after: ContentType,
    *,
    allow_drop: bool,
) -> None:
    """Store another form of a type that the transaction has locked, with all that follows from it.

    Raises:
        LossyChange, UniqueViolation: As :func:`change_type`.
    """
    await documents.lock(transaction, before, core.store.dialect.name)
    await require_workflow(core, space, after, before)
    await require_harmless(transaction, core.store, space, before, after, allow_drop=allow_drop)
    await follow_workflow(core.store, transaction, space, before, after, now=core.clock.now())
    await replace_type(core.store, transaction, before, after, (space,))
    await follow_unique(core.store, transaction, before, after, space.key)
    await follow_fields(transaction, space.key, before.name, renames(before, after))
    await follow_paths(transaction, space, before, after, renames(before, after))
    await transaction.apply([_event(core, caller, space, after, "type.updated"), bump("types"), bump("policies")])


async def delete_type(
    core: Core, caller: Caller, space: Space, name: str, *, precondition: Precondition, allow_drop: bool = False
) -> None:
    """Remove a content type, its entries and the grants that name it.

    Raises:
        NotFound, Forbidden, PreconditionRequired, Stale: In this order.
        LossyChange: It has entries, and ``allow_drop`` is not given.
    """
    await require_space_action(core, caller, space, Action.MANAGE_TYPES)
    own = await _own_type(core, space, name)

    async def work(transaction: Transaction) -> None:
        before = await find_type(transaction, space.key, own.name, lock=True)
        if before is None:
            raise NotFound
        precondition(before)
        await documents.lock(transaction, before, core.store.dialect.name)
        entries = await count_entries(transaction, space, before)
        if entries and not allow_drop:
            raise LossyChange(
                f"{name} has {entries} entries (the trash counts); repeat with allow_drop=true to lose them."
            )
        await store_dropped(core, caller, transaction, space, before)

    await core.store.retrying(work)
    await core.revisions.settled()


async def store_dropped(
    core: Core, caller: Caller, transaction: Transaction, space: Space, before: ContentType
) -> None:
    """Remove a type that the transaction has locked, its entries and the grants that name it."""
    gone = dict.fromkeys((*SYSTEM_FIELDS, *(field.name for field in before.fields)))
    await follow_paths(transaction, space, before, None, gone)
    await drop_type(transaction, space.key, before)
    await forget_type(transaction, space.key, before.name)
    await transaction.apply([_event(core, caller, space, before, "type.deleted"), bump("types"), bump("policies")])


async def count_entries(reader: Reader, space: Space, content_type: ContentType) -> int:
    """Return how many entries a space has of a type, the trash included."""
    row = await reader.fetch_one(
        "SELECT count(*) FROM maydan_entries WHERE space_key = ? AND type_key = ?", space.key, content_type.key
    )
    return int(row[0]) if row else 0


def renames(before: ContentType, after: ContentType) -> dict[str, str | None]:
    """Return what became of every field whose name changed, by old name; ``None`` is gone. Grants follow it."""
    names = {field.id: field.name for field in after.fields}
    return {field.name: names.get(field.id) for field in before.fields if names.get(field.id) != field.name}


def _refuse_plugin_name(name: str) -> None:
    if "." in name:
        message = "Names with a dot belong to plugins."
        raise InvalidInput(message, errors=(InputError("/name", "bad_name", message),))


async def _own_type(core: Core, space: Space, name: str) -> ContentType:
    found = await core.registry.find_type(space, name)
    if found is None:
        raise NotFound
    if "." in name:
        raise Conflict(f"{name} belongs to a plugin, which alone changes it.")
    return found


def _patched(before: ContentType, patch: TypePatch) -> ContentType:
    values: dict[str, Any] = {
        name: value
        for name in patch.__struct_fields__
        if name != "rename" and (value := getattr(patch, name)) is not UNSET
    }
    start = renamed(before, patch.rename)
    if "fields" in values:
        start = msgspec.structs.replace(before, workflow=start.workflow)
    wanted = msgspec.structs.replace(start, **values)
    checked = check_type(wanted, known_types=None, previous=before, rename=patch.rename)
    return msgspec.structs.replace(checked, version=before.version + 1)


async def require_harmless(
    reader: Reader, store: Store, space: Space, before: ContentType, after: ContentType, *, allow_drop: bool
) -> None:
    """Refuse a change by which entries would lose something, or would not be allowed as they are, unless it is meant.

    Raises:
        LossyChange: ``errors`` says what would be lost or not be allowed, and in which entries.
    """
    if allow_drop:
        return
    losses = await find_losses(reader, store, space, before, after)
    if losses:
        errors = tuple(error_of(loss) for loss in losses)
        raise LossyChange(f"{losses[0].message}; repeat with allow_drop=true if that is meant.", errors=errors)


def _event(core: Core, caller: Caller, space: Space, content_type: ContentType, kind: str) -> Statement:
    return event_statement(
        Event(
            type=kind,
            space_key=space.key,
            subject_type="type",
            subject_id=content_type.name,
            version=content_type.version,
            actor_id=caller.actor.id,
            at=core.clock.now(),
            request_id=caller.request_id,
        )
    )
