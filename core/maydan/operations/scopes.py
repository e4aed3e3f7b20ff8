"""One caller before one content type of one space: what they may do, and how they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from msgspec.structs import replace

from maydan.access.actions import Action
from maydan.access.decisions import DENIED_DECISION
from maydan.errors import Forbidden, NotFound, Unauthenticated
from maydan.operations.shared_rights import NOTHING_SHARED, SharedDecider
from maydan.operations.targets import Targets
from maydan.storage.registry import SHARED, find_space, find_type

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from maydan.access.decisions import Decision
    from maydan.access.shared_rights import SharedRight
    from maydan.access.snapshot import Snapshot
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.operations.core import Caller, Core

_VISIBLE_BY = (Action.READ, Action.READ_DRAFT, Action.CREATE, Action.UPDATE, Action.DELETE, Action.PUBLISH)

_KNOWN_BY = (Action.READ, Action.READ_DRAFT, Action.CREATE, Action.UPDATE)


class Scope:
    """What every operation on entries starts from; made by :func:`scope_of`."""

    __slots__ = ("_decisions", "_shared", "_snapshot", "caller", "core", "is_shown", "link", "space", "targets", "type")

    def __init__(self, core: Core, caller: Caller, space: Space, content_type: ContentType, snapshot: Snapshot) -> None:
        """Keep who asks about what; one operation judges by one snapshot."""
        self.core = core
        self.caller = caller
        self.space = space
        self.type = content_type
        self.is_shown = True
        """Whether somebody wants to see what they have written."""
        self._snapshot = snapshot
        self._decisions: dict[str, Decision] = {}
        self._shared = NOTHING_SHARED
        self.link: SharedRight | None = None
        """What a link that the caller has lets them do with one entry of the type."""
        self.targets = Targets()
        """What relations lead to that conditions go through, as far as it was loaded."""

    def beside(self, content_type: ContentType) -> Scope:
        """Return the same caller before another type of the space."""
        beside = Scope(self.core, self.caller, self.space, content_type, self._snapshot)
        beside.targets = self.targets
        beside._shared = self._shared
        return beside

    @property
    def goes_through_relations(self) -> bool:
        """Whether any policy's condition on the type looks at the entries that a relation leads to."""
        return bool(self._snapshot.paths_through(self.type).compares)

    async def foresee(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Load what the documents are judged by beside themselves: nothing but where conditions go through relations.

        A document that was not foreseen is denied under such a condition.
        """
        compares = self._snapshot.paths_through(self.type).compares
        if compares and documents and self.caller.actor.kind != "system":
            await self.targets.load(self.core.store, self.space.key, compares, documents)

    async def renew(self) -> None:
        """Go on with the type, the space and the policies as the database has them now.

        Raises:
            NotFound: The type or the space is gone.
        """
        core = self.core
        await core.revisions.settled()
        space = await find_space(core.store, self.space.name)
        cached = core.registry.cached_space(self.space.name)
        if space is not None and cached is not None and cached.version == space.version:
            space = cached  # the snapshots know it
        plugin, dot, _ = self.type.name.partition(".")
        if space is None or (dot and plugin not in space.plugins):
            raise NotFound
        content_type = await find_type(core.store, SHARED if dot else space.key, self.type.name)
        if content_type is None:
            raise NotFound
        self.space, self.type, self._snapshot = space, content_type, await core.snapshots.get(space)
        await self.load_shared_rights()
        self._decisions, self.targets = {}, Targets()

    @property
    def manages_types(self) -> bool:
        """Whether the caller defines content types in this space."""
        return self._snapshot.allows(self.caller.actor, Action.MANAGE_TYPES)

    @property
    def manages_members(self) -> bool:
        """Whether the caller looks after who belongs to this space."""
        return self._snapshot.allows(self.caller.actor, Action.MANAGE_MEMBERS)

    @property
    def role_names(self) -> frozenset[str]:
        """The roles of this space."""
        return self._snapshot.role_names

    @property
    def manages_space(self) -> bool:
        """Whether the caller looks after this space."""
        return self._snapshot.allows(self.caller.actor, Action.MANAGE_SPACE)

    @property
    def reads_conditionally(self) -> bool:
        """Whether what an entry of the type holds decides, for anybody, whether it can be read."""
        return self._snapshot.reads_conditionally(self.type.name)

    @property
    def may_anything(self) -> bool:
        """Whether there is any row of the type on which the caller may take any of the usual actions."""
        return not all(self.decide(action).denied for action in _VISIBLE_BY)

    @property
    def known_fields(self) -> frozenset[str]:
        """The names of the fields that the caller may read or write on some row."""
        grants = (grant for action in _KNOWN_BY for grant in self.decide(action).grants)
        return frozenset(name for grant in grants for name in grant.fields)

    def has_role(self, roles: Collection[str]) -> bool:
        """Tell whether the caller has any of the roles in this space; with none to have, everybody does."""
        return not roles or self._snapshot.holds_any(self.caller.actor, roles)

    def decide(self, action: str) -> Decision:
        """Return on which rows, and which of their fields, the caller may take the action."""
        known = self._decisions.get(action)
        if known is None:
            known = self._decisions[action] = self._foreseen(self._decided(action))
        return known

    def _foreseen(self, decision: Decision) -> Decision:
        if decision.unconditional or not self.goes_through_relations:
            return decision
        return replace(decision, load=self.targets.find)

    def own(self, action: str) -> Decision:
        """Return what the caller may do by their own rights, without what others let them do with some entries."""
        return self._foreseen(self._own(action))

    def decide_shared(self, shared: SharedRight, action: str) -> Decision:
        """Return what a link alone lets somebody do."""
        return self._foreseen(self._shared_decider.decide(DENIED_DECISION, action, self.type, (shared,)))

    def through(self, link: SharedRight) -> Scope:
        """Return the same caller with what a link lets them do, before this type and no other."""
        scope = self.beside(self.type)
        scope.link = link
        return scope

    async def load_shared_rights(self) -> None:
        """Find out what others let the caller do."""
        self._shared = await self.core.shared_rights.rights_of(self.caller.actor, self.space, self._snapshot)

    @property
    def _shared_decider(self) -> SharedDecider:
        return SharedDecider(self.caller.actor, self._snapshot, self.core.clock)

    def is_shared(self, action: str, entry_id: str) -> bool:
        """Tell whether somebody, or a link, lets the caller do this with the entry, while they may themselves."""
        return any(action in shared.actions and entry_id in shared.ids for shared in self._all_shared)

    @property
    def _all_shared(self) -> tuple[SharedRight, ...]:
        shared = self._shared.get(self.type.key, ())
        return shared if self.link is None else (*shared, self.link)

    def _decided(self, action: str) -> Decision:
        shared = self._all_shared
        own = self._own(action)
        return self._shared_decider.decide(own, action, self.type, shared) if shared else own

    def _own(self, action: str) -> Decision:
        return self._snapshot.decide(self.caller.actor, action, self.type)

    def require(self, action: str) -> Decision:
        """Return the decision, when there is any row on which the action is allowed.

        Raises:
            Unauthenticated: Nobody is logged in, and nobody may.
            Forbidden: The caller sees the type, but may not do this with it.
            NotFound: The caller does not see the type.
        """
        decision = self.decide(action)
        if decision.denied:
            self.refuse(action)
        return decision

    def refuse(self, action: str) -> NoReturn:
        """Say no, without telling whether what the caller may not see exists."""
        if self.caller.actor.kind == "anonymous":
            raise Unauthenticated(f"Log in with an account or a token that has the right to {action}.")
        if not self.may_anything:
            raise NotFound
        raise Forbidden(f"Your roles in this space do not allow {action} on {self.type.name}.")


async def scope_of(core: Core, caller: Caller, space: Space, type_name: str) -> Scope:
    """Find the type.

    Raises:
        NotFound: It does not exist, is not active here, or its plugin is not active in the space.
    """
    content_type = core.registry.cached_type(space, type_name) or await core.registry.find_type(space, type_name)
    if content_type is None:
        raise NotFound
    scope = Scope(core, caller, space, content_type, await core.snapshots.get(space))
    await scope.load_shared_rights()
    return scope


def shared_for(scope: Scope, action: str, entry_id: str) -> list[SharedRight]:
    """Return what others share with the caller for an action on an entry; for explanations."""
    held = scope._all_shared  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no part of what plugins see of a scope
    return [shared for shared in held if action in shared.actions and entry_id in shared.ids]
