"""Writing roles as lines say that they are: whole ones, each after those that it contains."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import structs

from maydan.access.actions import Action
from maydan.accounts.administration import Granter, put_role, require_way_back
from maydan.accounts.roles import SpaceRole, SpaceRoles, load_snapshot
from maydan.content.problems import child
from maydan.errors import Conflict, Forbidden, InputError, InvalidInput
from maydan.operations.snapshots import brought_roles
from maydan.storage.acting import ACTING, Acting

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from maydan.access.casbin import RuleSet
    from maydan.access.policies import Policy
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core


async def find_granter(core: Core, caller: Caller, space: Space) -> Granter:
    """Return the caller as one who hands out rights in the space.

    Ask before the transaction begins: policies that are compiled inside of one may be undone with it.

    Raises:
        Forbidden: The caller does not manage the space's roles.
    """
    snapshot = await core.snapshots.get(space)
    if not snapshot.allows(caller.actor, Action.MANAGE_ROLES):
        raise Forbidden("This needs the permission manage:roles.")
    return Granter(
        actor=caller.actor,
        space_key=space.key,
        snapshot=snapshot,
        types=core.registry.types(space),
        brought=brought_roles(core.host, space),
    )


async def locked(core: Core, granter: Granter, space: Space) -> Granter:
    """Wait, inside a write transaction, until nobody else changes the space's roles or types; before they are read.

    A change of a type then comes before the role, which is judged by it, or after it, and takes its grants along.

    Returns:
        The granter with the policies and the types as they now are.
    """
    await core.accounts.roles.lock(space.key)
    found = await core.registry.lock_types(space)
    types = [each for each in found if "." not in each.name or core.host.brings(each.name)]
    # Compiled apart from those that everybody asks: what this transaction undoes must not stay with them.
    snapshot = await load_snapshot(
        core.store,
        space.key,
        brought=granter.brought,
        clock=core.clock,
        find_type={each.name: each for each in types}.get,
    )
    return structs.replace(granter, snapshot=snapshot, types=types)


@contextmanager
def acting(caller: Caller) -> Generator[None]:
    """Let the log say of what is written within the block that the caller did it."""
    token = ACTING.set(Acting(caller.actor.id, caller.request_id, caller.actor.reason))
    try:
        yield
    finally:
        ACTING.reset(token)


async def write_roles(core: Core, granter: Granter, wanted: RuleSet, roles: Mapping[str, SpaceRole]) -> list[str]:
    """Write each role that the rules name as they say, within the caller's transaction.

    The transaction has locked the roles and the types of the space before it read them (:func:`locked`).

    Args:
        core: The services.
        granter: Who must hold what is given.
        wanted: The roles as they are to be.
        roles: As they were when that was worked out: whoever wrote one since was first.
    Returns:
        The names of those that this changes, in the order in which they are written.
    Raises:
        Forbidden: The granter does not hold what a role gets.
        Conflict: The granter could not manage the roles any more (``locked_out``).
        InvalidInput: A role names what is not there. Pointers are ``/<role>`` and the place in the role.
        Stale: Somebody else changed a role at the same moment.
    """
    graph, held, written = SpaceRoles(roles=roles).graph, wanted.by_role(), list[SpaceRole]()
    for name in roles_in_order(wanted):
        known, policies, inherits = roles.get(name), held.get(name, ()), wanted.inherits.get(name, ())
        if known is not None and _own(known, known.policies, known.inherits) == _own(known, policies, inherits):
            continue
        with _naming(name):
            role = await put_role(
                core.accounts.roles, granter, name, inherits=inherits, policies=policies, known=known, among=graph
            )
        graph.put(role)
        written.append(role)
    require_way_back(granter, written)
    return [role.name for role in written]


def _own(
    role: SpaceRole, policies: Iterable[Policy], inherits: Iterable[str]
) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """Return what is stored of a role besides what it starts with, which stays whether it is named or not."""
    starts = role.fixed.inherits.get(role.name, ())
    return (
        tuple(policy for policy in policies if policy not in role.fixed.policies),
        tuple(sorted(name for name in inherits if name not in starts)),
    )


@contextmanager
def _naming(role: str) -> Generator[None]:
    """Say of what is refused within the block of which role it is: there are many, and nobody asked for this one."""
    try:
        yield
    except (Conflict, Forbidden, InvalidInput) as error:
        errors = tuple(
            InputError(child("", role) + one.pointer, one.code, f"Role {role}: {one.message}") for one in error.errors
        )
        detail = errors[0].message if errors else f"Role {role}: {error.detail}"
        raise type(error)(detail, code=error.error_code, errors=errors, **error.facts) from error


def roles_in_order(wanted: RuleSet) -> list[str]:
    """Return the roles that the rules name, each after those that it contains."""
    names = {*(policy.role for policy in wanted.policies), *wanted.inherits}
    found: dict[str, None] = {}
    begun: set[str] = set()
    waiting = sorted(names, reverse=True)
    # With a list instead of recursing: a chain of a thousand roles is a chain like any other.
    while waiting:
        name = waiting.pop()
        if name in begun:
            found[name] = None
            continue
        begun.add(name)
        waiting.append(name)
        waiting += [each for each in reversed(wanted.inherits.get(name, ())) if each in names and each not in begun]
    return list(found)
