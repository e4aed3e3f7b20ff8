# pyright: reportIncompatibleMethodOverride=false
# pycasbin's interfaces have no types, and their methods are declared to return nothing.
"""Policies for Casbin's own tools: one space's roles as an adapter of pycasbin, to read them and to change them.

It is for scripts and notebooks of operators. Nothing that serves imports this module: requests are judged by compiled
snapshots. It needs the extra ``maydan[casbin]``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from casbin.persist.adapters.asyncio import (  # pyright: ignore[reportMissingTypeStubs] - pycasbin has no types
    AsyncAdapter,
    AsyncBatchAdapter,
    AsyncFilteredAdapter,
    AsyncUpdateAdapter,
)

from maydan.access.casbin_text import rule_parts
from maydan.access.roles import contained_roles
from maydan.errors import InvalidInput, MaydanError, NotFound
from maydan.operations.policy_files import edit_policies, import_rules
from maydan.operations.policy_lines import distinct, lines_of, read_lines, require_space
from maydan.operations.role_writing import find_granter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from maydan.access.casbin import Rule
    from maydan.accounts.roles import SpaceRoles
    from maydan.content.spaces import Space
    from maydan.operations.core import Caller, Core
    from maydan.operations.policy_lines import PolicyLines

_SECTIONS: Final = ("p", "g")
_logger = logging.getLogger(__name__)


class PolicyAdapter(AsyncAdapter, AsyncFilteredAdapter, AsyncBatchAdapter, AsyncUpdateAdapter):
    """Reads and changes the roles of one space, for ``casbin.AsyncEnforcer``.

    Lines are those of ``maydan access export``. A change is checked as one of the role over HTTP, and stored with the
    role's next version and its event in one transaction; it counts in every process within a second. The verbs say
    ``False``, and change nothing, where what is to be added is there or what is to go is not. A line is the same
    whatever the number ``n`` of its policy: where two policies say it, both go. They raise

    - ``InvalidInput`` for what is no rule of this space, memberships (the members' routes set them) and names of what
      is not there;
    - ``Conflict`` for taking away what a role starts with, for the role ``administrator``, and for what would leave the
      caller without ``manage:roles``;
    - ``Forbidden`` for giving what the caller does not hold;
    - ``Stale`` when others changed the same roles again and again.

    pycasbin takes lines out of its own memory before it asks: after a refusal, ``await enforcer.load_policy()``.
    """

    def __init__(self, core: Core, caller: Caller, space_name: str) -> None:
        """Act as the caller, who needs ``manage:roles`` in the space."""
        self._core = core
        self._caller = caller
        self._space_name = space_name
        self._filtered = False

    async def load_policy(self, model: Any) -> None:
        """Fill an empty model with all that the roles of the space may do, built-in ones and those of plugins too."""
        space, roles = await self._read()
        _fill(model, (rule for role in roles.roles.values() for rule in lines_of(role, space)))
        self._filtered = False

    async def load_filtered_policy(self, model: Any, filter: str | Iterable[str]) -> None:
        """Add to a model what some roles may do, by name, with the roles that they contain.

        pycasbin's own ``Filter`` is refused: whole roles only, as parts of them judge otherwise than the whole.

        ``AsyncEnforcer.load_filtered_policy`` empties the model that it judges by before it waits for this one, and
        denies everything until it is back: do it with an enforcer that nobody asks meanwhile.
        """
        named = _role_names(filter)
        space, roles = await self._read()
        names = contained_roles(roles.inherits, named)
        _fill(model, (rule for name in roles.roles if name in names for rule in lines_of(roles.roles[name], space)))
        self._filtered = True

    def is_filtered(self) -> _Told:  # pyright: ignore[reportIncompatibleMethodOverride] - see _Told
        """Whether what was loaded last is a part of the policies only, which pycasbin then refuses to save."""
        return _Told(self._filtered)

    async def save_policy(self, model: Any) -> None:
        """Write the roles that the model names as it says, all or none, as ``maydan access import`` does."""
        rules = [
            rule
            for section in _SECTIONS
            for ptype, assertion in model.model.get(section, {}).items()
            for rule in read_lines(ptype, assertion.policy)
        ]
        await import_rules(self._core, self._caller, await self._space(), rules)

    async def add_policy(self, sec: str, ptype: str, rule: Sequence[str]) -> bool:
        """Add a line."""
        return await self.add_policies(sec, ptype, [rule])

    async def add_policies(self, sec: str, ptype: str, rules: Sequence[Sequence[str]]) -> bool:
        """Add lines, all or none."""
        added = read_lines(ptype, rules)
        return await self._edit(added, lambda lines: all(lines.add(rule) for rule in added))

    async def remove_policy(self, sec: str, ptype: str, rule: Sequence[str]) -> bool:
        """Remove a line; a role stays when its last one goes."""
        return await self.remove_policies(sec, ptype, [rule])

    async def remove_policies(self, sec: str, ptype: str, rules: Sequence[Sequence[str]]) -> bool:
        """Remove lines, all or none."""
        removed = distinct(read_lines(ptype, rules))
        return await self._edit(removed, lambda lines: all(lines.remove(rule) for rule in removed))

    async def remove_filtered_policy(self, sec: str, ptype: str, field_index: int, *field_values: str) -> bool:
        """Remove the lines whose parts from ``field_index`` on are the values; an empty value fits anything."""

        def edit(lines: PolicyLines) -> bool:
            found = lines.matching(ptype, field_index, field_values)
            return bool(found) and all(lines.remove(rule) for rule in distinct(found))

        return await self._edit([], edit)

    async def update_policy(self, sec: str, ptype: str, old_rule: Sequence[str], new_policy: Sequence[str]) -> bool:
        """Put a line in the place of another."""
        return await self.update_policies(sec, ptype, [old_rule], [new_policy])

    async def update_policies(
        self, sec: str, ptype: str, old_rules: Sequence[Sequence[str]], new_rules: Sequence[Sequence[str]]
    ) -> bool:
        """Put lines in the place of others, all or none."""
        old, new = distinct(read_lines(ptype, old_rules)), read_lines(ptype, new_rules)
        return await self._edit(
            [*old, *new],
            lambda lines: all(lines.remove(rule) for rule in old) and all(lines.add(rule) for rule in new),
        )

    async def update_filtered_policies(
        self, sec: str, ptype: str, new_rules: Sequence[Sequence[str]], field_index: int, *field_values: str
    ) -> list[list[str]]:
        """Put lines in the place of those whose parts from ``field_index`` on are the values, and return these.

        A refusal is logged and nothing is returned: pycasbin drops any error here and would go on as if all was well,
        while of nothing it says ``False``.
        """
        gone: list[Rule] = []
        try:
            new = read_lines(ptype, new_rules)

            def edit(lines: PolicyLines) -> bool:
                gone[:] = lines.matching(ptype, field_index, field_values)
                return bool(gone) and all(map(lines.remove, distinct(gone))) and all(map(lines.add, new))

            done = await self._edit(new, edit)
        except MaydanError as error:
            _logger.warning("Policies were not changed: %s", error)
            return []
        return [rule_parts(rule)[1:] for rule in gone] if done else []

    async def _space(self) -> Space:
        space = await self._core.registry.find_space(self._space_name)
        if space is None:
            raise NotFound
        return space

    async def _read(self) -> tuple[Space, SpaceRoles]:
        space = await self._space()
        granter = await find_granter(self._core, self._caller, space)
        return space, await self._core.accounts.roles.load(space.key, granter.brought)

    async def _edit(self, named: Iterable[Rule], edit: Callable[[PolicyLines], bool]) -> bool:
        space = await self._space()
        require_space(named, space)
        return await edit_policies(self._core, self._caller, space, edit)


class _Told:
    """Yes or no, for who awaits it and for who does not: pycasbin's interface awaits, its ``AsyncEnforcer`` forgets."""

    def __init__(self, yes: bool) -> None:  # noqa: FBT001 - it is the one thing that this is
        self._yes = yes

    def __bool__(self) -> bool:
        return self._yes

    def __await__(self) -> Generator[None, None, bool]:
        yield from ()
        return self._yes


def _role_names(filter: object) -> list[str]:
    if isinstance(filter, str):
        return [filter.removeprefix("role:")]
    several = isinstance(filter, Iterable) and not isinstance(filter, Mapping)
    named: list[object] = list(cast("Iterable[object]", filter)) if several else [filter]
    names = [name.removeprefix("role:") for name in named if isinstance(name, str)]
    if len(names) < len(named):
        raise InvalidInput("Policies are loaded by the names of roles: one name, or a list of them.")
    return names


def _fill(model: Any, rules: Iterable[Rule]) -> None:
    """Put rules that are not there to a model; all at once, so that nobody judges by a part of them."""
    sections: dict[str, dict[str, Any]] = model.model
    if any(name not in sections.get(name, {}) for name in _SECTIONS):
        raise InvalidInput("The model needs p and g; take the one that `maydan access export --model` prints.")
    known = {name: {tuple(line) for line in sections[name][name].policy} for name in _SECTIONS}
    for rule in rules:
        ptype, *line = rule_parts(rule)
        if tuple(line) not in known[ptype]:
            sections[ptype][ptype].policy.append(line)
