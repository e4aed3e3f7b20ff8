"""Policies of one space, compiled: who may do what, answered in a few microseconds and never by ``enforce()``."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from maydan.access.actions import ANY, Action, covers
from maydan.access.bounded import BoundedCache
from maydan.access.compiling import Compiled, FindType, compile_decision, no_types
from maydan.access.conditions import ACTOR_ROLES
from maydan.access.decisions import DENIED_DECISION, Decision, full_decision
from maydan.access.foreseeing import Paths, paths_through
from maydan.access.policies import BUILT_IN_INHERITS, BUILT_IN_POLICIES, BUILT_IN_ROLES, Policy, Role
from maydan.access.roles import contained_roles
from maydan.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from maydan.access.actors import Actor
    from maydan.clock import Clock
    from maydan.content.types import ContentType

_MAX_DECISIONS: Final = 8192
_MAX_ROLE_SETS: Final = 4096
_NO_ROLES: Final[frozenset[str]] = frozenset()


class Snapshot:
    """What the policies of one space allow, at one version of them; immutable but for its bounded caches."""

    __slots__ = (
        "_by_role",
        "_clock",
        "_decisions",
        "_inherits",
        "_names",
        "_paths",
        "_rights",
        "_role_sets",
        "_space_actions",
        "find_type",
        "space_key",
    )

    def __init__(
        self,
        space_key: int,
        by_role: Mapping[str, tuple[Policy, ...]],
        inherits: Mapping[str, tuple[str, ...]],
        clock: Clock,
        find_type: FindType = no_types,
        names: Iterable[str] = (),
    ) -> None:
        """Keep compiled parts; use :func:`compile_snapshot`."""
        self.find_type = find_type
        self._paths: BoundedCache[tuple[str, int, int], Paths] = BoundedCache(_MAX_DECISIONS)
        self.space_key = space_key
        self._by_role = by_role
        self._inherits = inherits
        self._names = frozenset((*by_role, *inherits, *names, *BUILT_IN_ROLES))
        self._clock = clock
        self._role_sets: BoundedCache[frozenset[str], frozenset[str]] = BoundedCache(_MAX_ROLE_SETS)
        self._rights: BoundedCache[frozenset[str], str] = BoundedCache(_MAX_ROLE_SETS)
        self._decisions: BoundedCache[tuple[object, ...], Compiled] = BoundedCache(_MAX_DECISIONS)
        self._space_actions: BoundedCache[tuple[frozenset[str], str], bool] = BoundedCache(_MAX_DECISIONS)

    def decide(self, actor: Actor, action: str, type: ContentType) -> Decision:
        """Say on which rows, and which of their fields, the actor may take the action.

        Conditions in the answer are bound: they name no ``$actor`` and no ``$now`` any more.
        """
        if actor.kind == "system":
            return full_decision(action, type)
        if actor.scope is not None and not actor.scope.admits(self.space_key, action, type.name):
            return DENIED_DECISION
        # Authors are for who may read drafts; a token's limits are about that too.
        authors = actor.scope is None or actor.scope.admits(self.space_key, Action.READ_DRAFT, type.name)
        roles = self.effective_roles(actor)
        key = (roles, action, type.name, type.key, type.version, authors)
        compiled = self._decisions.get(key)
        if compiled is None or not compiled.is_current(self.find_type):
            compiled = compile_decision(self._policies_of(roles), action, type, self.find_type, authors=authors)
            self._decisions.put(key, compiled)
        return compiled.bind(actor, roles, self._clock)

    def unbound(self, roles: frozenset[str], action: str, type: ContentType) -> Decision:
        """Return what a set of roles may do, with its variables as they are written; to compare rights by."""
        return compile_decision(self._policies_of(roles), action, type, self.find_type).decision

    def paths_through(self, type: ContentType) -> Paths:
        """Return the paths through relations that any policy's condition on the type takes."""
        key = (type.name, type.key, type.version)
        known = self._paths.get(key)
        if known is None or not known.is_current(self.find_type):
            held = (policy for policies in self._by_role.values() for policy in policies)
            known = paths_through(held, type, self.find_type)
            self._paths.put(key, known)
        return known

    def policies_of(self, roles: Iterable[str]) -> list[Policy]:
        """Return the policies of roles and of all that they contain."""
        return self._policies_of(contained_roles(self._inherits, roles))

    @property
    def role_names(self) -> frozenset[str]:
        """The roles that exist here, those without policies too."""
        return self._names

    def contained(self, roles: Iterable[str]) -> frozenset[str]:
        """Return the roles with all that they contain."""
        return contained_roles(self._inherits, roles)

    def without(self, gone: Collection[Policy]) -> Snapshot:
        """Return what would hold without some of the policies."""
        held = {role: self._by_role.get(role, ()) for role in {policy.role for policy in gone}}
        left = {role: tuple(one for one in policies if one not in gone) for role, policies in held.items()}
        return self.with_roles(left, {})

    def with_roles(
        self, policies: Mapping[str, tuple[Policy, ...]], inherits: Mapping[str, tuple[str, ...]]
    ) -> Snapshot:
        """Return what would hold if some roles had other policies, or contained others."""
        by_role, contains = {**self._by_role, **policies}, {**self._inherits, **inherits}
        return Snapshot(self.space_key, by_role, contains, self._clock, self.find_type, self._names)

    def allows(self, actor: Actor, action: str) -> bool:
        """Tell whether the actor may do something that is not about one type: ``manage:…``, a plugin's permission."""
        if actor.kind == "system":
            return True
        if actor.scope is not None and not actor.scope.admits(self.space_key, action, None):
            return False
        key = (self.effective_roles(actor), action)
        known = self._space_actions.get(key)
        if known is None:
            known = self._allows(key[0], action)
            self._space_actions.put(key, known)
        return known

    def reads_conditionally(self, type_name: str) -> bool:
        """Tell whether any policy lets somebody read only some entries of the type, for what they hold."""
        key = (_NO_ROLES, f"conditional:{type_name}")
        known = self._space_actions.get(key)
        if known is None:
            known = any(
                policy.condition is not None
                and policy.type in (ANY, type_name)
                and any(covers(named, Action.READ) for named in policy.actions)
                for held in self._by_role.values()
                for policy in held
            )
            self._space_actions.put(key, known)
        return known

    @property
    def compares_roles(self) -> bool:
        """Whether any policy's condition asks for the roles of who acts: a role's name alone may give rights then."""
        key = (_NO_ROLES, ACTOR_ROLES)
        known = self._space_actions.get(key)
        if known is None:
            named = f'"{ACTOR_ROLES}"'.encode()
            known = any(
                policy.condition is not None and named in msgspec.json.encode(policy.condition)
                for held in self._by_role.values()
                for policy in held
            )
            self._space_actions.put(key, known)
        return known

    def sees_space(self, actor: Actor) -> bool:
        """Tell whether the actor may read anything at all here, and so learn that the space exists."""
        if actor.kind == "system":
            return True
        scope = actor.scope
        if scope is not None and scope.space_key not in (None, self.space_key):
            return False
        key = (self.effective_roles(actor), "")
        known = self._space_actions.get(key)
        if known is None:
            known = self._sees(key[0])
            self._space_actions.put(key, known)
        return known

    def effective_roles(self, actor: Actor) -> frozenset[str]:
        """Return the roles that the actor has here: given, inherited and those that everyone has.

        Names that no role of the space has are left out, so that they cannot fill a cache.
        """
        given = actor.roles.get(self.space_key)
        asked = _NO_ROLES if given is None else given | {Role.MEMBER}
        if actor.administrator or actor.everywhere:
            asked |= actor.everywhere | ({Role.ADMINISTRATOR} if actor.administrator else _NO_ROLES)
        known = self._role_sets.get(asked)
        if known is None:
            known = self._resolve(asked)
            self._role_sets.put(asked, known)
        return known

    def rights_of(self, actor: Actor) -> str:
        """Return a hash of the actor's roles here and of all that they allow and deny: another one, other rights."""
        roles = self.effective_roles(actor)
        known = self._rights.get(roles)
        if known is None:
            held = msgspec.json.encode([sorted(roles), self._policies_of(roles)])
            known = blake2b(held, digest_size=16).hexdigest()
            self._rights.put(roles, known)
        return known

    def holds_any(self, actor: Actor, roles: Iterable[str]) -> bool:
        """Tell whether the actor has any of the roles here; the system and administrators have all.

        A name that no role of the space has is held by nobody else, whatever members still have it.
        """
        if actor.kind == "system" or actor.administrator or Role.ADMINISTRATOR in actor.everywhere:
            return True
        given = actor.roles.get(self.space_key)
        own = _NO_ROLES if given is None else given | {Role.MEMBER}
        held = contained_roles(self._inherits, {Role.ANONYMOUS, *own, *actor.everywhere})
        return any(role in held and role in self._names for role in roles)

    def _resolve(self, asked: frozenset[str]) -> frozenset[str]:
        held = contained_roles(self._inherits, {Role.ANONYMOUS, *asked})
        return held & self._names

    def _policies_of(self, roles: Iterable[str]) -> list[Policy]:
        return [policy for role in sorted(roles) for policy in self._by_role.get(role, ())]

    def _allows(self, roles: frozenset[str], action: str) -> bool:
        allowed = False
        for policy in self._policies_of(roles):
            if policy.type != ANY or not any(covers(named, action) for named in policy.actions):
                continue
            if policy.effect == "deny":
                return False
            allowed = allowed or policy.condition is None
        return allowed

    def _sees(self, roles: frozenset[str]) -> bool:
        readers = [
            policy
            for policy in self._policies_of(roles)
            if any(covers(named, action) for named in policy.actions for action in ("read", "read_draft"))
        ]
        walls = {
            (policy.type, action)
            for policy in readers
            for action in ("read", "read_draft")
            if policy.effect == "deny" and policy.condition is None and ANY in policy.fields
            and any(covers(named, action) for named in policy.actions)
        }  # fmt: skip
        return any(
            policy.effect == "allow"
            and any(covers(named, action) for named in policy.actions)
            and not walls & {(ANY, action), (policy.type, action)}
            for policy in readers
            for action in ("read", "read_draft")
        )


