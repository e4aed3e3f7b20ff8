"""Roles of a space and their policies, kept in Casbin's format, and the snapshot that is compiled from them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import Struct

from maydan.access.casbin import ALL_SPACES, Rule, RuleSet, inheritance_rules, policy_rules, read_rules
from maydan.access.compiling import no_types
from maydan.access.policies import BUILT_IN_ROLES, REPLACEABLE, Policy, Role
from maydan.access.snapshot import compile_snapshot
from maydan.accounts.role_endings import role_endings
from maydan.errors import Conflict, NotFound, Stale
from maydan.storage.acting import change_statement
from maydan.storage.ports import Duplicate, GuardFailed, Statement
from maydan.storage.revisions import bump
from maydan.storage.schema.m0001_access import RULE_INSERT, rule_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from maydan.access.compiling import FindType
    from maydan.access.policies import RoleDefinition
    from maydan.access.snapshot import Snapshot
    from maydan.clock import Clock
    from maydan.storage.ports import Reader, Store

_SELECT: Final = (
    "SELECT space_key, ptype, v0, v1, v2, v3, v4, v5 FROM maydan_casbin_rules WHERE space_key IN (?, ?) ORDER BY id"
)
# With all kinds of lines that there are, the index finds those of one role without reading the others.
_OF_ROLE: Final = "ptype IN ('p', 'g') AND v0 = ?"

_MANY_RULES: Final = 1000


class SpaceRole(Struct, frozen=True, kw_only=True):
    """One role of a space."""

    name: str
    inherits: tuple[str, ...]
    policies: tuple[Policy, ...]
    built_in: bool
    """It comes with the core or a plugin, and cannot be deleted."""
    version: int
    """0 where nothing was written about it in this space."""
    fixed: RuleSet = RuleSet()
    """What it starts with and keeps, whatever is written about it; these come first in what it has."""


class RoleGraph(Struct, kw_only=True):
    """Which roles a space has, and which contains which; without what they may do."""

    names: set[str]
    inherits: dict[str, tuple[str, ...]]

    def put(self, role: SpaceRole) -> None:
        """Go on with a role as it was just written."""
        self.names.add(role.name)
        self.inherits[role.name] = role.inherits


class SpaceRoles(Struct, frozen=True, kw_only=True):
    """All roles of a space."""

    roles: Mapping[str, SpaceRole]

    @property
    def inherits(self) -> dict[str, tuple[str, ...]]:
        """Which role contains which."""
        return {role.name: role.inherits for role in self.roles.values() if role.inherits}

    @property
    def graph(self) -> RoleGraph:
        """Their names, and which contains which."""
        return RoleGraph(names={*self.roles}, inherits=self.inherits)

    def get(self, name: str) -> SpaceRole:
        """Return a role.

        Raises:
            NotFound: The space has none of that name.
        """
        role = self.roles.get(name)
        if role is None:
            raise NotFound
        return role


class Roles:
    """Reads and changes the roles of spaces; what changes is in force in every worker within a second."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Keep roles in this store."""
        self._store = store
        self._clock = clock

    async def load(self, space_key: int, brought: Sequence[RoleDefinition] = ()) -> SpaceRoles:
        """Read all roles of a space.

        Args:
            space_key: The space.
            brought: The roles of the plugins that are active in it.
        """
        shared, own, versions = await _read(self._store, space_key)
        definitions = {role.name: role for role in brought}
        held = own.by_role()
        names = {
            *BUILT_IN_ROLES, *definitions, *versions, *own.inherits, *held
        } - {Role.ADMINISTRATOR.value}  # fmt: skip
        return SpaceRoles(
            roles={
                name: _role(
                    name,
                    shared,
                    RuleSet(held.get(name, ()), own.inherits),
                    versions.get(name, 0),
                    definitions.get(name),
                )
                for name in sorted(names)
            }
        )

    async def lock(self, space_key: int) -> None:
        """Wait, inside a write transaction, until nobody else changes the space's roles; before they are read.

        Which role contains which is then what it was when a change was checked, though that is another role's row.

        Raises:
            NotFound: The space is gone.
        """
        found = await self._store.fetch_one("SELECT key FROM maydan_spaces WHERE key = ? {for_update}", space_key)
        if found is None:
            raise NotFound

    async def put(
        self,
        space_key: int,
        name: str,
        *,
        inherits: Sequence[str],
        policies: Sequence[Policy],
        known: SpaceRole | None,
        brought: Sequence[RoleDefinition] = (),
        seal: Sequence[Statement] = (),
    ) -> SpaceRole:
        """Write a role. That it is sound and its writer holds it all is checked before (``access``).

        The policies that a built-in role starts with stay, but for ``anonymous`` and ``member``, whose are replaced.

        Args:
            space_key: The space.
            name: The role's.
            inherits: The roles that it contains.
            policies: All of its policies.
            known: The role as it was read; ``None`` where there is none.
            brought: The roles of the plugins that are active in the space.
            seal: Statements to store in the same transaction.
        Raises:
            Stale: Somebody else changed it first.
        """
        shared = read_rules(await _rules(self._store, ALL_SPACES))
        definition = next((role for role in brought if role.name == name), None)
        fixed = _starts_with(name, shared, definition)
        kept = [policy for policy in policies if policy not in fixed.policies]
        contained = [role for role in inherits if role not in fixed.inherits.get(name, ())]
        rules = [*policy_rules(space_key, kept), *inheritance_rules(space_key, {name: contained})]
        # What is new is inserted before what was there is deleted: neither touches the other's rows.
        batch = [self._version(space_key, name, known), _delete_rules(space_key, name)]
        batch += [Statement(RULE_INSERT, rule_values(space_key, rule)) for rule in rules]
        noted = change_statement(
            "role.changed",
            ("role", name),
            at=self._clock.now(),
            space_key=space_key,
            version=1 if known is None else known.version + 1,
            data={"inherits": list(contained), "policies": msgspec.to_builtins([each.as_input() for each in policies])},
        )
        await self._commit([*batch, *seal, noted, bump("policies")])
        written = read_rules(await _rules(self._store, space_key, name))
        return _role(name, shared, written, await self._version_of(space_key, name), definition)

    async def delete(self, space_key: int, known: SpaceRole) -> None:
        """Delete a role, inside a transaction that has locked the space's: members and invitations go on without it.

        What was shared with it is shared no more.

        Raises:
            Conflict: It is built in, or another role contains it.
            Stale: Somebody else changed it, or what one of its members has, first.
        """
        if known.built_in:
            raise Conflict("A built-in role cannot be deleted.", code="built_in_role")
        contained = await self._store.fetch_one(
            "SELECT v0 FROM maydan_casbin_rules WHERE space_key = ? AND ptype = 'g' AND v1 = ?",
            space_key,
            f"role:{known.name}",
        )
        if contained is not None:
            other = str(contained[0]).removeprefix("role:")
            raise Conflict(f"The role {other} contains this one.", code="role_in_use")
        sql = "DELETE FROM maydan_roles WHERE space_key = ? AND name = ? AND version = ?"
        gone = Statement(sql, (space_key, known.name, known.version), expect=1)
        # Whoever gives it to a member at this moment was first, or is too late: they lock the row as well.
        await self._store.fetch_one(
            "SELECT version FROM maydan_roles WHERE space_key = ? AND name = ? {for_update}", space_key, known.name
        )
        now = self._clock.now()
        noted = change_statement("role.deleted", ("role", known.name), at=now, space_key=space_key)
        ends = await role_endings(self._store, space_key, known.name, now=now)
        batch = [gone, *ends, _delete_rules(space_key, known.name), noted, bump("policies")]
        await self._commit(sorted(batch, key=lambda part: part.expect is None))

    async def _version_of(self, space_key: int, name: str) -> int:
        sql = "SELECT version FROM maydan_roles WHERE space_key = ? AND name = ?"
        row = await self._store.fetch_one(sql, space_key, name)
        return 0 if row is None else row[0]

    def _version(self, space_key: int, name: str, known: SpaceRole | None) -> Statement:
        now = self._clock.now()
        if known is None or known.version == 0:
            sql = "INSERT INTO maydan_roles (space_key, name, version, created_at, updated_at) VALUES (?, ?, 1, ?, ?)"
            return Statement(sql, (space_key, name, now, now))
        sql = (
            "UPDATE maydan_roles SET version = version + 1, updated_at = ? "
            "WHERE space_key = ? AND name = ? AND version = ?"
        )
        return Statement(sql, (now, space_key, name, known.version), expect=1)

    async def _commit(self, batch: list[Statement]) -> None:
        try:
            await self._store.commit(batch)
        except (GuardFailed, Duplicate) as error:
            raise Stale("The role was changed in the meantime; read it again.") from error


