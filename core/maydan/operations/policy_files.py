"""The roles of a space as a file in Casbin's format: for review, for other systems that read it, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maydan.access.casbin import Rule, inheritance_rules, policy_rules, read_rules
from maydan.access.casbin_text import read_text, write_text
from maydan.accounts.administration import Granter, put_role
from maydan.errors import InputError, InvalidInput
from maydan.operations.snapshots import brought_roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maydan.access.casbin import RuleSet
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core


async def export_policies(core: Core, space: Space) -> str:
    """Return all that the roles of a space may do, built-in ones and those of plugins too, as lines."""
    roles = await core.accounts.roles.load(space.key, brought_roles(core.host, space))
    rules = [
        rule
        for role in roles.roles.values()
        for rule in (*policy_rules(space.key, role.policies), *inheritance_rules(space.key, {role.name: role.inherits}))
    ]
    return write_text(_called(rules, space.name))


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
        InvalidInput: A line is no rule, is about another space, or a role names what is not there.
        Forbidden: The caller does not hold it.
        Stale: Somebody else changed a role at the same moment.
    """
    rules = read_text(text)
    _require_space(rules, space)
    wanted = read_rules(rules)
    changed: list[str] = []
    try:
        async with core.store.write_transaction():
            changed += [name for name in _in_order(wanted) if await _put(core, caller, space, name, wanted)]
            if dry_run:
                raise _Enough
    except _Enough:
        return changed
    await core.revisions.settled()
    return changed


class _Enough(Exception):
    """Undoes what was only tried."""


async def _put(core: Core, caller: Caller, space: Space, name: str, wanted: RuleSet) -> bool:
    brought = brought_roles(core.host, space)
    known = (await core.accounts.roles.load(space.key, brought)).roles.get(name)
    policies, inherits = wanted.of(name), wanted.inherits.get(name, ())
    if known is not None and set(known.inherits) == set(inherits) and list(known.policies) == list(policies):
        return False
    granter = Granter(
        actor=caller.actor,
        space_key=space.key,
        snapshot=await core.snapshots.get(space),
        types=core.registry.types(space),
        brought=brought,
    )
    await put_role(core.accounts.roles, granter, name, inherits=inherits, policies=policies, known=known)
    return True


def _called(rules: Iterable[Rule], space_name: str) -> list[Rule]:
    """Return rules with the space's name in the place of its key."""
    named: list[Rule] = []
    for rule in rules:
        v0, v1, v2, v3, v4, v5 = rule.values
        values = (v0, space_name, v2, v3, v4, v5) if rule.ptype == "p" else (v0, v1, space_name, v3, v4, v5)
        named.append(Rule(rule.ptype, values))
    return named


def _require_space(rules: Iterable[Rule], space: Space) -> None:
    others = {name for rule in rules if (name := rule.values[1 if rule.ptype == "p" else 2]) != space.name}
    if others:
        message = f"The file has rules of {', '.join(sorted(others))}, and not of {space.name} alone."
        raise InvalidInput(message, errors=(InputError("", "another_space", message),))


def _in_order(wanted: RuleSet) -> list[str]:
    """Return the roles of a file, each after those that it contains."""
    names = {*(policy.role for policy in wanted.policies), *wanted.inherits}
    found: dict[str, None] = {}
    for name in sorted(names):
        _visit(name, wanted.inherits, names, found, ())
    return list(found)


def _visit(
    name: str, inherits: Mapping[str, tuple[str, ...]], names: set[str], found: dict[str, None], way: tuple[str, ...]
) -> None:
    if name in found or name in way:
        return
    for contained in inherits.get(name, ()):
        if contained in names:
            _visit(contained, inherits, names, found, (*way, name))
    found[name] = None