def compile_snapshot(
    space_key: int,
    policies: Sequence[Policy],
    inherits: Mapping[str, tuple[str, ...]],
    *,
    built_in: Sequence[Policy] = BUILT_IN_POLICIES,
    clock: Clock | None = None,
    find_type: FindType = no_types,
    names: Iterable[str] = (),
) -> Snapshot:
    """Compile the policies of one space, with those of the built-in roles.

    Args:
        space_key: The space.
        policies: Those that are written for the space (and by plugins), of any role.
        inherits: Role name to the roles that it contains; may be any depth, a cycle counts each role once.
        built_in: What the built-in roles may do; empty closes everything to everyone but the system.
        clock: Gives ``$now``.
        find_type: Finds the types behind relations, for conditions that go through them.
        names: The roles that the space has, where some have no policies and contain no others.
    """
    by_role: dict[str, list[Policy]] = {}
    for policy in (*built_in, *policies):
        by_role.setdefault(policy.role, []).append(policy)
    return Snapshot(
        space_key,
        {role: tuple(held) for role, held in by_role.items()},
        {**inherits, **_built_in_inherits(inherits)},
        clock or SystemClock(),
        find_type,
        names,
    )


def _built_in_inherits(written: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What the built-in roles contain, beside what the space wrote for them."""
    return {role: (*contains, *written.get(role, ())) for role, contains in BUILT_IN_INHERITS.items()}