async def load_snapshot(
    reader: Reader,
    space_key: int,
    *,
    brought: Sequence[RoleDefinition] = (),
    clock: Clock | None = None,
    find_type: FindType = no_types,
) -> Snapshot:
    """Read a space's policies and compile them.

    Without any rules in the table, the snapshot allows nothing to anybody but the system.

    Args:
        reader: A store or a transaction.
        space_key: The space.
        brought: The roles of the plugins that are active in the space.
        clock: Gives ``$now``.
        find_type: Finds the types behind relations, for conditions that go through them.
    """
    shared, own, versions = await _read(reader, space_key)
    built_in = [policy for policy in shared.policies if not (policy.role in REPLACEABLE and policy.role in versions)]
    inherits = dict(own.inherits)
    for role in brought:
        inherits[role.name] = (*role.inherits, *inherits.get(role.name, ()))
    policies = [*own.policies, *(policy for role in brought for policy in role.policies)]
    compiling = partial(
        compile_snapshot, space_key, policies, inherits,
        built_in=built_in, clock=clock, find_type=find_type, names=(*versions, *(role.name for role in brought)),
    )  # fmt: skip
    return await asyncio.to_thread(compiling) if len(policies) > _MANY_RULES else compiling()


def forget_space(space_key: int) -> list[Statement]:
    """Return what ends a space's roles, policies, memberships, invitations and tokens; of the batch that deletes it."""
    tables = ("maydan_casbin_rules", "maydan_roles", "maydan_members", "maydan_invitations", "maydan_api_tokens")
    deletes = [Statement(f"DELETE FROM {table} WHERE space_key = ?", (space_key,)) for table in tables]
    return [*deletes, bump("policies"), bump("accounts")]


