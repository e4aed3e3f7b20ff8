"""The workflow of a content type: it is checked, and entries follow when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from maydan.content.types import SetFields, Workflow
from maydan.content.values import read_input
from maydan.errors import Conflict, InputError, InvalidInput, NotFound
from maydan.operations.timers import KIND, timers_of
from maydan.storage.ports import Statement
from maydan.workflow import check_workflow, state_of
from maydan.workflow.checking import NOW

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Core
    from maydan.operations.scopes import Scope
    from maydan.storage.ports import Store, Transaction

_NONE: Final = Workflow(name="none", states=(), initial="none")
_PAGE: Final = 500
_FIRST: Final = "00000000-0000-0000-0000-000000000000"
_SET: Final = (
    "UPDATE maydan_entries SET state = ?, state_at = ?, revision = revision + 1 WHERE space_key = ? AND type_key = ?"
)


async def require_workflow(
    core: Core, space: Space, content_type: ContentType, before: ContentType | None, *, at: str = "/workflow"
) -> None:
    """Refuse a workflow that cannot work in a space; one that stays as it is is fine.

    Args:
        core: The services.
        space: Where; its roles are those that transitions can name.
        content_type: With the workflow that is wanted, in normal form.
        before: The type as it is; ``None`` where it is new.
        at: The pointer to the workflow.
    Raises:
        InvalidInput: With every problem and its pointer.
    """
    wanted = content_type.workflow
    if wanted is None:
        return
    kept = before.workflow if before is not None else None
    if wanted == kept:
        # Its roles may be gone since, which closes steps and is no fault of whoever changes the title.
        check_workflow(wanted, content_type, at=at)
    else:
        roles = (await core.snapshots.get(space)).role_names
        check_workflow(wanted, content_type, roles=roles, before=kept or _NONE, at=at)
    if before is None or wanted != kept or content_type.fields != before.fields:
        _check_effects(content_type, space, wanted, at)


def _check_effects(content_type: ContentType, space: Space, workflow: Workflow, at: str) -> None:
    """Refuse a step that sets what a field does not take, so that nobody could take it."""
    for index, step in enumerate(workflow.transitions):
        for number, effect in enumerate(step.effects):
            if isinstance(effect, SetFields):
                place = f"{at}/transitions/{index}/effects/{number}/set"
                _check_values(content_type, space, effect.set, place)


def _check_values(content_type: ContentType, space: Space, values: Mapping[str, Any], place: str) -> None:
    data = {name: value for name, value in values.items() if value != NOW}
    try:
        read_input(content_type, space, data, base={}, locale=None, replace=False)
    except InvalidInput as error:
        errors = tuple(InputError(f"{place}{one.pointer}", one.code, one.message) for one in error.errors)
        raise InvalidInput(f"{errors[0].pointer} {errors[0].message}.", errors=errors) from error


async def follow_workflow(
    store: Store, transaction: Transaction, space: Space, before: ContentType, after: ContentType, *, now: datetime
) -> None:
    """Bring the entries of a space into the states of their type's workflow as it will be; documents come later.

    Raises:
        Conflict: There are entries in states that are gone, and the mapping says nothing of them (``states_in_use``).
    """
    old, new = before.workflow, after.workflow
    if old == (new and structs.replace(new, mapping={})):
        return
    where = (space.key, before.key)
    if new is None:
        await transaction.execute(f"{_SET} AND state IS NOT NULL", None, None, *where)
    else:
        await _map(transaction, new, where, now)
    await _plan_anew(store, transaction, after, where)


async def _map(transaction: Transaction, workflow: Workflow, where: tuple[int, int], now: datetime) -> None:
    rows = await transaction.fetch_all(
        "SELECT state, count(*) FROM maydan_entries WHERE space_key = ? AND type_key = ? GROUP BY state", *where
    )
    counts = {str(state): int(count) for state, count in rows if state is not None}
    gone = {state: count for state, count in counts.items() if state not in workflow.states}
    lost = {state: count for state, count in gone.items() if state not in workflow.mapping}
    if lost:
        named = ", ".join(f"{state} ({count})" for state, count in sorted(lost.items()))
        raise Conflict(
            f"Entries are in states that would be gone: {named}; say in mapping what becomes of them.",
            code="states_in_use", states=lost,
        )  # fmt: skip
    for state in sorted(gone):
        await transaction.execute(f"{_SET} AND state = ?", workflow.mapping[state], now, *where, state)
    if any(state is None for state, _ in rows):
        await transaction.execute(f"{_SET} AND state IS NULL", workflow.initial, now, *where)


async def _plan_anew(store: Store, transaction: Transaction, after: ContentType, where: tuple[int, int]) -> None:
    """Plan the time-based transitions of all entries again, from when each came into its state."""
    await transaction.execute(
        "DELETE FROM maydan_jobs WHERE kind = ? AND status IN ('waiting', 'failed') AND space_key = ? AND subject_id IN"
        " (SELECT id FROM maydan_entries WHERE space_key = ? AND type_key = ?)",
        KIND, where[0], *where,
    )  # fmt: skip
    workflow, last = after.workflow, _FIRST
    if workflow is None or all(step.after is None for step in workflow.transitions):
        return
    while True:
        rows = await transaction.fetch_all(
            "SELECT id, state, state_at FROM maydan_entries WHERE space_key = ? AND type_key = ? AND id > ?"
            f" AND trashed_at IS NULL ORDER BY id LIMIT {_PAGE:d}",
            *where, last,
        )  # fmt: skip
        planned: list[Statement] = []
        for entry_id, state, since in rows:
            if since is not None:
                place = (where[0], after.name, str(entry_id))
                planned += timers_of(workflow, place, state_of(workflow, state), store.dialect.read_time(since))
        if planned:
            await transaction.apply(planned)
        if len(rows) < _PAGE:
            return
        last = str(rows[-1][0])


def get_workflow(scope: Scope) -> Workflow:
    """Return the workflow of a type as the caller may know it.

    Raises:
        NotFound: The type has none.
    """
    found = visible_workflow(scope.type, None if scope.manages_types else scope.known_fields)
    if found is None:
        raise NotFound
    return found


def visible_workflow(content_type: ContentType, names: Collection[str] | None) -> Workflow | None:
    """Return a type's workflow without the fields that somebody knows nothing of; ``None`` names all fields."""
    workflow = content_type.workflow
    if workflow is None or names is None:
        return workflow and structs.replace(workflow, mapping={})
    steps = tuple(
        structs.replace(
            step,
            required=tuple(name for name in step.required if name in names),
            effects=tuple(
                effect for effect in step.effects if not isinstance(effect, SetFields) or set(effect.set) <= set(names)
            ),
        )
        for step in workflow.transitions
    )
    return structs.replace(workflow, transitions=steps, mapping={})
