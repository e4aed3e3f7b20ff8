"""Shares with accounts and roles, as part of every decision: what was shared with somebody, by those who hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from maydan.access.actions import ANY
from maydan.access.compiling import compile_decision
from maydan.access.decisions import DENIED_DECISION, Decision
from maydan.access.policies import Policy, Role
from maydan.access.shared_rights import SHARED_ACTIONS, SharedRight, common, restricted, united
from maydan.storage.shares import Share, list_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maydan.access.actors import Actor, TokenScope
    from maydan.access.snapshot import Snapshot
    from maydan.accounts.sessions import Authenticator
    from maydan.clock import Clock
    from maydan.content.spaces import Space
    from maydan.content.types import ContentType
    from maydan.storage.ports import Store

SCOPE: Final = "shares"
"""Of the revisions: grows whenever a share with an account or a role is made or ended."""

RightsByType = dict[int, tuple[SharedRight, ...]]
"""What was shared with somebody, by the key of the content type."""

NOTHING_SHARED: Final[RightsByType] = {}


class SharedRights:
    """Knows the shares of every space, read once and again when one was made or ended; most spaces have none."""

    def __init__(self, store: Store, clock: Clock, authenticator: Authenticator) -> None:
        """Read from this store; :meth:`on_change` belongs to the revisions of shares."""
        self._store = store
        self._clock = clock
        self._authenticator = authenticator
        self._known: dict[int, tuple[Share, ...]] = {}
        self._generation = 0
        store.signals.listen(self._on_signal)

    async def rights_of(self, actor: Actor, space: Space, snapshot: Snapshot) -> RightsByType:
        """Return what others let an actor do in a space, at this moment.

        An API token gets of it what its own limits admit; nothing is shared by name with anybody without an account.
        """
        shares = self._known.get(space.key)
        if shares is None:
            shares = await self._read(space.key)
        if not shares or actor.kind not in ("account", "token"):
            return NOTHING_SHARED
        now = self._clock.now()
        roles = {share.target for share in shares if share.kind == "role" and share.target is not None}
        held = {role for role in roles if snapshot.holds_any(actor, (role,))} if roles else roles
        found: dict[tuple[int, str, str, TokenScope | None, str | None], list[tuple[str, str]]] = {}
        for share in shares:
            is_over = share.expires_at is not None and share.expires_at <= now
            is_meant = share.target == actor.id if share.kind == "user" else share.target in held
            if is_meant and not is_over:
                key = (share.type_key, share.rights, share.maker_id, share.maker_scope, share.maker_token)
                found.setdefault(key, []).append((share.id, share.entry_id))
        shared: dict[int, list[SharedRight]] = {}
        for (type_key, rights, maker_id, scope, token), pairs in found.items():
            maker = await self._authenticator.of_account(maker_id, scope, token_id=token)
            if maker is not None:
                ids = tuple(dict.fromkeys(entry_id for _, entry_id in pairs))
                actions = SHARED_ACTIONS[rights]
                one = SharedRight(maker=maker, actions=actions, ids=ids, rights=rights, shares=tuple(pairs))
                shared.setdefault(type_key, []).append(one)
        return {type_key: tuple(parts) for type_key, parts in shared.items()}

    async def on_change(self, scope: str) -> None:
        """Read the shares again; what the revisions call."""
        self._forget()

    async def _read(self, space_key: int) -> tuple[Share, ...]:
        generation = self._generation
        shares = tuple(await list_named(self._store, self._store, space_key, at=self._clock.now()))
        # What was read before a change must not be kept after it.
        if generation == self._generation:
            self._known[space_key] = shares
        return shares

    def _forget(self) -> None:
        self._generation += 1
        self._known = {}

    def _on_signal(self, name: str) -> None:
        # What this process has committed counts at once, without waiting for the revisions.
        if name == f"revision:{SCOPE}":
            self._forget()


class SharedDecider:
    """One caller with what was shared with them, before one content type."""

    def __init__(self, actor: Actor, snapshot: Snapshot, clock: Clock) -> None:
        """Judge by one snapshot."""
        self._actor = actor
        self._snapshot = snapshot
        self._clock = clock

    def decide(self, own: Decision, action: str, content_type: ContentType, shared: Sequence[SharedRight]) -> Decision:
        """Return what the caller may do by their own rights or by what was shared with them."""
        parts = [self._one(each, action, content_type) for each in shared if action in each.actions]
        added = {name for part in parts if not part.denied for grant in part.grants for name in grant.fields}
        # Who has all of it anyway keeps their decision itself, by which lists are remembered.
        if own.unconditional and added <= own.fields:
            return own
        return united([own, *parts])

    def _one(self, shared: SharedRight, action: str, content_type: ContentType) -> Decision:
        scope = self._actor.scope
        if scope is not None and not shared.by_link and not scope.admits(
            self._snapshot.space_key, action, content_type.name
        ):  # fmt: skip
            return DENIED_DECISION
        held = self._snapshot.decide(shared.maker, action, content_type)
        decision = restricted(held, shared.ids, content_type, by_link=shared.by_link)
        return decision if shared.by_link else common(decision, self._undenied(action, content_type))

    def _undenied(self, action: str, content_type: ContentType) -> Decision:
        """Return what no policy denies to the caller: deny wins over what others let them do, too."""
        roles = self._snapshot.effective_roles(self._actor)
        denials = [policy for policy in self._snapshot.policies_of(roles) if policy.effect == "deny"]
        everything = Policy(role=Role.ADMINISTRATOR, effect="allow", actions=(ANY,))
        compiled = compile_decision([everything, *denials], action, content_type, self._snapshot.find_type)
        return compiled.bind(self._actor, roles, self._clock)