async def _rules(reader: Reader, space_key: int, role: str | None = None) -> list[Rule]:
    """Return the rules of one space, of one role or of all."""
    sql = "SELECT space_key, ptype, v0, v1, v2, v3, v4, v5 FROM maydan_casbin_rules WHERE space_key = ?"
    if role is None:
        return [_rule(row) for row in await reader.fetch_all(f"{sql} ORDER BY id", space_key)]
    sql = f"{sql} AND {_OF_ROLE} ORDER BY id"
    return [_rule(row) for row in await reader.fetch_all(sql, space_key, f"role:{role}")]


async def _read(reader: Reader, space_key: int) -> tuple[RuleSet, RuleSet, dict[str, int]]:
    """Return the rules of all spaces, those of one, and the versions of the roles that were written in it."""
    # The versions first: rules that are newer than their version make a writer too late, older ones would be lost.
    written = await reader.fetch_all("SELECT name, version FROM maydan_roles WHERE space_key = ?", space_key)
    rows = await reader.fetch_all(_SELECT, ALL_SPACES, space_key)
    # Thousands of rules are read beside the event loop, so that an edit holds up no request.
    many = len(rows) > _MANY_RULES
    shared, own = await asyncio.to_thread(_sorted, rows, space_key) if many else _sorted(rows, space_key)
    return shared, own, {row[0]: row[1] for row in written}


def _sorted(rows: Sequence[tuple[Any, ...]], space_key: int) -> tuple[RuleSet, RuleSet]:
    shared = [_rule(row) for row in rows if row[0] == ALL_SPACES]
    own = [_rule(row) for row in rows if row[0] == space_key != ALL_SPACES]
    return read_rules(shared), read_rules(own)


def _rule(row: tuple[Any, ...]) -> Rule:
    return Rule(row[1], cast("tuple[str, str, str, str, str, str]", tuple(row[2:8])))


def _delete_rules(space_key: int, role: str) -> Statement:
    return Statement(f"DELETE FROM maydan_casbin_rules WHERE space_key = ? AND {_OF_ROLE}", (space_key, f"role:{role}"))


def _starts_with(name: str, shared: RuleSet, definition: RoleDefinition | None) -> RuleSet:
    """Return what a role has without anything being written about it in the space."""
    if name in REPLACEABLE:
        return RuleSet()
    if definition is not None:
        return RuleSet(definition.policies, {name: definition.inherits})
    return RuleSet(shared.of(name), {name: tuple(shared.inherits.get(name, ()))})


def _role(name: str, shared: RuleSet, own: RuleSet, version: int, definition: RoleDefinition | None) -> SpaceRole:
    fixed = _starts_with(name, shared, definition)
    start = RuleSet(shared.of(name)) if name in REPLACEABLE and not version else fixed
    return SpaceRole(
        name=name,
        inherits=(*start.inherits.get(name, ()), *own.inherits.get(name, ())),
        policies=(*start.policies, *own.of(name)),
        built_in=name in BUILT_IN_ROLES or definition is not None,
        version=version,
        fixed=fixed,
    )
