"""The roles of a space in Casbin's format, as a file or a list of rules: for review, for other systems, and back."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from maydan.access.casbin import read_rules
from maydan.access.casbin_places import find_line
from maydan.access.casbin_text import read_numbered, write_text
from maydan.errors import InputError, InvalidInput, MaydanError, Stale
from maydan.operations.policy_lines import PolicyLines, lines_of, require_space
from maydan.operations.role_writing import acting, find_granter, locked, write_roles
from maydan.operations.snapshots import brought_roles

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from maydan.access.casbin import Rule
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core

_TRIES: Final = 5
"""A change of lines is made again on the roles as somebody else left them."""


async def export_policies(core: Core, space: Space) -> str:
    """Return all that the roles of a space may do, built-in ones and those of plugins too, as lines."""
    roles = await core.accounts.roles.load(space.key, brought_roles(core.host, space))
    return write_text(rule for role in roles.roles.values() for rule in lines_of(role, space))


async def import_policies(core: Core, caller: Caller, space: Space, text: str, *, dry_run: bool = False) -> list[str]:
    """Write the roles that a file names as it says, all of them or none; others stay as they are.

    Args:
        core: The services.
        caller: Who must hold what the file gives.
        space: Whose roles.
        text: As :func:`export_policies` writes it.
        dry_run: Check everything, and change nothing.
    Returns:
        The names of the roles that it changes, those contained in others first; none where it says what is there.
    Raises:
        InvalidInput: A line is no rule, is about another space, or a role names what is not there. There is one error
            for each; its pointer is ``/<number of the line>``.
        Forbidden: The caller does not hold it.
        Stale: Somebody else changed a role at the same moment.
    """
    lines = read_numbered(text)
    try:
        return await import_rules(core, caller, space, list(lines.values()), dry_run=dry_run)
    except InvalidInput as error:
        errors = tuple(InputError(_place(one.pointer, lines), one.code, one.message) for one in error.errors)
        raise InvalidInput(error.detail, errors=errors) from error


def _place(pointer: str, lines: Mapping[int, Rule]) -> str:
    """Return the line of what :func:`import_rules` says of the place of a rule, or of a place in a role."""
    place = pointer.removeprefix("/")
    number = list(lines)[int(place)] if place.isdecimal() else find_line(pointer, lines)
    return pointer if number is None else f"/{number}"


async def import_rules(
    core: Core, caller: Caller, space: Space, rules: Sequence[Rule], *, dry_run: bool = False
) -> list[str]:
    """Write the roles that rules name, as :func:`import_policies` does."""
    require_space(rules, space)
    granter = await find_granter(core, caller, space)
    changed: list[str] = []
    try:
        async with _writing(core, caller):
            granter = await locked(core, granter, space)
            roles = await core.accounts.roles.load(space.key, granter.brought)
            changed += await write_roles(core, granter, read_rules(rules), roles.roles)
            if dry_run:
                raise _Enough
    except _Enough:
        return changed
    await core.revisions.settled()
    return changed


async def edit_policies(core: Core, caller: Caller, space: Space, edit: Callable[[PolicyLines], bool]) -> bool:
    """Change single lines of roles; the others of these roles are checked with them and stay, other roles untouched.

    Args:
        core: The services.
        caller: Who must hold what is given.
        space: Whose roles.
        edit: Adds and removes lines; says ``False`` to leave all as it is. Called again where it came too late.
    Returns:
        What ``edit`` said.
    Raises:
        Conflict: A line that a role starts with would go, or the role belongs to the instance.
        Forbidden: The caller does not manage roles, or does not hold what they get.
        InvalidInput: A line names what is not there.
        Stale: Others changed the same roles again and again.
    """
    for _ in range(_TRIES - 1):
        with suppress(Stale):
            return await _edit(core, caller, space, edit)
    return await _edit(core, caller, space, edit)


async def _edit(core: Core, caller: Caller, space: Space, edit: Callable[[PolicyLines], bool]) -> bool:
    granter = await find_granter(core, caller, space)
    async with _writing(core, caller):
        granter = await locked(core, granter, space)
        roles = await core.accounts.roles.load(space.key, granter.brought)
        lines = PolicyLines(roles.roles, space)
        if not edit(lines):
            return False
        await write_roles(core, granter, lines.wanted(), roles.roles)
    await core.revisions.settled()
    return True


@asynccontextmanager
async def _writing(core: Core, caller: Caller) -> AsyncGenerator[None]:
    """Store what happens inside as the caller's, as a whole; nobody waits for it when the block is left, however."""
    try:
        with acting(caller):
            async with core.store.write_transaction():
                yield
    except Exception:
        # What was undone keeps SQLite's lock until the loop turns, and a script may do something else before it does.
        with suppress(MaydanError):
            await core.store.commit([])
        raise


class _Enough(Exception):
    """Undoes what was only tried."""
