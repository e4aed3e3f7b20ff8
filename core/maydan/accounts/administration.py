"""Handing out rights: what must hold before a member, a role or a token is stored. Nobody gives what they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from maydan.access.actions import ANY, Action
from maydan.access.checking import check_role, is_role_name
from maydan.access.granting import check_grantable, check_token_grantable, denials_as_grants
from maydan.access.policies import BUILT_IN_ROLES, Policy, Role
from maydan.errors import Conflict, Forbidden, InputError, InvalidInput
from maydan.storage.ports import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from maydan.access.actors import Actor
    from maydan.access.policies import RoleDefinition
    from maydan.access.snapshot import Snapshot
    from maydan.accounts.members import Member, Members
    from maydan.accounts.roles import RoleGraph, Roles, SpaceRole
    from maydan.content.types import ContentType


class Granter(Struct, frozen=True, kw_only=True):
    """Who hands out rights in one space, and what there is to hand out."""

    actor: Actor
    space_key: int
    snapshot: Snapshot
    types: Sequence[ContentType]
    brought: Sequence[RoleDefinition] = ()
    """The roles of the plugins that are active in the space."""
    shared_with: frozenset[str] = frozenset()
    """The roles with which something is shared."""

    @property
    def manages_roles(self) -> bool:
        """Whether the actor writes the roles of the space."""
        return self.snapshot.allows(self.actor, Action.MANAGE_ROLES)

    def check(self, given: Iterable[Policy], *, ended: Iterable[Policy] = ()) -> None:
        """Refuse to hand out what the actor does not hold.

        Args:
            given: What somebody gets.
            ended: What somebody has no more; that hands out what the denials among it had denied. Whoever manages
                roles is judged as they are without these: else nobody whom a denial hits could ever take it back.
        Raises:
            Forbidden: The detail says what.
        """
        lifted = [policy for policy in ended if policy.effect == "deny"]
        judged = self.snapshot.without(lifted) if lifted and self.manages_roles else self.snapshot
        check_grantable(judged, self.actor, [*given, *denials_as_grants(lifted)], self.types)

    def check_names(self, roles: Iterable[str]) -> None:
        """Refuse to give or take roles whose names alone give rights, where the actor has them by no other way.

        Steps of workflows, shares and conditions with ``$actor.roles`` ask for a role by its name, whatever its
        policies. Whoever manages roles may hand out any; others those that they hold, unless their token is limited.

        Raises:
            Forbidden: The detail says which.
        """
        if self.manages_roles:
            return
        actor, snapshot = self.actor, self.snapshot
        everything = actor.scope is None or ANY in actor.scope.actions
        for role in snapshot.role_names & {*roles}:
            names = snapshot.contained((role,))
            telling = names if snapshot.compares_roles else names & self._named
            if not all(everything and snapshot.holds_any(actor, (name,)) for name in telling):
                raise Forbidden(f"You cannot give or take a role that you do not hold: {role}.")

    @property
    def _named(self) -> frozenset[str]:
        """The roles that a step of a workflow, or a share, names."""
        workflows = [each.workflow for each in self.types if each.workflow is not None]
        steps = [step for workflow in workflows for step in workflow.transitions]
        return self.shared_with.union(*(step.roles for step in steps))

    def check_token(self, actions: Iterable[str], types: Sequence[str] | None) -> None:
        """Refuse a token for what its maker cannot do on any of the types.

        Raises:
            Forbidden: The detail says what.
        """
        wanted = self.types if types is None else [each for each in self.types if each.name in types]
        check_token_grantable(self.snapshot, self.actor, actions, wanted, future=types is None)


def check_roles(granter: Granter, roles: Sequence[str], *, known: Sequence[str] = ()) -> None:
    """Refuse to give somebody roles that do not exist, or that the actor does not hold.

    One that somebody has already stays, though the plugin that brought it may not be loaded.

    Raises:
        Forbidden: The actor does not hold one of the roles, or one that is replaced.
        InvalidInput: There is no such role.
    """
    snapshot = granter.snapshot
    before = snapshot.policies_of(known)
    after = snapshot.policies_of(roles)
    granter.check([*before, *after], ended=[policy for policy in before if policy not in after])
    granter.check_names({*roles} ^ {*known})
    names = {*snapshot.role_names, *(role.name for role in granter.brought), *known}
    errors = [
        InputError(f"/roles/{place}", "unknown_role", "There is no such role in this space.")
        for place, role in enumerate(roles)
        if role not in names or role in (Role.ADMINISTRATOR, Role.ANONYMOUS)
    ]
    if errors:
        raise InvalidInput("There is no such role in this space.", errors=tuple(errors))


async def put_member(
    members: Members,
    granter: Granter,
    account_id: str,
    roles: Sequence[str],
    *,
    known: Member | None,
    seal: Sequence[Statement] = (),
) -> Member:
    """Take an account into a space, or give a member other roles.

    Whoever changes a member must hold what the member has and what it is to have: a manager does not unseat an owner.

    Raises:
        Forbidden: The actor does not hold one of the roles.
        InvalidInput: There is no such role.
        Stale: Somebody else changed it first.
    """
    had = () if known is None else known.roles
    check_roles(granter, roles, known=had)
    guards = role_guard(granter.space_key, {*roles}.difference(had), brought=granter.brought)
    return await members.put(granter.space_key, account_id, roles, known=known, guards=guards, seal=seal)


def role_guard(space_key: int, roles: Iterable[str], *, brought: Iterable[RoleDefinition]) -> list[Statement]:
    """Return what stops a batch when one of the space's own roles is gone, or is being deleted at this moment.

    Args:
        space_key: The space.
        roles: What is given.
        brought: The roles of the plugins that are active in the space.
    """
    own = sorted({*roles} - BUILT_IN_ROLES - {role.name for role in brought})
    if not own:
        return []
    marks = ",".join("?" * len(own))
    sql = f"SELECT 1 FROM maydan_roles WHERE space_key = ? AND name IN ({marks}) ORDER BY name {{for_share}}"
    return [Statement(sql, (space_key, *own), expect=len(own))]


async def remove_member(members: Members, granter: Granter, known: Member) -> None:
    """Take a member out of a space.

    Raises:
        Forbidden: The member has roles that the actor does not hold, and is somebody else.
        Stale: Somebody else changed it first.
    """
    if known.account_id != granter.actor.id:
        check_roles(granter, (), known=known.roles)
    await members.remove(granter.space_key, known)


async def put_role(
    roles: Roles,
    granter: Granter,
    name: str,
    *,
    inherits: Sequence[str],
    policies: Sequence[Policy],
    known: SpaceRole | None,
    among: RoleGraph,
) -> SpaceRole:
    """Write a role.

    What it may do from now on and could not before must be held by who writes it, and so must what a denial that is
    taken away had denied.

    Args:
        roles: Where it is kept.
        granter: Who writes it.
        name: The role's.
        inherits: The roles that it contains.
        policies: All of its policies.
        known: The role as it was read; ``None`` where there is none.
        among: The roles of the space, read with it.
    Raises:
        Forbidden: The actor does not hold it.
        Conflict: The name belongs to the instance.
        InvalidInput: The role names what is not there.
        Stale: Somebody else changed it first.
    """
    if name == Role.ADMINISTRATOR:
        raise Conflict("This role is given to accounts by the instance.", code="built_in_role")
    old = () if known is None else known.policies
    joined = [role for role in inherits if known is None or role not in known.inherits]
    left = [] if known is None else [role for role in known.inherits if role not in inherits]
    granter.check(
        [*(policy for policy in policies if policy not in old), *granter.snapshot.policies_of(joined)],
        ended=[*(policy for policy in old if policy not in policies), *granter.snapshot.policies_of(left)],
    )
    if not is_role_name(name) or (known is None and "." in name):
        raise InvalidInput(
            "A role's name is lower-case letters, digits, dashes and underscores; a dot is for plugins.",
            errors=(InputError("/name", "not_acceptable", "Use lower-case letters, digits, dashes and underscores."),),
        )
    check_role(
        name,
        inherits,
        policies,
        known_roles={*among.names, *BUILT_IN_ROLES},
        inherits=among.inherits,
        types=granter.types,
        kept=old,
    )
    return await roles.put(
        granter.space_key, name, inherits=inherits, policies=policies, known=known, brought=granter.brought
    )


async def delete_role(roles: Roles, granter: Granter, known: SpaceRole) -> None:
    """Delete a role.

    Raises:
        Conflict: It is built in, or another role contains it; or the actor could not manage roles any more.
        Forbidden: It denies what the actor does not hold.
        Stale: Somebody else changed it first.
    """
    granter.check((), ended=[*known.policies, *granter.snapshot.policies_of(known.inherits)])
    await roles.delete(granter.space_key, known)
    require_way_back(granter, [replace(known, policies=(), inherits=())])


def require_way_back(granter: Granter, written: Iterable[SpaceRole]) -> None:
    """Refuse roles as they were just written if the actor could not manage the space's roles any more.

    Call it in their transaction, which it undoes: a denial for everybody would else stay for ever.

    Raises:
        Conflict: ``locked_out``.
    """
    policies = {role.name: role.policies for role in written}
    after = granter.snapshot.with_roles(policies, {role.name: role.inherits for role in written})
    if not (after.allows(granter.actor, Action.MANAGE_ROLES) and after.sees_space(granter.actor)):
        raise Conflict(
            "You would lock yourself out: you could not manage the roles of this space any more.", code="locked_out"
        )
