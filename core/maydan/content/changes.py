"""Changes of a content type: what would be lost, and renaming."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, structs

from maydan.content.fields import block_fields, inner_fields
from maydan.content.problems import child
from maydan.content.types import ContentType, Field, SetFields, Transition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maydan.content.types import Effect, Workflow


class Loss(Struct, frozen=True):
    """Something that entries may hold and would no longer."""

    pointer: str
    """To the field in the type before: ``/fields/3``."""
    code: str
    """``dropped``, ``retyped``, ``narrowed``, ``required``, ``undrafted`` or ``unpublished``."""
    message: str
    entries: tuple[str, ...] = ()
    """Ids of entries that it is about, as far as they were looked for."""


def list_losses(previous: ContentType, changed: ContentType) -> list[Loss]:
    """Return what entries would lose by a change of their type, in the order of the fields before.

    Args:
        previous: The type as it is.
        changed: What :func:`maydan.content.normal.check_type` made of the wish.
    """
    losses = _losses(previous.fields, changed.fields, "/fields")
    if previous.drafts and not changed.drafts:
        losses.append(Loss("/drafts", "undrafted", "drafts, which have not been published, would become public"))
    if changed.drafts and not previous.drafts:
        losses.append(Loss("/drafts", "unpublished", "entries would become drafts, which readers do not get"))
    if previous.workflow is not None and changed.workflow is None:
        losses.append(Loss("/workflow", "dropped", "the states of the entries are gone"))
    return losses


def _losses(before: tuple[Field, ...], after: tuple[Field, ...], pointer: str) -> list[Loss]:
    by_id = {field.id: field for field in after}
    names = {field.name for field in after}
    losses: list[Loss] = []
    for index, field in enumerate(before):
        place = child(pointer, index)
        now = by_id.get(field.id)
        if now is None and field.name in names:
            losses.append(Loss(place, "retyped", f"values of {field.name!r} do not fit its new kind or shape"))
        elif now is None:
            losses.append(Loss(place, "dropped", f"the field {field.name!r} is gone"))
        else:
            losses += _inner_losses(field, now, place)
    return losses


def _inner_losses(before: Field, after: Field, pointer: str) -> list[Loss]:
    losses: list[Loss] = []
    of = child(pointer, "of")
    losses += _losses(inner_fields(before), inner_fields(after), of)
    blocks = block_fields(after)
    for name, fields in block_fields(before).items():
        if name not in blocks:
            losses.append(Loss(child(of, name), "dropped", f"the block {name!r} is gone"))
        else:
            losses += _losses(fields, blocks[name], child(of, name))
    return losses


def renamed(type: ContentType, rename: Mapping[str, str]) -> ContentType:
    """Return a type with other names for its fields, also where the slug's source and the indexes name them."""

    def index_key(key: str) -> str:
        name = key.removeprefix("-")
        return key[: len(key) - len(name)] + rename.get(name, name)

    return structs.replace(
        type,
        fields=tuple(structs.replace(field, name=rename.get(field.name, field.name)) for field in type.fields),
        slug_from=None if type.slug_from is None else rename.get(type.slug_from, type.slug_from),
        indexes=tuple(tuple(index_key(key) for key in keys) for keys in type.indexes),
        workflow=None if type.workflow is None else _renamed_in_workflow(type.workflow, rename),
    )


def _renamed_in_workflow(workflow: Workflow, rename: Mapping[str, str]) -> Workflow:
    """Return a workflow whose transitions name the fields by their new names."""

    def effect(one: Effect) -> Effect:
        if not isinstance(one, SetFields):
            return one
        return SetFields(set={rename.get(name, name): value for name, value in one.set.items()})

    def transition(one: Transition) -> Transition:
        required = tuple(rename.get(name, name) for name in one.required)
        return structs.replace(one, required=required, effects=tuple(effect(each) for each in one.effects))

    return structs.replace(workflow, transitions=tuple(transition(one) for one in workflow.transitions))
