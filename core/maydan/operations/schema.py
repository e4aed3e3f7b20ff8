"""The content types of spaces as one document: written out, compared with what is there, and brought into being."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, structs

from maydan.content.differences import list_differences
from maydan.content.normal import check_type
from maydan.content.schema_document import FORMAT, Schema, SpaceSchema
from maydan.errors import InputError, InvalidInput, LossyChange, UniqueViolation
from maydan.operations import spaces
from maydan.operations.losses import error_of, find_losses
from maydan.operations.spaces import SpaceInput, check_input
from maydan.operations.types import count_entries, store_changed, store_dropped, store_new
from maydan.operations.workflows import require_workflow
from maydan.storage import documents
from maydan.storage.registry import find_space, list_own_types, list_spaces
from maydan.workflow import check_workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Caller, Core
    from maydan.storage.ports import Reader, Transaction


class Step(Struct, frozen=True, kw_only=True):
    """What becomes of one type, or of a space."""

    space: str
    type: str | None
    """``None`` for the space itself."""
    action: Literal["create", "change", "drop"]
    lines: tuple[str, ...] = ()
    """What changes, for people."""
    losses: tuple[str, ...] = ()
    """What entries would lose."""


class Plan(Struct, frozen=True, kw_only=True):
    """What makes a deployment say what a schema says."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    """What differs and is left as it is."""

    @property
    def losses(self) -> list[str]:
        """Everything that entries would lose, with where."""
        return [f"{step.space} {step.type}: {loss}" for step in self.steps for loss in step.losses]


class _Work(Struct, frozen=True, kw_only=True):
    """One type as it is and as it shall be."""

    space: Space | None
    before: ContentType | None
    after: ContentType | None
    step: Step


async def dump(reader: Reader, space_name: str | None = None) -> Schema:
    """Return the types of all spaces, or of one; equal deployments give equal schemas.

    Raises:
        InvalidInput: There is no such space.
    """
    found = await list_spaces(reader)
    chosen = sorted((one for one in found if space_name in (None, one.name)), key=lambda one: one.name)
    if space_name is not None and not chosen:
        raise InvalidInput(f"There is no space {space_name}.")
    return Schema(
        maydan_schema=FORMAT, spaces=tuple([_space_schema(one, await list_own_types(reader, one)) for one in chosen])
    )


def _space_schema(space: Space, types: Sequence[ContentType]) -> SpaceSchema:
    return SpaceSchema(
        **_settings(space),
        types=tuple(structs.replace(one, key=0, version=1, retired_ids=()) for one in types),
    )


def _settings(space: Space | SpaceSchema) -> dict[str, Any]:
    return {name: getattr(space, name) for name in SpaceSchema.__struct_fields__ if name != "types"}


async def plan(core: Core, wanted: Schema) -> Plan:
    """Return what :func:`apply` would do.

    Raises:
        InvalidInput: With every place that is not acceptable, such as ``/demo/article/fields/3/max_length``.
    """
    work, notes = await _work(core, core.store, wanted, None)
    return Plan(steps=tuple(one.step for one in work), notes=notes)


async def apply(core: Core, caller: Caller, wanted: Schema, *, allow_drop: bool = False) -> Plan:
    """Bring everything that the schema says into being, in one transaction; spaces that it does not name stay.

    Raises:
        InvalidInput: As :func:`plan`; also what a new space needs and the deployment has not, such as a plugin.
        LossyChange: Entries would lose something, and ``allow_drop`` is not given; nothing is done.
        UniqueViolation: A field is to be unique, and entries have the same value; nothing is done.
    """

    async def work(transaction: Transaction) -> Plan:
        todo, notes = await _work(core, transaction, wanted, transaction)
        done = Plan(steps=tuple(one.step for one in todo), notes=notes)
        if done.losses and not allow_drop:
            errors = tuple(InputError("", "lossy_change", loss) for loss in done.losses)
            raise LossyChange("\n".join(done.losses), errors=errors)
        made: dict[str, Space] = {}
        given = {one.name: one for one in wanted.spaces}
        for one in todo:
            if one.step.type is None:
                space_input = SpaceInput(**_settings(given[one.step.space]))
                made[one.step.space] = await spaces.store_new(core, caller, transaction, space_input)
            else:
                space = one.space or made[one.step.space]
                await _carry_out(core, caller, transaction, space, one)
        return done

    done = await core.store.retrying(work)
    await core.revisions.settled()
    return done


async def _carry_out(core: Core, caller: Caller, transaction: Transaction, space: Space, one: _Work) -> None:
    try:
        await _store(core, caller, transaction, space, one)
    except UniqueViolation as error:
        raise UniqueViolation(f"{space.name} {one.step.type}: {error}", errors=error.errors) from error
    except InvalidInput as error:
        place = f"/{space.name}/{one.step.type}"
        errors = tuple(structs.replace(each, pointer=f"{place}{each.pointer}") for each in error.errors)
        raise InvalidInput(f"{place}: {error}", errors=errors) from error


async def _store(core: Core, caller: Caller, transaction: Transaction, space: Space, one: _Work) -> None:
    if one.before is None and one.after is not None:
        await store_new(core, caller, transaction, space, one.after)
    elif one.before is not None and one.after is None:
        await store_dropped(core, caller, transaction, space, one.before)
    elif one.before is not None and one.after is not None:
        after = structs.replace(one.after, version=one.before.version + 1)
        await store_changed(core, caller, transaction, space, one.before, after, allow_drop=True)


async def _work(
    core: Core, reader: Reader, wanted: Schema, transaction: Transaction | None
) -> tuple[list[_Work], tuple[str, ...]]:
    """Work out what is to be done, spaces before their types; in a transaction nobody writes meanwhile what changes."""
    work: list[_Work] = []
    notes: list[str] = []
    errors: list[InputError] = []
    for given in sorted(wanted.spaces, key=lambda one: one.name):
        space = await find_space(reader, given.name)
        if space is None:
            step = Step(space=given.name, type=None, action="create")
            work.append(_Work(space=None, before=None, after=None, step=step))
            errors += _refusals(core, given)
        elif others := _other_settings(space, given):
            notes.append(f"{given.name}: {', '.join(others)} of the space differ and stay; change them over HTTP")
        own = () if space is None else await list_own_types(reader, space, lock=transaction is not None)
        there = {one.name: one for one in own}
        named = {one.name: one for one in given.types}
        for name in sorted(named.keys() | there.keys()):
            try:
                one = await _compare(core, reader, transaction, given.name, space, there.get(name), named.get(name))
            except InvalidInput as error:
                place = f"/{given.name}/{name}"
                errors += [structs.replace(one, pointer=f"{place}{one.pointer}") for one in error.errors]
            else:
                work += [one] if one else []
    if errors:
        raise InvalidInput(errors[0].message, errors=tuple(errors))
    return work, tuple(notes)


def _refusals(core: Core, given: SpaceSchema) -> list[InputError]:
    try:
        check_input(core, SpaceInput(**_settings(given)))
    except InvalidInput as error:
        return [structs.replace(one, pointer=f"/{given.name}{one.pointer}") for one in error.errors]
    return []


def _other_settings(space: Space, given: SpaceSchema) -> list[str]:
    is_there, is_given = _settings(space), _settings(given)
    is_given["title"] = given.title or given.name
    is_given["default_locale"] = given.default_locale or (given.locales[0] if given.locales else "")
    return [name for name in is_there if is_there[name] != is_given[name]]


async def _compare(
    core: Core,
    reader: Reader,
    transaction: Transaction | None,
    space_name: str,
    space: Space | None,
    before: ContentType | None,
    given: ContentType | None,
) -> _Work | None:
    """Return what is to be done about a type; ``None`` is nothing."""
    if given is None:
        assert before is not None
        assert space is not None
        count = await count_entries(reader, space, before)
        loss = f"the type is gone, with {count} entries" if count else "the type is gone, and the grants that name it"
        step = Step(space=space_name, type=before.name, action="drop", losses=(loss,))
        return _Work(space=space, before=before, after=None, step=step)
    _require_own(given)
    after = check_type(given, known_types=None, previous=before, keeps_ids=True)
    if space is not None:
        await require_workflow(core, space, after, before)
    elif after.workflow is not None:
        check_workflow(after.workflow, after, at="/workflow")
    if before is None:
        step = Step(space=space_name, type=after.name, action="create", lines=_fields_of(after))
        return _Work(space=space, before=None, after=after, step=step)
    if after == before:
        return None
    assert space is not None
    if transaction is not None:
        await documents.lock(transaction, before, core.store.dialect.name)
    losses = tuple(error_of(loss).message for loss in await find_losses(reader, core.store, space, before, after))
    lines = tuple(list_differences(before, after))
    step = Step(space=space_name, type=after.name, action="change", lines=lines, losses=losses)
    return _Work(space=space, before=before, after=after, step=step)


def _require_own(given: ContentType) -> None:
    places = [
        InputError(place, "read_only", message)
        for place, message, is_wrong in (
            ("/name", "names with a dot belong to plugins, which bring their types themselves", "." in given.name),
            ("/key", "is set by the core", given.key != 0),
            ("/version", "is set by the core", given.version != 1),
            ("/retired_ids", "is set by the core", bool(given.retired_ids)),
        )
        if is_wrong
    ]
    if places:
        raise InvalidInput(places[0].message, errors=tuple(places))


def _fields_of(made: ContentType) -> tuple[str, ...]:
    return tuple(f"+ field {field.name}: {field.kind.value}" for field in made.fields)
